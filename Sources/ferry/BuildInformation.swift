import CBuild
import Storage

/// What `ferry --version` says: the version, and of which build it is.
enum BuildInformation {
    static let version = "0.1.0"

    /// `0.1.0 (1a2b3c4d5e6f, release; Swift 6.3.1, SQLite 3.40.1)`
    static let words = words(
        commit: String(cString: ferry_build_commit()),
        swift: String(cString: ferry_build_swift())
    )

    static func words(commit: String, swift: String) -> String {
        let changed = "-changed"
        let source =
            if commit.isEmpty {
                "commit unknown"
            } else if commit.hasSuffix(changed) {
                "\(commit.dropLast(changed.count)) with changes"
            } else {
                commit
            }
        let parts = [swift.isEmpty ? nil : "Swift \(swift)", "SQLite \(DataStore.sqliteVersion)"].compactMap(\.self)
        return "\(version) (\(source), \(configuration); \(parts.joined(separator: ", ")))"
    }

    private static var configuration: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}
