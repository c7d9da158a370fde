import Foundation
import Hummingbird
import Logging

/// What Ferry's source API is held against: a route of Hummingbird's that reads a body and answers the same, with no log,
/// no keys and no JSON behind it. It runs in a process of its own, as Ferry does.
enum BareServer {
    /// Serves until the process is ended, and writes its port to a file once it accepts connections.
    static func run(readyFile: String) async throws {
        let router = Router()
        router.post("/v1/track") { request, _ in
            _ = try await request.body.collect(upTo: 4 << 20)
            return Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: #"{"success":true}"#))
            )
        }
        var logger = Logger(label: "bare")
        logger.logLevel = .critical
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                try? "\(port)".write(toFile: readyFile, atomically: true, encoding: .utf8)
            },
            logger: logger
        )
        try await application.run()
    }

    /// Starts one beside this process.
    static func start() async throws -> (process: Process, port: Int) {
        let ready = FileManager.default.temporaryDirectory.appending(path: "bare-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: ready) }
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = ["--bare-server", ready]
        try process.run()
        for _ in 0..<200 {
            if let port = (try? String(contentsOfFile: ready, encoding: .utf8)).flatMap({ Int($0) }) {
                return (process, port)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        process.terminate()
        throw FerryProcess.Failed(description: "the bare server was not ready within 10 seconds")
    }
}
