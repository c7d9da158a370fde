import AsyncHTTPClient
import Foundation
import Launching
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// The real `ferry`, run as its users run it.
enum FerryProcess {
    /// The program that was built with the tests: it stands beside their resources. `FERRY_PROGRAM` names another one.
    static var program: URL {
        if let path = ProcessInfo.processInfo.environment["FERRY_PROGRAM"] { return URL(filePath: path) }
        return Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "ferry")
    }

    struct Result {
        let status: Int32
        let output: String
        let errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Runs a command to its end: one of ferry's, or another program's.
    static func run(
        _ arguments: [String],
        program: URL = program,
        input: String = "",
        environment: [String: String] = [:],
        in workingFolder: ScratchFolder? = nil
    ) async throws -> Result {
        let folder = try ScratchFolder()
        let paths = ["in", "out", "err"].map { folder.url.appending(path: $0) }
        try input.write(to: paths[0], atomically: false, encoding: .utf8)
        for path in paths.dropFirst() { _ = FileManager.default.createFile(atPath: path.path, contents: nil) }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        if let workingFolder { process.currentDirectoryURL = workingFolder.url }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try FileHandle(forReadingFrom: paths[0])
        process.standardOutput = try FileHandle(forWritingTo: paths[1])
        process.standardError = try FileHandle(forWritingTo: paths[2])
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do { try process.launchAlone() } catch { done.resume(throwing: error) }
        }
        return Result(
            status: process.terminationStatus,
            output: try String(contentsOf: paths[1], encoding: .utf8),
            errors: try String(contentsOf: paths[2], encoding: .utf8)
        )
    }
}

/// A folder that goes away with its owner.
final class ScratchFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "ferry-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// A file in the folder, with this text in it if there is one.
    func file(_ name: String, _ text: String? = nil) throws -> String {
        let path = url.appending(path: name)
        try text?.write(to: path, atomically: true, encoding: .utf8)
        return path.path
    }
}

/// A running `ferry serve` on free ports, ended with the value.
final class RunningFerry: Sendable {
    let publicURL: String
    let privateURL: String
    /// The file with the private listener's certificate, where it speaks TLS.
    let privateCertificate: String?
    private let adminToken: String?
    private let process: Process

    /// Starts it and waits for its ready file. `address` is where the source API listens; `adminToken` is shown to the
    /// admin API; `log` is a file to which its standard error is appended.
    init(
        data: String,
        config: String? = nil,
        address: String = "127.0.0.1:0",
        adminToken: String? = nil,
        arguments: [String] = [],
        log: String? = nil,
        environment: [String: String] = [:]
    ) async throws {
        self.adminToken = adminToken
        let folder = try ScratchFolder()
        let ready = folder.url.appending(path: "ready.json")
        let process = Process()
        process.executableURL = FerryProcess.program
        process.arguments =
            [
                "serve", "--listen-public", address, "--listen-private", "127.0.0.1:0",
                "--data", data,
                "--ready-file", ready.path,
            ] + (config.map { ["--config", $0] } ?? []) + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let errors = log ?? folder.url.appending(path: "errors").path
        let descriptor = open(errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        process.standardError = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try process.launchAlone()
        self.process = process
        var line: JSON?
        while line == nil, process.isRunning {
            line = (try? Data(contentsOf: ready)).flatMap { try? JSON(parsing: Array($0)) }
            try await Task.sleep(for: .milliseconds(20))
        }
        let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        let addresses = try #require(line, "ferry serve ended before it was ready: \(said)")
        publicURL = try #require(addresses["public"]?.stringValue)
        privateURL = try #require(addresses["private"]?.stringValue)
        privateCertificate = addresses["private_certificate"]?.stringValue
    }

    deinit {
        process.terminate()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGSTOP, and SIGCONT: it stands still, and goes on.
    func freeze(_ isFrozen: Bool) {
        Foundation.kill(process.processIdentifier, isFrozen ? SIGSTOP : SIGCONT)
    }

    /// The exit status, once it has ended by itself.
    func end() async -> Int32 {
        while process.isRunning { try? await Task.sleep(for: .milliseconds(20)) }
        return process.terminationStatus
    }

    /// SIGHUP: take the configuration file again.
    func hangUp() {
        Foundation.kill(process.processIdentifier, SIGHUP)
    }

    /// SIGTERM; the exit status.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Posts a message or a batch.
    func post(_ path: String, _ body: JSON, key: String = "ferry-local") async throws -> (status: UInt, body: JSON?) {
        var request = HTTPClientRequest(url: publicURL + path)
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Basic " + Data("\(key):".utf8).base64EncodedString())
        request.body = .bytes(body.encoded())
        return try await answer(to: request)
    }

    /// Asks the admin API for something.
    func postAdmin(_ path: String, _ body: JSON) async throws -> (status: UInt, body: JSON?) {
        try await postText(path, body.description)
    }

    /// Asks the admin API for something with a text that may be no JSON.
    func postText(_ path: String, _ text: String) async throws -> (status: UInt, body: JSON?) {
        var request = HTTPClientRequest(url: privateURL + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(Array(text.utf8))
        return try await answer(to: request)
    }

    /// Reads the admin API.
    func get(_ path: String) async throws -> (status: UInt, body: JSON?) {
        try await answer(to: adminRequest(path))
    }

    /// Asks the admin API for something.
    func ask(_ path: String, _ body: JSON) async throws -> (status: UInt, body: JSON?) {
        var request = adminRequest(path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body.encoded())
        return try await answer(to: request)
    }

    func adminRequest(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: privateURL + path)
        if let adminToken { request.headers.add(name: "Authorization", value: "Bearer \(adminToken)") }
        return request
    }

    /// Reads until a condition holds; delivery takes its time.
    func get(_ path: String, until isThere: (JSON) -> Bool) async throws -> JSON {
        while true {
            if let body = try await get(path).body, isThere(body) { return body }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    /// Reads what is no JSON.
    func text(_ path: String) async throws -> String {
        let response = try await HTTPClient.shared.execute(adminRequest(path), timeout: .seconds(20))
        return String(buffer: try await response.body.collect(upTo: 1 << 24))
    }

    func answer(to request: HTTPClientRequest) async throws -> (status: UInt, body: JSON?) {
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (response.status.code, try? JSON(parsing: Array(body.readableBytesView)))
    }
}
