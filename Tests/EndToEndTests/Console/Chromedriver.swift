import AsyncHTTPClient
import Foundation
import Launching
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// Debian's chromedriver on a free port: the program by which tests drive a browser (W3C WebDriver).
final class Chromedriver: Sendable {
    static let program = URL(filePath: "/usr/bin/chromedriver")

    /// Under CI it must be there: the tests fail without it.
    static var isInstalled: Bool {
        FileManager.default.isExecutableFile(atPath: program.path) || ProcessInfo.processInfo.environment["CI"] != nil
    }

    private let url: String
    private let process: Process

    /// Where many are started at a time one may end before it listens: it is started again.
    init() async throws {
        var started: (process: Process, port: Substring)?
        for _ in 0..<5 where started == nil { started = try Self.start() }
        let (process, port) = try #require(started, "chromedriver ends before it listens")
        self.process = process
        url = "http://127.0.0.1:\(port)"
    }

    /// `nil` when it has ended.
    private static func start() throws -> (process: Process, port: Substring)? {
        let output = Pipe()
        let process = Process()
        process.executableURL = program
        process.arguments = ["--port=0"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.launchAlone()
        // ChromeDriver was started successfully on port 41234.
        var said = ""
        while true {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { return nil }
            said += String(decoding: bytes, as: UTF8.self)
            if let port = said.firstMatch(of: /successfully on port (\d+)/)?.1 { return (process, port) }
        }
    }

    /// Ends it for certain: a program that the test runner starts may have SIGTERM blocked.
    deinit {
        kill(process.processIdentifier, SIGKILL)
    }

    /// What the driver says no with.
    struct Refusal: Error, CustomStringConvertible {
        /// WebDriver's word for it: `no such element` and so on.
        let kind: String
        let message: String

        var description: String { "\(kind): \(message.prefix { $0 != "\n" })" }
    }

    /// Carries out a command and gives its value.
    func command(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.encoded())
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 1 << 25)
        let value = try JSON(parsing: Array(bytes.readableBytesView))["value"] ?? .null
        guard response.status == .ok else {
            throw Refusal(kind: value["error"]?.stringValue ?? "", message: value["message"]?.stringValue ?? "")
        }
        return value
    }
}
