import AsyncHTTPClient
import Foundation
import Launching
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(3))) struct `ferry workspace` {
    private static let identify: JSON = ["type": "person", "action": "identify", "identifiers": ["id": "u1"]]

    @Test func `takes what a file holds, and any credentials`() async throws {
        let folder = try ScratchFolder()
        let seed = try folder.file(
            "seed.ndjson",
            """
            {"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{"plan":"pro"}}

            {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Ordered"}
            """
        )
        let ferry = try await RunningWorkspace(["--seed", seed])
        let person = try await ferry.get("/admin/v1/workspace/people/u1?workspace=default")
        #expect(person.body?["attributes"]?["plan"] == "pro")
        #expect(try await ferry.track(Self.identify, keys: "ferry-site:ferry-key") == 200)
        #expect(try await ferry.track(Self.identify, keys: "ferry-site:wrong") == 401)
        #expect(try await ferry.track(Self.identify, keys: "mine:key") == 200)
        #expect(try await ferry.get("/admin/v1/workspace/people/u1?workspace=mine").status == 200)
        #expect(ferry.stop() == 0)
    }

    @Test func `has the workspaces and the settings of a file`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file(
            "ferry.yaml",
            """
            sources: { web: { write_key: env:FERRY_NOT_SET } }
            workspaces:
              classic: { site_id: c, api_key: k, region: eu, settings: { identifiers: id } }
            workspace_settings: { events_make_people: false }
            """
        )
        let seed = try folder.file(
            "seed.json",
            #"[{"type":"person","action":"event","identifiers":{"id":"seeded"},"name":"Ordered"}]"#
        )
        let ferry = try await RunningWorkspace(["--config", config, "--seed", seed])
        let event: JSON = ["type": "person", "action": "event", "identifiers": ["id": "u1"], "name": "Ordered"]
        for (keys, name) in [("ferry-site:ferry-key", "default"), ("c:k", "classic"), ("new:key", "new")] {
            #expect(try await ferry.track(event, keys: keys) == 200)
            let people = try await ferry.get("/admin/v1/workspace/people?workspace=\(name)").body
            #expect(people?["items"] == [], "\(name)")
        }
        let identify: JSON = ["type": "person", "action": "identify", "identifiers": ["email": "a@x.com"]]
        #expect(try await ferry.track(identify, keys: "c:k") == 400)
        #expect(try await ferry.track(identify, keys: "ferry-site:ferry-key") == 200)
        let wrong = try folder.file("wrong.yaml", "workspaces: { a: {} }")
        #expect(try await FerryProcess.run(["workspace", "--config", wrong]).status == 78)
    }

    @Test(arguments: [nil, "data"])
    func `speaks TLS, with a certificate of its own or with files`(data: String?) async throws {
        let folder = try ScratchFolder()
        let options = data.map { ["--data", folder.url.appending(path: $0).path] } ?? []
        let ferry = try await RunningWorkspace(options + ["--tls-self-signed"])
        #expect(ferry.url.hasPrefix("https://"))
        let certificate = try #require(ferry.certificate)
        let auth = { (url: String, certificate: String) in
            try await FerryProcess.run(
                ["-s", "--cacert", certificate, "-u", "ferry-site:ferry-key", "\(url)/auth"],
                program: URL(filePath: "/usr/bin/curl")
            )
        }
        #expect(try await auth(ferry.url, certificate).output.contains("nice credentials"))
        if data != nil {
            let key = certificate.replacing("certificate.pem", with: "key.pem")
            let second = try await RunningWorkspace(["--tls-certificate", certificate, "--tls-key", key])
            #expect(second.certificate == certificate)
            #expect(try await auth(second.url, certificate).output.contains("nice credentials"))
        }
        #expect(ferry.stop() == 0)
        #expect(FileManager.default.fileExists(atPath: certificate) == (data != nil), "without a folder it goes again")
    }

    @Test(arguments: [
        (["--tls-key", "a.pem"], Int32(64), "go together"),
        (["--tls-self-signed", "--tls-certificate", "a.pem", "--tls-key", "b.pem"], 64, "names one"),
        (["--tls-certificate", "/nowhere", "--tls-key", "/nowhere"], 1, "/nowhere is no file with certificates"),
    ])
    func `refuses TLS that it can't speak`(options: [String], status: Int32, words: String) async throws {
        let result = try await FerryProcess.run(["workspace", "--listen", "127.0.0.1:0"] + options)
        #expect(result.status == status && result.errors.contains(words), "\(result.errors)")
    }

    @Test(arguments: [
        ("{\"type\":\"person\"}\n", "operation 1: action is required"), ("{\n", "seed.ndjson, 1"),
        ("[1]", "operation 1"),
    ])
    func `refuses a file that it can't take`(text: String, words: String) async throws {
        let folder = try ScratchFolder()
        let seed = try folder.file("seed.ndjson", text)
        let result = try await FerryProcess.run(["workspace", "--listen", "127.0.0.1:0", "--seed", seed])
        #expect(result.status == 1 && result.errors.contains(words), "\(result.errors)")
    }

    @Test func `refuses to be reached by other machines without a token`() async throws {
        let result = try await FerryProcess.run(["workspace", "--listen", "0.0.0.0:0"])
        #expect(result.status == 1 && result.errors.contains("admin token"))
        #expect(try await FerryProcess.run(["workspace", "--listen", "nowhere"]).status == 64)
    }

    @Test func `keeps in a folder what it answered for, also when it is killed`() async throws {
        let folder = try ScratchFolder()
        let data = ["--data", folder.url.appending(path: "data").path]
        let first = try await RunningWorkspace(data)
        for number in 1...50 {
            let operation: JSON = [
                "type": "person", "action": "identify", "identifiers": ["id": .string("u\(number)")],
            ]
            #expect(try await first.track(operation, keys: "mine:key") == 200)
        }
        first.kill()
        let second = try await RunningWorkspace(data)
        #expect(try await second.get("/admin/v1/workspace/people/u50?workspace=mine").status == 200)
        // Whoever has the name as site id goes on there.
        #expect(try await second.track(Self.identify, keys: "mine:key") == 200)
        let people = try await second.get("/admin/v1/workspace/people?workspace=mine").body
        #expect(people?["items"]?.arrayValue?.count == 50)
        #expect(second.stop() == 0)
    }

    @Test func `keeps what opens the workspaces that were made by coming, and not in clear`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data")
        let options = ["--data", data.path]
        // A site id that is the name of another workspace gets one of another name.
        let all = ["mine:a-secret-key", "default:another-secret"]
        let first = try await RunningWorkspace(options)
        for keys in all { #expect(try await first.track(Self.identify, keys: keys) == 200) }
        #expect(first.stop() == 0)
        for file in try FileManager.default.contentsOfDirectory(atPath: data.path) {
            let bytes = try Data(contentsOf: data.appending(path: file))
            #expect(bytes.range(of: Data("a-secret-key".utf8)) == nil, "\(file)")
        }
        let second = try await RunningWorkspace(options)
        #expect(try await second.track(Self.identify, keys: "mine:other") == 401)
        for keys in all { #expect(try await second.track(Self.identify, keys: keys) == 200) }
        let list = try await second.get("/admin/v1/workspaces").body?["items"]?.arrayValue
        #expect(list?.compactMap { $0["name"]?.stringValue }.sorted() == ["default", "default-2", "mine"])
        #expect(second.stop() == 0)
        // Without the seal nobody knows the key; the workspace is whose who comes.
        try FileManager.default.removeItem(at: data.appending(path: "seal.key"))
        let third = try await RunningWorkspace(options)
        #expect(try await third.track(Self.identify, keys: "mine:other") == 200)
        #expect(try await third.track(Self.identify, keys: "mine:a-secret-key") == 401)
    }

    @Test func `is ready at once, and stops at once while somebody waits`() async throws {
        let start = ContinuousClock.now
        let ferry = try await RunningWorkspace([])
        let ready = start.duration(to: .now)
        print("ferry workspace was ready after \(ready)")
        // The aim is 300 ms; here other tests run, too.
        #expect(ready < .seconds(5))
        async let waiting = try? ferry.get("/admin/v1/workspace/people/u1?wait=30")
        try await Task.sleep(for: .milliseconds(300))
        let stop = ContinuousClock.now
        #expect(ferry.stop() == 0)
        #expect(stop.duration(to: .now) < .seconds(5))
        #expect(await waiting?.status == 404)
    }
}

