import Foundation
import Launching
import LosslessJSON
import Storage
import Synchronization
import Testing

/// Real Python SDKs, unmodified, against the real server (source-api.md §1.6, §7). `SDKs/drive.py` makes the calls as an
/// application would; `SDKs/faults.py` stands in between where something is to go wrong.
@Suite(.enabled(if: PythonSDK.isInstalled, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Python SDKs` {
    @Test(arguments: PythonSDK.allCases, [false, true])
    func `every type of call arrives, plain and compressed`(sdk: PythonSDK, isCompressed: Bool) async throws {
        let trial = try await SDKTrial(sdk)
        let report = try await trial.drive("calls", isCompressed ? ["--gzip"] : [])
        let messages = try trial.logged()
        #expect(messages.map { $0["type"] } == ["identify", "track", "page", "screen", "group", "alias"])
        #expect(messages.map { $0["messageId"] } == report["messageIds"]?.arrayValue)
        let (identify, track) = (messages[0], messages[1])
        #expect(identify["traits"]?["name"] == "Zoë 東京 🚲")
        #expect(identify["traits"]?["address"] == ["city": "Łódź", "tags": ["a", "b"]])
        #expect(identify["context"]?["ip"] == "203.0.113.7")
        #expect(identify["context"]?["library"]?["name"] != nil)
        #expect(track["properties"]?["total"]?.description == "19.95")
        #expect(track["properties"]?["big"]?.description == "9223372036854775808")
        #expect(track["integrations"]?["Elsewhere"] == false)
        let person = try await trial.ferry.get("/admin/v1/workspace/people/\(sdk.rawValue)") {
            $0["relationships"]?.arrayValue?.isEmpty == false
        }
        #expect(person["identifiers"]?["email"] == .string("\(sdk.rawValue)@example.com"))
    }

    @Test(arguments: PythonSDK.allCases)
    func `a burst arrives in batches, whole and in order`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk)
        try await trial.expectAll(try await trial.drive("burst", ["--count", "700"]))
    }

    @Test(arguments: PythonSDK.allCases)
    func `what is in the queue when the program ends arrives`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk)
        try await trial.expectAll(try await trial.drive("exit", ["--count", "40"]))
    }

    /// An answer that is lost is the hard case: the messages are stored, and come again.
    @Test(arguments: PythonSDK.allCases)
    func `overload, faults, cut connections and lost answers cost nothing`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk)
        let road = try await FaultyRoad(to: trial.ferry.publicURL, plan: "429,lost,500,drop")
        defer { road.close() }
        let report = try await trial.drive("slow", ["--count", "60"], url: road.url)
        // Segment's SDK puts a batch that is to wait behind those that came after it.
        try await trial.expectAll(report, inOrder: sdk != .segment)
    }

    @Test(arguments: PythonSDK.allCases)
    func `a server that is killed and started again in the middle costs nothing`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk)
        async let report = trial.drive("slow", ["--count", "60"])
        try await Task.sleep(for: .seconds(1.5))
        try await trial.killAndRestart()
        try await trial.expectAll(try await report)
    }

    /// These errors are Ferry's own.
    @Test(arguments: PythonSDK.allCases)
    func `a disk that takes nothing for a while costs nothing`(sdk: PythonSDK) async throws {
        let disk = try await FailingDisk("ferry.db-wal", .isFull)
        let trial = try await SDKTrial(sdk, environment: disk.environment)
        async let report = trial.drive("slow", ["--count", "60"])
        try await Task.sleep(for: .seconds(1))
        try disk.set(isFailing: true)
        try await Task.sleep(for: .seconds(1.5))
        try disk.set(isFailing: false)
        // Segment's SDK puts a batch that is to wait behind those that came after it.
        try await trial.expectAll(try await report, inOrder: sdk != .segment)
    }

    /// Customer.io's SDK sends such a key as Bearer (source-api.md §1.2).
    @Test(arguments: PythonSDK.allCases)
    func `a key of Customer.io's own form is known`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk, key: "pk_us_0123456789abcdef")
        try await trial.expectAll(try await trial.drive("burst", ["--count", "20"]))
    }

    /// 400 is what stops an SDK from sending the same again for ever.
    @Test(arguments: PythonSDK.allCases)
    func `what can't be understood is refused once, and the SDK goes on`(sdk: PythonSDK) async throws {
        let trial = try await SDKTrial(sdk)
        let road = try await FaultyRoad(to: trial.ferry.publicURL, plan: "400")
        defer { road.close() }
        let result = try await trial.run("slow", ["--count", "60"], url: road.url)
        let report = try JSON(parsing: result.output)
        let failed = try #require(report["failed"]?.numberValue?.int64)
        #expect(result.status == 1 && failed > 0 && failed < 60)
        #expect(try trial.logged().count == 60 - Int(failed))
    }
}

