import Foundation
import Postgres
import PostgresServer
import Testing

@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(1)), .offThePool)
struct `Connections` {
    @Test func `have a name, and the settings that they are given`() async throws {
        var options = PostgresOptions()
        options.applicationName = "ferry tests"
        options.settings = [("work_mem", "5MB"), ("search_path", "\"a 'quoted' path\", public"), ("TimeZone", "UTC")]
        let connection = try await connect(options)
        #expect(try connection.text("SELECT current_setting('application_name')") == "ferry tests")
        #expect(try connection.text("SELECT current_setting('work_mem')") == "5MB")
        #expect(try connection.text("SELECT current_setting('search_path')") == "\"a 'quoted' path\", public")
        #expect(try connection.text("SELECT current_setting('client_encoding')") == "UTF8")
    }

    @Test func `take what the URL says over what Ferry would`() async throws {
        let url = try await PostgresServer.shared().database() + "?application_name=mine&options=-c%20work_mem%3D6MB"
        let connection = try PostgresConnection(PostgresURL(url))
        #expect(try connection.text("SELECT current_setting('application_name')") == "mine")
        #expect(try connection.text("SELECT current_setting('work_mem')") == "6MB")
    }

    @Test func `go over a socket too`() async throws {
        let connection = try PostgresConnection(PostgresURL(await PostgresServer.shared().database(over: .socket)))
        #expect(try connection.query("SELECT inet_client_addr()").isNull(0, 0))
    }

    @Test func `read the password from a file as every program with libpq`() async throws {
        let server = try PostgresServer.shared()
        let file = FileManager.default.temporaryDirectory.appending(path: "pgpass-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let line = "127.0.0.1:\(server.port):*:ferry:\(server.password)\n"
        #expect(
            FileManager.default.createFile(
                atPath: file.path,
                contents: Data(line.utf8),
                attributes: [.posixPermissions: 0o600]
            )
        )
        let url = "postgresql://ferry@127.0.0.1:\(server.port)/postgres?passfile=\(file.path)"
        #expect(try PostgresConnection(PostgresURL(url)).number("SELECT 1") == 1)
    }

    @Test func `go to the next host where the first does not answer`() async throws {
        let server = try PostgresServer.shared()
        let url = "postgresql://ferry:\(server.password)@127.0.0.1:1,127.0.0.1:\(server.port)/postgres"
        #expect(try PostgresConnection(PostgresURL(url)).number("SELECT 1") == 1)
        let neither = try PostgresURL.refusal("postgresql://ferry@127.0.0.1:1,127.0.0.1:2/postgres")
        #expect(neither.kind == .unreachable)
        #expect(neither.description.contains("port 1 ") && neither.description.contains("port 2 "))
    }

    @Test func `go to the next host where the first takes connections and says nothing`() async throws {
        let (server, listener) = (try PostgresServer.shared(), try SilentListener())
        let places = "127.0.0.1:\(listener.port),127.0.0.1:\(server.port)"
        let url = "postgresql://ferry:\(server.password)@\(places)/postgres?connect_timeout=1"
        #expect(try PostgresConnection(PostgresURL(url)).number("SELECT 1") == 1)
        let silent = try PostgresURL.refusal(
            "postgresql://ferry@127.0.0.1:\(listener.port),127.0.0.1:1/postgres?connect_timeout=1"
        )
        #expect(silent.kind == .unreachable)
        #expect(silent.description.contains("port \(listener.port), took no connection within 1 s"))
        #expect(silent.description.contains("port 1 "))
        // A password that one refuses is not shown to the next.
        let refused = try PostgresURL.refusal("postgresql://ferry:wrong@127.0.0.1:\(server.port),127.0.0.1:1/postgres")
        #expect(refused.kind == .refusedLogin && !refused.description.contains("port 1 "))
    }