/// A running `ferry workspace` on a free port, ended with the value.
private final class RunningWorkspace: Sendable {
    let url: String
    /// Where it speaks TLS.
    let certificate: String?
    private let process: Process

    init(_ options: [String]) async throws {
        let folder = try ScratchFolder()
        let ready = folder.url.appending(path: "ready.json")
        let process = Process()
        process.executableURL = FerryProcess.program
        process.arguments = ["workspace", "--listen", "127.0.0.1:0", "--ready-file", ready.path] + options
        process.standardError = FileHandle.nullDevice
        try process.launchAlone()
        self.process = process
        var line: JSON?
        while line == nil, process.isRunning {
            line = (try? Data(contentsOf: ready)).flatMap { try? JSON(parsing: Array($0)) }
            try await Task.sleep(for: .milliseconds(5))
        }
        url = try #require(line?["private"]?.stringValue)
        certificate = line?["private_certificate"]?.stringValue
    }

    deinit { process.terminate() }

    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func get(_ path: String) async throws -> (status: UInt, body: JSON?) {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url + path), timeout: .seconds(40))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (response.status.code, try? JSON(parsing: Array(body.readableBytesView)))
    }

    func track(_ operation: JSON, keys: String) async throws -> UInt {
        var request = HTTPClientRequest(url: "\(url)/api/v2/entity")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Basic \(Data(keys.utf8).base64EncodedString())")
        request.body = .bytes(operation.encoded())
        return try await HTTPClient.shared.execute(request, timeout: .seconds(20)).status.code
    }
}
