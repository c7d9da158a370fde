/// The commit that the program was built from, with `-changed` behind it where files differed; empty where `make` did not
/// say.
const char *ferry_build_commit(void);

/// The version of the Swift compiler; empty where `make` did not say.
const char *ferry_build_swift(void);
