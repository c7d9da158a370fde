import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1

/// A server of its own: `ferry serve` on free ports of this machine, with a new data folder that goes with it.
final class FerryProcess {
    /// What went wrong before the server was there.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    static let writeKey = "benchmarks"

    let publicURL: String
    let privateURL: String
    private let process: Process
    private let folder: URL

    /// Bytes of the files of the log.
    var logBytes: Int {
        ["ferry.db", "ferry.db-wal"].reduce(0) { sum, name in
            let path = folder.appending(path: "data/\(name)").path
            let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
            return sum + (size?.intValue ?? 0)
        }
    }

    /// The integrations of its configuration.
    enum Integrations {
        /// What a server has that nobody configured: one, on the embedded workspace.
        case byDefault
        /// Events stay on the disk.
        case none
        /// As they stand in a configuration.
        case written(String)
        /// With sources of their own, as a whole configuration.
        case whole(String)
    }

    /// Starts the server and waits until both of its addresses accept connections. `folder` is one that another process
    /// has left; `database` is the URL of a PostgreSQL database that it shares with `others`.
    init(
        executable: String,
        integrations: Integrations = .byDefault,
        folder: URL? = nil,
        database: String? = nil,
        others: [FerryProcess] = []
    ) async throws {
        let new = FileManager.default.temporaryDirectory.appending(path: "ferry-benchmarks-\(UUID().uuidString)")
        self.folder = folder ?? new
        let folder = self.folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let readyFile = folder.appending(path: "ready.json")
        try? FileManager.default.removeItem(at: readyFile)
        let configuration = folder.appending(path: "ferry.yaml")
        var arguments: [String] = []
        let sources = "sources: { benchmarks: { write_key: \(Self.writeKey) } }\n"
        switch integrations {
        case .byDefault: break
        case .none: try sources.write(to: configuration, atomically: true, encoding: .utf8)
        case .written(let text): try (sources + text).write(to: configuration, atomically: true, encoding: .utf8)
        case .whole(let text): try text.write(to: configuration, atomically: true, encoding: .utf8)
        }
        if case .byDefault = integrations {} else { arguments = ["--config", configuration.path] }
        let data = folder.appending(path: "data")
        arguments += ["--data"] + (database == nil ? [data.path] : ["env:FERRY_DATABASE", "--folder", data.path])
        if let other = others.first {
            // What is sealed in the database opens with one key.
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            let key = "data/seal.key"
            try FileManager.default.copyItem(at: other.folder.appending(path: key), to: folder.appending(path: key))
        }
        process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments =
            [
                "serve", "--listen-public", "127.0.0.1:0", "--listen-private", "127.0.0.1:0",
                "--ready-file", readyFile.path,
            ] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["FERRY_WRITE_KEY": Self.writeKey, "FERRY_DATABASE": database ?? ""]
        ) { $1 }
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
            let addresses = try await Self.addresses(in: readyFile, of: process)
            publicURL = addresses.publicURL
            privateURL = addresses.privateURL
        } catch {
            if process.isRunning { process.terminate() }
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
    }

    /// Whether these integrations are done with every event of the log.
    func isDelivered(to integrations: [String]) async throws -> Bool {
        let items = try await get("/admin/v1/integrations")["items"]?.arrayValue ?? []
        let named = items.filter { integrations.contains($0["name"]?.stringValue ?? "") }
        return named.count == integrations.count && named.allSatisfy { $0["lag"]?["events"] == 0 }
    }

    /// What the admin API answers.
    func get(_ path: String) async throws -> JSON {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: privateURL + path),
            timeout: .seconds(60)
        )
        let body = try await response.body.collect(upTo: 1 << 22)
        return try JSON(parsing: Array(body.readableBytesView))
    }

    /// Stops the server and removes its data.
    func stop() {
        try? FileManager.default.removeItem(at: stopKeepingData())
    }

    /// Stops the server and says where its data is.
    func stopKeepingData() -> URL {
        process.terminate()
        process.waitUntilExit()
        return folder
    }

    /// Seconds of processor time that the server has used.
    var cpuSeconds: Double { ProcessorTime.of(processIdentifier) }

    var publicPort: Int { URL(string: publicURL)?.port ?? 0 }

    /// Memory that the server holds.
    var residentMegabytes: Int { Self.residentMegabytes(of: processIdentifier) }

    var processIdentifier: Int32 { process.processIdentifier }

    static func residentMegabytes(of process: Int32) -> Int {
        let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
    }

    private static func addresses(
        in file: URL,
        of process: Process
    ) async throws -> (publicURL: String, privateURL: String) {
        for _ in 0..<6000 {
            if let text = try? String(contentsOf: file, encoding: .utf8), let json = try? JSON(parsing: text),
                let publicURL = json["public"]?.stringValue, let privateURL = json["private"]?.stringValue
            {
                return (publicURL, privateURL)
            }
            guard process.isRunning else { throw Failed(description: "ferry serve stopped before it was ready") }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failed(description: "ferry serve was not ready within 30 seconds")
    }
}
