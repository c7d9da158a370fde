import Foundation
import Launching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// PostgreSQL's programs, run by somebody else than root, for whom they refuse to run.
struct PostgresPrograms {
    /// The newest version's, where Debian puts them.
    static let folder: URL? = {
        let versions = URL(filePath: "/usr/lib/postgresql")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: versions.path)) ?? []
        return names.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { versions.appending(path: "\($0)/bin") }
            .first { FileManager.default.isExecutableFile(atPath: $0.appending(path: "initdb").path) }
    }()

    private let folder: URL
    /// The user that Debian's package makes; `nil` where the tests aren't root's.
    private let user: (id: uid_t, group: gid_t)?

    init() throws {
        guard let folder = Self.folder else {
            throw PostgresServerError("PostgreSQL is not installed: scripts/setup tests installs it")
        }
        self.folder = folder
        guard getuid() == 0 else {
            user = nil
            return
        }
        guard let entry = getpwnam("postgres") else {
            throw PostgresServerError("PostgreSQL won't run as root, and there is no user postgres")
        }
        user = (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    /// Gives files to who runs the programs.
    func handOver(_ paths: [String]) throws {
        guard let user else { return }
        for path in paths where chown(path, user.id, user.group) != 0 {
            throw PostgresServerError("\(path) can't be given to the user postgres")
        }
    }

    /// Starts one, whose words go to the end of a file. `setpriv` becomes the program, so that the process is its own.
    func launch(_ name: String, _ arguments: [String], log: URL) throws -> Process {
        let program = folder.appending(path: name).path
        let process = Process()
        if let user {
            process.executableURL = URL(filePath: "/usr/bin/setpriv")
            process.arguments =
                ["--reuid=\(user.id)", "--regid=\(user.group)", "--clear-groups", program] + arguments
        } else {
            process.executableURL = URL(filePath: program)
            process.arguments = arguments
        }
        // Where it may be, whoever it is.
        process.currentDirectoryURL = URL(filePath: "/")
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]
        let words = try FileHandle(forWritingTo: log)
        try words.seekToEnd()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = words
        process.standardError = words
        try process.launchAlone()
        return process
    }

    /// The processes that a process has started.
    func children(of parent: pid_t) -> [pid_t] {
        let tasks = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
        return (tasks ?? "").split(separator: " ").compactMap { pid_t($0) }
    }
}