enum PythonSDK: String, CaseIterable, Sendable {
    case customerio, segment, rudder

    /// Of an environment of their own, which `scripts/setup tests` makes.
    static let python = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.build/sdks/bin/python")

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: python.path) }

    static func script(_ name: String) throws -> String {
        try #require(Bundle.module.resourceURL).appending(path: "SDKs/\(name)").path
    }
}

/// A server for one SDK, whose name is the id of the user that all its calls are about.
private final class SDKTrial: Sendable {
    private let sdk: PythonSDK
    private let folder: ScratchFolder
    private let data: String
    private let key: String
    private let running: Mutex<RunningFerry>

    var ferry: RunningFerry { running.withLock { $0 } }

    init(_ sdk: PythonSDK, key: String? = nil, environment: [String: String] = [:]) async throws {
        self.sdk = sdk
        self.key = key ?? "ferry-local"
        folder = try ScratchFolder()
        data = folder.url.appending(path: "data").path
        var config: String?
        if let key {
            let sources = "{ app: { write_key: \(key) } }"
            let integration = "{ type: customerio, settings: { endpoint: workspace } }"
            let text = "{ sources: \(sources), integrations: { default: \(integration) } }"
            config = try folder.file("ferry.yaml", text)
        }
        running = Mutex(try await RunningFerry(data: data, config: config, environment: environment))
    }

    func run(_ scenario: String, _ options: [String] = [], url: String? = nil) async throws -> FerryProcess.Result {
        try await FerryProcess.run(
            [
                PythonSDK.script("drive.py"), sdk.rawValue, url ?? ferry.publicURL, key, scenario,
                "--prefix", sdk.rawValue,
            ] + options,
            program: PythonSDK.python
        )
    }

    /// Drives the SDK to its end; it must report no failure.
    func drive(_ scenario: String, _ options: [String] = [], url: String? = nil) async throws -> JSON {
        let result = try await run(scenario, options, url: url)
        #expect(result.status == 0, "\(result.output)\(result.errors.suffix(500))")
        let report = try JSON(parsing: result.output)
        #expect(report["left"] == 0)
        return report
    }

    /// SIGKILL, then a new server on the same port.
    func killAndRestart() async throws {
        let address = String(ferry.publicURL.dropFirst("http://".count))
        ferry.kill()
        let again = try await RunningFerry(data: data, address: address)
        running.withLock { $0 = again }
    }

    func logged() throws -> [JSON] {
        var messages: [JSON] = []
        try LogReader(folder: data).forLast(.max) { messages.append(try JSON(parsing: $0.body)) }
        return messages
    }

    /// Every call that was made is in the log once, in its order, and so it is in the workspace.
    func expectAll(_ report: JSON, inOrder: Bool = true) async throws {
        let sent = try #require(report["messageIds"]?.arrayValue).compactMap(\.stringValue)
        let stored = try logged().compactMap { $0["messageId"]?.stringValue }
        #expect(inOrder ? stored == sent : stored.sorted() == sent.sorted())
        let path = "/admin/v1/workspace/people/\(sdk.rawValue)/activity?limit=1000"
        let page = try await ferry.get(path) { page in
            (page["items"]?.arrayValue ?? []).count { $0["type"] == "event" } >= sent.count
        }
        let events = (page["items"]?.arrayValue ?? []).filter { $0["type"] == "event" }.reversed()
        let order = events.compactMap { $0["data"]?["index"]?.numberValue?.int64 }
        #expect(inOrder ? order == Array(0..<Int64(sent.count)) : order.sorted() == Array(0..<Int64(sent.count)))
    }
}

/// A proxy in front of a server that spoils the first requests, as `SDKs/faults.py` describes.
final class FaultyRoad {
    let url: String
    private let process: Process

    init(to server: String, plan: String) async throws {
        let folder = try ScratchFolder()
        let ready = folder.url.appending(path: "ready.json")
        process = Process()
        process.executableURL = PythonSDK.python
        process.arguments = [
            try PythonSDK.script("faults.py"), "--to", server, "--ready", ready.path, "--plan", plan,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.launchAlone()
        while !FileManager.default.fileExists(atPath: ready.path), process.isRunning {
            try await Task.sleep(for: .milliseconds(20))
        }
        url = try #require(JSON(parsing: Array(try Data(contentsOf: ready)))["url"]?.stringValue)
    }

    /// Ends it for certain: a program that the test runner starts may have SIGTERM blocked.
    func close() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
