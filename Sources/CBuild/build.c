#include "CBuild.h"

#define TEXT(...) #__VA_ARGS__
#define TEXT_OF_VALUE(...) TEXT(__VA_ARGS__)

const char *ferry_build_commit(void) { return TEXT_OF_VALUE(FERRY_COMMIT); }

const char *ferry_build_swift(void) { return TEXT_OF_VALUE(FERRY_SWIFT); }