    @Test func `go where writes are taken, if that is what is asked for`() async throws {
        let server = try PostgresServer.shared()
        var options = PostgresOptions()
        options.needsWriting = true
        #expect(try PostgresConnection(PostgresURL(server.url()), options: options).number("SELECT 1") == 1)
        let readOnly = server.url() + "?options=-c%20default_transaction_read_only%3Don"
        #expect(try PostgresURL.refusal(readOnly, options).kind == .readOnly)
        #expect(try PostgresConnection(PostgresURL(readOnly)).number("SELECT 1") == 1)
        // What the URL says goes before it.
        let any = try PostgresURL(readOnly + "&target_session_attrs=any")
        #expect(try PostgresConnection(any, options: options).number("SELECT 1") == 1)
        // Of several the one that tells most is told.
        let either = "postgresql://ferry:\(server.password)@127.0.0.1:\(server.port),127.0.0.1:1/postgres"
        #expect(
            try PostgresURL.refusal(either + "?options=-c%20default_transaction_read_only%3Don", options).kind
                == .readOnly
        )
    }

    @Test(arguments: ["127.0.0.1:1", "nowhere.invalid"])
    func `to where nobody answers are refused soon`(place: String) throws {
        let error = try PostgresURL.refusal("postgresql://ferry:secret@\(place)/postgres")
        #expect(error.kind == .unreachable)
        #expect(error.sqlState == nil)
        #expect(!error.isInDoubt)
        #expect(error.description.contains(place.prefix { $0 != ":" }))
        #expect(!error.description.contains("secret"))
        #expect(!error.description.contains("\n"))
    }

    @Test func `to a listener that says nothing end after their time`() throws {
        let listener = try SilentListener()
        var options = PostgresOptions()
        options.connectTimeout = .seconds(1)
        let begun = ContinuousClock.now
        let error = try PostgresURL.refusal("postgresql://ferry:secret@127.0.0.1:\(listener.port)/postgres", options)
        #expect(error.kind == .unreachable)
        #expect(ContinuousClock.now - begun < .seconds(8))
        // What the URL says goes before it.
        options.connectTimeout = .seconds(600)
        let url = "postgresql://ferry:secret@127.0.0.1:\(listener.port)/postgres?connect_timeout=1"
        #expect(try PostgresURL.refusal(url, options).kind == .unreachable)
    }

    @Test func `are encrypted where the URL asks for it`() throws {
        let server = try PostgresServer(hasTLS: true)
        let plain =
            "postgresql://ferry:\(server.password)@localhost:\(server.port)/postgres?hostaddr=127.0.0.1&sslmode="
        let isEncrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        #expect(try PostgresConnection(PostgresURL(plain + "disable")).number(isEncrypted) == 0)
        #expect(try PostgresConnection(PostgresURL(plain + "require")).number(isEncrypted) == 1)
        let verified = "\(plain)verify-full&sslrootcert=\(server.certificate.path)"
        let connection = try PostgresConnection(PostgresURL(verified))
        #expect(try connection.number(isEncrypted) == 1)
        let body = [UInt8](repeating: 7, count: 1 << 20)
        let results = try connection.pipeline((0..<8).map { _ in ("SELECT $1", [.bytes(body)]) })
        #expect(try results.allSatisfy { try $0.bytes(0, 0) == body })
        // A name that the certificate isn't for; and a server without TLS.
        let other = verified.replacing("@localhost:", with: "@db.example:")
        #expect(try PostgresURL.refusal(other).kind == .unreachable)
        let shared = try PostgresServer.shared().url() + "?sslmode=require"
        #expect(try PostgresURL.refusal(shared).kind == .unreachable)
        server.stop(.immediate)
        let error = try connection.refusal("SELECT 1")
        #expect(error.kind == .unreachable)
    }

    @Test func `are used by many threads at once, each by one`() async throws {
        let url = try PostgresURL(await PostgresServer.shared().database())
        let sums = try await withThrowingTaskGroup { group in
            for thread in 1...8 as ClosedRange<Int64> {
                group.addTask {
                    let connection = try PostgresConnection(url)
                    return try (0..<200 as Range<Int64>).reduce(0) { sum, number in
                        try sum + connection.number("SELECT $1 * $2", [.integer(thread), .integer(number)])
                    }
                }
            }
            return try await group.reduce(into: [Int64]()) { $0.append($1) }
        }
        #expect(sums.sorted() == (1...8).map { $0 * 19_900 })
    }

    @Test func `are cancelled from another thread, and stay`() async throws {
        let connection = try await connect()
        let canceller = connection.canceller
        after(0.3) { canceller.cancel() }
        let begun = ContinuousClock.now
        let error = try connection.refusal("SELECT pg_sleep(30)")
        #expect(error.kind == .timeout)
        #expect(error.sqlState == "57014")
        #expect(!error.isInDoubt)
        #expect(ContinuousClock.now - begun < .seconds(20))
        #expect(!connection.isBroken)
        connection.cancel()
        #expect(try connection.number("SELECT 1") == 1)
    }

    @Test func `give up a statement after its time, and are broken then`() async throws {
        let connection = try await connect()
        let watcher = try PostgresConnection(connection.url)
        connection.statementTimeout = .milliseconds(300)
        let error = try connection.refusal("SELECT pg_sleep(60)")
        #expect(error.kind == .timeout)
        #expect(error.isInDoubt)
        #expect(connection.isBroken)
        #expect(try connection.refusal("SELECT 1").kind == .unreachable)
        // The server was told, too.
        let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(60)'"
        for _ in 0..<100 where try watcher.number(running) > 0 { try await Task.sleep(for: .milliseconds(50)) }
        #expect(try watcher.number(running) == 0)
    }

    @Test func `that are closed are broken, and say so`() async throws {
        let connection = try await connect()
        #expect(!connection.isBroken)
        connection.close()
        connection.close()
        #expect(connection.isBroken)
        let error = try connection.refusal("SELECT 1")
        #expect(error.kind == .unreachable)
        #expect(!error.isInDoubt)
        #expect(throws: PostgresError.self) { try connection.run("SELECT 1") }
        connection.cancel()
    }

    @Test func `that the server ends while nothing runs lose no statement in doubt`() async throws {
        let connection = try await connect()
        let other = try PostgresConnection(connection.url)
        let process = try connection.number("SELECT pg_backend_pid()")
        #expect(try other.number("SELECT pg_terminate_backend($1::int4, 10000)::int4", [.integer(process)]) == 1)
        let error = try connection.refusal("SELECT 1")
        #expect(error.kind == .unreachable)
        #expect(!error.isInDoubt)
        #expect(connection.isBroken)
    }

    @Test(arguments: [true, false])
    func `that the server ends during a statement leave it in doubt`(isPrepared: Bool) async throws {
        let connection = try await connect()
        let url = connection.url
        let process = try connection.number("SELECT pg_backend_pid()")
        after(0.3) {
            let other = try? PostgresConnection(url)
            _ = try? other?.query("SELECT pg_terminate_backend($1::int4)", [.integer(process)])
        }
        let error = try #require(throws: PostgresError.self) {
            if isPrepared { _ = try connection.query("SELECT pg_sleep(30)") }
            try connection.run("SELECT pg_sleep(30)")
        }
        #expect(error.kind == .unreachable)
        #expect(error.sqlState == "57P01")
        #expect(error.isInDoubt)
        #expect(connection.isBroken)
    }
}

/// Somebody who takes connections and never says a word.
private final class SilentListener {
    let port: Int
    private let handle: FileHandle

    init() throws {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 && listen(descriptor, 8) == 0
            }
        }
        try #require(isListening)
        port = Int(UInt16(bigEndian: address.sin_port))
    }
}
