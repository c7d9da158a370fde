import Foundation
import GRDB
import LosslessJSON
import PostgresServer
import Testing

/// `ferry doctor` over the real program, beside real servers, disks and destinations.
@Suite(.timeLimit(.minutes(3))) struct `ferry doctor` {
    private let folder: ScratchFolder
    private var data: String { folder.url.appending(path: "data").path }

    init() throws {
        folder = try ScratchFolder()
    }

    private struct Report {
        let status: Int32
        let state: String
        let checks: [JSON]

        init(_ result: FerryProcess.Result) throws {
            status = result.status
            let json = try JSON(parsing: Array(result.output.utf8))
            state = json["state"]?.stringValue ?? ""
            checks = json["checks"]?.arrayValue ?? []
        }

        /// What a check says, one line for each of its findings: `ok 12 GB free`.
        func lines(_ check: String) -> [String] {
            checks.filter { $0["check"] == .string(check) }
                .map { "\($0["state"]?.stringValue ?? "") \($0["words"]?.stringValue ?? "")" }
        }

        var faults: [String] {
            checks.filter { $0["state"] == "fault" }.map { "\($0["check"] ?? ""): \($0["words"] ?? "")" }
        }
    }

    private func configuration(_ rest: String = "") throws -> String {
        try folder.file(
            "ferry.yaml",
            """
            listen: { public: "127.0.0.1:0", private: "127.0.0.1:0" }
            data: \(data)
            sources: { web: { write_key: k } }
            retention: { size: 100MB }
            \(rest)
            """
        )
    }

    private func doctor(_ arguments: [String], environment: [String: String] = [:]) async throws -> Report {
        try Report(await FerryProcess.run(["doctor", "--json"] + arguments, environment: environment))
    }

    @Test func `finds nothing wrong with a folder that has served, and with one that is still to be made`() async throws
    {
        let config = try configuration()
        let before = try await doctor(["--config", config])
        #expect(before.faults.isEmpty && before.status == 0)
        #expect(before.lines("data") == ["ok \(data) isn't there yet: the first start makes it"])
        #expect(!FileManager.default.fileExists(atPath: data))
        let ferry = try await RunningFerry(data: data, config: config)
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"], key: "k").status == 200)
        #expect(ferry.stop() == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: data)
        let after = try await doctor(["--config", config])
        #expect(after.faults.isEmpty && after.status == 0)
        #expect(after.lines("data") == ["ok \(data)"] && after.lines("log") == ["ok sound"])
        #expect(after.lines("locks") == ["ok they hold"] && after.lines("server") == ["ok none runs here"])
        for check in ["disk", "flush", "clock", "open files", "memory", "file system"] {
            #expect(after.lines(check).count == 1, "\(check)")
        }
        // SQLite makes these beside a database that is looked at.
        let left = try FileManager.default.contentsOfDirectory(atPath: data).filter {
            !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm")
        }
        #expect(Set(left).isSubset(of: files))
        let text = try await FerryProcess.run(["doctor", "--config", config])
        #expect(text.output.contains("ok       log: sound\n") && text.errors.hasPrefix("0 faults"), "\(text.output)")
    }

    @Test func `knows a server that runs, asks it about its integrations, and does not disturb it`() async throws {
        let destination = try await RefusingDestination()
        defer { destination.close() }
        let ports = [try freePort(), try freePort()]
        let config = try folder.file(
            "ferry.yaml",
            """
            listen: { public: "127.0.0.1:\(ports[0])", private: "127.0.0.1:\(ports[1])" }
            data: \(data)
            sources: { web: { write_key: k } }
            admin_token: env:DOCTOR_TOKEN
            integrations:
              good: { type: customerio, settings: { endpoint: "\(destination.url)", site_id: s, api_key: k } }
              bad: { type: customerio, settings: { endpoint: "http://127.0.0.1:1", site_id: s, api_key: k } }
            """
        )
        let environment = ["DOCTOR_TOKEN": "t0psecret"]
        let ferry = try await RunningFerry(
            data: data,
            config: config,
            adminToken: "t0psecret",
            arguments: ["--listen-public", "127.0.0.1:\(ports[0])", "--listen-private", "127.0.0.1:\(ports[1])"],
            environment: environment
        )
        async let answers = withThrowingTaskGroup(of: UInt.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await ferry.post("/v1/track", ["userId": "u1", "event": .string("E\(number)")], key: "k").status
                }
            }
            return try await group.reduce(into: Set<UInt>()) { $0.insert($1) }
        }
        let report = try await doctor(["--config", config], environment: environment)
        #expect(try await answers == [200])
        let server = report.lines("server")
        #expect(
            server.count == 1 && server[0].hasPrefix("ok process ") && server[0].hasSuffix(":\(ports[1]) answers"),
            "\(server)"
        )
        #expect(report.lines("port").isEmpty)
        #expect(report.lines("integration").first { $0.contains("good") }?.hasPrefix("ok good: ") == true)
        #expect(
            report.lines("integration").first { $0.contains("bad") } == "fault bad: connection refused by 127.0.0.1:1"
        )
        #expect(report.status == 1 && report.state == "fault")
        let stranger = try await doctor(["--config", config], environment: ["DOCTOR_TOKEN": "another"])
        #expect(stranger.lines("integration").first?.contains("asks for its admin token") == true)
        #expect(ferry.stop() == 0)
        let alone = try await doctor(["--config", config], environment: environment)
        #expect(alone.lines("port").sorted() == ports.map { "ok 127.0.0.1:\($0) is free" }.sorted())
        #expect(alone.lines("integration").first?.hasPrefix("ok good: ") == true)
    }

    @Test
    func `names credentials that are refused, an endpoint that is not reached, one that is none, and missing secrets`()
        async throws
    {
        let workspace = try await RunningFerry(data: "memory")
        let config = try configuration(
            """
            integrations:
              wrong: { type: customerio, settings: { endpoint: "\(workspace.privateURL)", site_id: s, api_key: geheim } }
              away: { type: customerio, settings: { endpoint: "http://127.0.0.1:1", site_id: s, api_key: geheim } }
              plain: { type: customerio, settings: { endpoint: "https://127.0.0.1:\(port(workspace.publicURL))", site_id: s, api_key: geheim } }
              missing: { type: customerio, settings: { site_id: env:DOCTOR_NOT_SET, api_key: geheim } }
              off: { type: customerio, enabled: false, settings: { site_id: s, api_key: geheim } }
            """
        )
        let report = try await doctor(["--config", config])
        let lines = report.lines("integration")
        let said = { (name: String) in lines.first { $0.contains(" \(name): ") } ?? "" }
        #expect(said("wrong").hasPrefix("fault") && said("wrong").contains("401"), "\(lines)")
        #expect(said("away") == "fault away: connection refused by 127.0.0.1:1")
        #expect(said("plain").hasPrefix("fault") && said("plain").contains("TLS"), "\(lines)")
        #expect(said("off") == "skipped off: it is switched off")
        #expect(
            report.lines("secret")
                == ["fault the integration missing: the environment variable DOCTOR_NOT_SET is not set"]
        )
        #expect(report.status == 1)
        #expect(!report.checks.description.contains("geheim"))
        #expect(workspace.stop() == 0)
    }

    @Test func `names a clock that was set back, and a key that is missing for what lives in the data`() async throws {
        let ferry = try await RunningFerry(data: data)
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"]).status == 200)
        let text = """
            integrations:
              kept: { type: customerio, settings: { endpoint: "http://127.0.0.1:1", site_id: s, api_key: geheim } }
            """
        let applied = try await FerryProcess.run(["apply", "-", "--url", ferry.privateURL], input: text)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(ferry.stop() == 0)
        let before = try await doctor(["--data", data])
        #expect(before.lines("clock").first?.hasPrefix("ok ") == true && before.lines("seal.key").isEmpty)
        #expect(
            before.lines("integration").contains(
                "skipped kept: it lives in the data, and is asked about while a server runs"
            )
        )
        let database = try DatabaseQueue(path: data + "/ferry.db")
        try await database.write { try $0.execute(sql: "UPDATE events SET received_at = received_at + 7200000") }
        try database.close()
        try FileManager.default.removeItem(atPath: data + "/seal.key")
        let after = try await doctor(["--data", data])
        let clock = after.lines("clock").first ?? ""
        #expect(clock.hasPrefix("warning ") && clock.contains("and the newest event came 71"), "\(clock)")
        let missing = after.lines("seal.key").first ?? ""
        #expect(missing.hasPrefix("fault it is missing: the secrets of ") && missing.contains("kept"), "\(missing)")
        #expect(after.status == 1)
    }

    @Test func `names a damaged log, and what a newer version wrote`() async throws {
        let ferry = try await RunningFerry(data: data)
        for number in 0..<40 {
            let text = String(repeating: "x", count: 2_000)
            let call: JSON = ["userId": "u1", "event": .string("E\(number)"), "properties": ["text": .string(text)]]
            #expect(try await ferry.post("/v1/track", call).status == 200)
        }
        #expect(ferry.stop() == 0)
        let file = try FileHandle(forUpdating: URL(filePath: data + "/ferry.db"))
        try file.seek(toOffset: try file.seekToEnd() / 4096 * 3 / 4 * 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        try file.close()
        let report = try await doctor(["--data", data])
        #expect(report.status == 1)
        #expect(report.lines("log").allSatisfy { $0.hasPrefix("fault ferry.db: ") } && !report.lines("log").isEmpty)
        let text = try await FerryProcess.run(["doctor", "--data", data])
        #expect(text.output.contains("To do: ferry log verify --data \(data) says how far"), "\(text.output)")
    }

    @Test(.enabled(if: SmallDisk.canBeMounted, "needs to be root, to mount a small file system"))
    func `names a full disk, and one that is in memory`() async throws {
        let disk = try SmallDisk(megabytes: 300)
        let folder = disk.path + "/data"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let roomy = try await doctor(["--config", try configuration(), "--data", folder])
        #expect(roomy.lines("file system").first?.contains("is in memory (tmpfs)") == true)
        #expect(roomy.lines("disk").first?.hasPrefix("ok ") == true && roomy.status == 0)
        let large = try await doctor(["--data", folder])
        #expect(large.lines("disk").first?.contains("and the log may grow to 20.0 GB") == true)
        disk.fill(leaving: 0)
        let full = try await doctor(["--data", folder])
        #expect(full.lines("disk") == ["fault 0 MB free"])
        #expect(full.lines("flush").first?.hasPrefix("fault \(folder) can't be written: No space left") == true)
        #expect(full.status == 1)
    }

    @Test func `names a folder that can't be written, or is none, or that others may read`() async throws {
        // Not even root writes there.
        let sealed = try await doctor(["--data", "/proc/sys/ferry-data"])
        #expect(sealed.status == 1)
        let file = try await doctor(["--data", try folder.file("file", "text")])
        #expect(file.lines("data").first?.hasSuffix("is a file, not a folder") == true && file.status == 1)
        let open = folder.url.appending(path: "open").path
        try FileManager.default.createDirectory(
            atPath: open,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        let report = try await doctor(["--data", open])
        #expect(report.lines("data") == ["warning others than its owner may look into \(open)"])
    }

    @Test func `names a limit of open files that is too low, and a port that is taken`() async throws {
        let other = try await RunningFerry(data: "memory")
        let config = try folder.file(
            "ferry.yaml",
            """
            listen: { public: "127.0.0.1:\(port(other.publicURL))", private: "127.0.0.1:0" }
            data: \(data)
            """
        )
        let result = try await FerryProcess.run(
            ["-c", "ulimit -n 100; exec \"$0\" doctor --json --config \"$1\"", FerryProcess.program.path, config],
            program: URL(filePath: "/bin/sh")
        )
        let report = try Report(result)
        #expect(report.lines("open files") == ["fault a process here may have 100 open files"])
        #expect(report.lines("port") == ["fault 127.0.0.1:\(port(other.publicURL)) is used by another program"])
        #expect(report.status == 1)
        #expect(other.stop() == 0)
    }

    @Test func `names a configuration that can't be read, and a private listener without a token`() async throws {
        let broken = try folder.file("broken.yaml", "sources: { web: { write_kee: geheim-4711 } }")
        let report = try await doctor(["--config", broken, "--data", "memory"])
        #expect(report.lines("configuration").first?.contains("unknown key `write_kee`") == true)
        #expect(report.status == 1 && !report.checks.description.contains("geheim-4711"))
        let open = try folder.file("open.yaml", "{ listen: { private: \"0.0.0.0:0\" }, data: memory }")
        let reached = try await doctor(["--config", open])
        #expect(
            reached.faults.first?.contains("is reached by other machines, without a token") == true,
            "\(reached.checks)"
        )
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `names a log that is half copied, in a database and in a folder, and the command that goes on`() async throws {
        let environment = ["DOCTOR_DATABASE": try await PostgresServer.shared().database()]
        let (place, back) = (folder.url.appending(path: "place").path, folder.url.appending(path: "back").path)
        let config = try folder.file(
            "database.yaml",
            "{ listen: { public: \"127.0.0.1:0\", private: \"127.0.0.1:0\" }, data: env:DOCTOR_DATABASE, folder: \(place) }"
        )
        var ferry = try await RunningFerry(data: data)
        for number in 1...3 {
            #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": .string("E\(number)")]).status == 200)
        }
        let copy = ["log", "copy", data, "env:DOCTOR_DATABASE", "--folder", place]
        #expect(try await FerryProcess.run(copy, environment: environment).status == 75)
        let there = try await doctor(["--config", config], environment: environment)
        #expect(
            there.lines("log") == [
                "fault a log is being copied there, up to event 3 so far: no server starts over a part of it"
            ]
        )
        #expect(
            there.checks.first { $0["check"] == "log" }?["help"]
                == .string(
                    "ferry log copy FROM env:DOCTOR_DATABASE --folder \(place), with FROM as before, goes on where it was; "
                        + "DROP SCHEMA ferry CASCADE gives it up"
                )
        )
        #expect(there.status == 1)
        #expect(ferry.stop() == 0)
        #expect(try await FerryProcess.run(copy, environment: environment).status == 0)
        let whole = try await doctor(["--config", config], environment: environment)
        #expect(whole.lines("log").isEmpty && whole.status == 0, "\(whole.faults)")

        ferry = try await RunningFerry(
            data: "env:DOCTOR_DATABASE",
            arguments: ["--folder", place],
            environment: environment
        )
        let used = try await doctor(["--config", config], environment: environment)
        #expect(used.lines("data").first?.contains("in use by 1 node") == true, "\(used.checks)")
        let clock = try await TimeOfDay()
        let skewed = try await FerryProcess.run(
            ["doctor", "--config", config],
            environment: environment.merging(clock.environment(.seconds(3_600))) { $1 }
        )
        let words = #/warning +clock: it is (3599|3600) s ahead of the database's/#
        #expect(skewed.output.contains(words), "\(skewed.output)\(skewed.errors)")
        let returning = ["log", "copy", "env:DOCTOR_DATABASE", back, "--folder", place]
        #expect(try await FerryProcess.run(returning, environment: environment).status == 75)
        let half = try await doctor(["--data", back])
        #expect(half.lines("log").first?.contains("up to event 3 so far") == true && half.status == 1)
        let help = half.checks.first { $0["check"] == "log" }?["help"]?.stringValue
        #expect(help?.hasPrefix("ferry log copy FROM \(back), with FROM as before, goes on where it was;") == true)
        #expect(ferry.stop() == 0)
        #expect(try await FerryProcess.run(returning, environment: environment).status == 0)
        #expect(try await doctor(["--data", back]).lines("log") == ["ok sound"])
    }

    private func port(_ url: String) -> Int { URL(string: url)?.port ?? 0 }

    /// One that nobody used a moment ago.
    private func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = try #require(bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self))
            try #require(bind(descriptor, pointer, length) == 0)
            try #require(getsockname(descriptor, pointer, &length) == 0)
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
