import CPostgres
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// PostgreSQL's client library, loaded when it is first needed and kept from then on.
enum Libpq {
    private static let loaded = Mutex<ferry_libpq?>(nil)

    /// libpq's functions.
    ///
    /// - Returns: the table; every call after the first one that went well gives the same.
    /// - Throws: where the library is not on this machine, or older than version 14. It is looked for again at the next call.
    static func functions() throws(PostgresError) -> ferry_libpq {
        let functions: Result<ferry_libpq, PostgresError> = loaded.withLock { loaded in
            if let loaded { return .success(loaded) }
            let found = load()
            loaded = try? found.get()
            return found
        }
        return try functions.get()
    }

    /// Where the loader finds it by its name, and where Homebrew and Postgres.app put it.
    private static var names: [String] {
        #if canImport(Darwin)
            [
                "libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib", "/usr/local/opt/libpq/lib/libpq.5.dylib",
                "/Applications/Postgres.app/Contents/Versions/latest/lib/libpq.5.dylib",
            ]
        #else
            ["libpq.so.5"]
        #endif
    }

    static func load(_ names: [String] = names) -> Result<ferry_libpq, PostgresError> {
        guard let library = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
            let reason = dlerror().map { String(cString: $0) } ?? names[0]
            return .failure(missing("PostgreSQL's client library can't be loaded (\(reason))"))
        }
        return withUnsafeTemporaryAllocation(of: ferry_libpq.self, capacity: 1) { table in
            guard let place = table.baseAddress else { return .failure(missing("\(names[0]) could not be loaded")) }
            if let lacking = ferry_libpq_load(library, place) {
                dlclose(library)
                return .failure(missing("\(names[0]) is older than version 14: it lacks \(String(cString: lacking))"))
            }
            return .success(place.pointee)
        }
    }

    private static func missing(_ words: String) -> PostgresError {
        PostgresError(.libraryMissing, "\(words); install it (on Debian: apt install libpq5)")
    }
}
