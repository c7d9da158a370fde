package import Foundation
import Launching
import Postgres
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A real PostgreSQL server for tests, from the programs that Debian's `postgresql` installs: with data in a temporary folder,
/// on a free port and on a socket in that folder. It has nothing to do with a server that the machine runs by itself.
///
/// It ends with the value, and with the test process however that ends, and leaves nothing behind (`Guard`).
package final class PostgresServer: Sendable {
    /// How clients come in.
    package enum Transport: Sendable {
        case tcp, socket
    }

    /// How it ends.
    package enum StopMode: Sendable {
        /// Connections are ended at once, transactions undone, everything is written.
        case fast
        /// Everything is dropped at once, as at a power failure: the next start recovers.
        case immediate
        /// Its first process is killed, and the others with it.
        case killed
    }

    /// Whether the machine has the programs.
    /// One of PostgreSQL's own programs, as `pg_dump`; `nil` where PostgreSQL is not installed.
    package static func program(_ name: String) -> URL? { PostgresPrograms.folder?.appending(path: name) }

    package static var isInstalled: Bool { PostgresPrograms.folder != nil }

    /// Whether to run tests that need a server: under CI they fail without one.
    package static var isExpected: Bool { isInstalled || ProcessInfo.processInfo.environment["CI"] != nil }

    private static let one = Mutex<Result<PostgresServer, any Error>?>(nil)

    /// The server that all tests of this process share, started when the first one asks for it.
    package static func shared() throws -> PostgresServer {
        try one.withLock { one in
            let server = one ?? Result { try PostgresServer() }
            one = server
            return server
        }.get()
    }

    /// The superuser, whose password is asked for.
    package static let user = "ferry"
    package let password: String
    package let port: Int
    /// The folder of data, socket and log.
    package let folder: URL

    let programs: PostgresPrograms
    private let settings: [String]
    private let keeper: Guard
    private let process = Mutex<Process?>(nil)
    private static let databases = Atomic<Int>(0)

    /// Makes a server and starts it, with further settings of its own, as `max_connections=10`; and if it is to speak TLS,
    /// with a certificate for `localhost` that it has signed itself, in `certificate`.
    package convenience init(settings: [String] = [], hasTLS: Bool = false) throws {
        let password = String(UInt64.random(in: 0 ... .max), radix: 36)
        try self.init(settings: settings, hasTLS: hasTLS, password: password) { try $0.makeCluster() }
    }

    /// Makes a server whose data are made by a closure.
    init(
        settings: [String],
        hasTLS: Bool,
        password: String,
        _ makeData: (PostgresServer) throws -> Void
    ) throws {
        self.password = password
        programs = try PostgresPrograms()
        port = try Self.freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "ferry-pg-\(UUID().uuidString.prefix(8))")
        // What is written survives the server's end, which is all that these tests need; not the machine's.
        self.settings =
            [
                "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=\(folder.path)", "fsync=off",
                "full_page_writes=off", "max_connections=500", "log_min_messages=warning",
            ]
            + (hasTLS
                ? ["ssl=on", "ssl_cert_file=\(folder.path)/cert.pem", "ssl_key_file=\(folder.path)/key.pem"] : [])
            + settings
        keeper = try Guard(folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        try programs.handOver([folder.path, log.path])
        try makeData(self)
        if hasTLS { try makeCertificate() }
        try start()
    }

    deinit {
        freeze(false)
        stop(.immediate)
        keeper.end()
    }

    /// The URL of a database of this server, with the password.
    package func url(_ database: String = "postgres", over transport: Transport = .tcp) -> String {
        switch transport {
        case .tcp: "postgresql://\(Self.user):\(password)@127.0.0.1:\(port)/\(database)"
        case .socket: "postgresql://\(Self.user):\(password)@/\(database)?host=\(folder.path)&port=\(port)"
        }
    }

    /// Makes an empty database of its own for somebody.
    ///
    /// - Returns: its URL.
    package func database(over transport: Transport = .tcp) async throws -> String {
        let name = "test_\(Self.databases.add(1, ordering: .relaxed).newValue)"
        let connection = try PostgresConnection(PostgresURL(url()))
        defer { connection.close() }
        try connection.run("CREATE DATABASE \(name)")
        return url(name, over: transport)
    }

    /// Starts the server that was stopped.
    package func start() throws {
        try process.withLock { process in
            guard process == nil else { return }
            // Where it was killed, its other processes hold the memory that the next one wants until they have noticed.
            for _ in 0..<200 {
                let started = try programs.launch(
                    "postgres",
                    ["-D", data.path] + settings.flatMap { ["-c", $0] },
                    log: log
                )
                keeper.hold(started.processIdentifier)
                if isAnswering(while: started) {
                    process = started
                    return
                }
                started.waitUntilExit()
                keeper.hold(nil)
                guard isMemoryHeld else { break }
                usleep(50_000)
            }
            throw PostgresServerError("PostgreSQL does not start: \(logText)")
        }
    }

    /// Stops the server.
    package func stop(_ mode: StopMode = .fast) {
        process.withLock { process in
            guard let running = process else { return }
            kill(running.processIdentifier, mode.signal)
            running.waitUntilExit()
            keeper.hold(nil)
            process = nil
        }
    }

    /// Stops the server and starts it again, on the same port with the same data.
    package func restart(_ mode: StopMode = .fast) throws {
        stop(mode)
        try start()
    }

    /// Halts the server's first process and all the others, as if the machine stood still; or lets them go on.
    package func freeze(_ isFrozen: Bool) {
        process.withLock { process in
            guard let process else { return }
            let signal = isFrozen ? SIGSTOP : SIGCONT
            kill(process.processIdentifier, signal)
            for child in programs.children(of: process.processIdentifier) { kill(child, signal) }
        }
    }

    package var certificate: URL { folder.appending(path: "cert.pem") }
    var data: URL { folder.appending(path: "data") }
    var log: URL { folder.appending(path: "log") }
    /// What the server has written to its log.
    package var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    private var isMemoryHeld: Bool {
        ["shared memory block", "is already in use", "lock file"].contains { logText.suffix(2000).contains($0) }
    }

    private func makeCluster() throws {
        let secret = folder.appending(path: "password")
        try password.write(to: secret, atomically: true, encoding: .utf8)
        try programs.handOver([secret.path])
        let initdb = try programs.launch(
            "initdb",
            [
                "-D", data.path, "--username=\(Self.user)", "--pwfile=\(secret.path)", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
            log: log
        )
        initdb.waitUntilExit()
        guard initdb.terminationStatus == 0 else { throw PostgresServerError("initdb failed: \(logText)") }
    }

    private func makeCertificate() throws {
        let key = folder.appending(path: "key.pem").path
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", certificate.path, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.launchAlone()
        openssl.waitUntilExit()
        guard openssl.terminationStatus == 0 else { throw PostgresServerError("openssl made no certificate") }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        try programs.handOver([key, certificate.path])
    }

    /// Waits until the server takes connections, or has ended.
    private func isAnswering(while process: Process) -> Bool {
        for _ in 0..<1200 where process.isRunning {
            if let url = try? PostgresURL(url()), (try? PostgresConnection(url)) != nil { return true }
            usleep(25_000)
        }
        return false
    }

    /// Below those that the system gives to whoever asks for any: a server that is down for a while finds its own free.
    private static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = UInt16.random(in: 20_000..<32_000)
            if isFree(port) { return Int(port) }
        }
        throw PostgresServerError("there is no free port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

extension PostgresServer.StopMode {
    var signal: Int32 {
        switch self {
        case .fast: SIGINT
        case .immediate: SIGQUIT
        case .killed: SIGKILL
        }
    }
}

/// Why there is no server, in words.
package struct PostgresServerError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
