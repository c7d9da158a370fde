import ArgumentParser
import Delivery
import Foundation
import Integrations
import Logging
import LosslessJSON
import Server
import Storage
import TrackAPI

/// `ferry serve`: the server.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            Without a configuration file there is one source, whose key is FERRY_WRITE_KEY or ferry-local, and one \
            integration, default, with the embedded workspace.
            """
    )

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "Where the source API listens, HOST:PORT; port 0 is any free one.")
    var listenPublic: String?

    @Option(help: "Where the workspace and the admin API listen, HOST:PORT; port 0 is any free one.")
    var listenPrivate: String?

    @Option(help: "The data folder, memory, or a PostgreSQL database: env:NAME or file:PATH of its postgresql:// URL.")
    var data: String?

    @Option(help: "What this machine keeps by itself where the data is a database.")
    var folder: String?

    @Option(help: "How the log is written: text, or json for a JSON object a line. Overrides the configuration file.")
    var logFormat: Configuration.LogFormat?

    @Option(help: "Write a JSON line with both addresses to this file once they accept connections.")
    var readyFile: String?

    func run() async throws {
        let configuration = try ConfigurationFile(config).configuration
        let log = ServerLog(logFormat ?? configuration.log.format)
        let options = try options(configuration, log)
        try await log.reportingFaults {
            try await Self.instance(options, log).run()
        }
        log.say("stopped", asText: ["stopped"])
    }

    /// Where nodes of an earlier version use the same database, or somebody copies it, this one waits.
    private static func instance(_ options: Instance.Options, _ log: ServerLog) async throws -> Instance {
        var isWaiting = false
        while true {
            do {
                return try Instance(options, logger: log.logger)
            } catch let error as StorageError where error.code == .locked && options.data.isDatabase {
                if !isWaiting { log.logger.notice("waiting for the database", metadata: ["reason": "\(error)"]) }
                isWaiting = true
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func options(_ configuration: Configuration, _ log: ServerLog) throws -> Instance.Options {
        var configuration = configuration
        let publicAddress = try address(listenPublic, else: configuration.publicAddress, option: "--listen-public")
        let privateAddress = try address(listenPrivate, else: configuration.privateAddress, option: "--listen-private")
        if config == nil, ProcessInfo.processInfo.environment["FERRY_WRITE_KEY"] == nil {
            guard publicAddress.isLoopback else {
                throw ValidationError(
                    "\(publicAddress) is reached by other machines: set FERRY_WRITE_KEY, or use --config"
                )
            }
            configuration.sources = [Configuration.Source(name: "default", writeKey: .literal("ferry-local"))]
        }
        var location = configuration.data
        if let data { location = Configuration.DataLocation(data) }
        if let folder { configuration.folder = folder }
        let (settled, place, readyFile) = (configuration, location, readyFile)
        return Instance.Options(
            configuration: configuration,
            file: config,
            publicAddress: publicAddress,
            privateAddress: privateAddress,
            data: place,
            onReady: { addresses in
                Self.announce(addresses, settled, place, in: log)
                if let readyFile { Self.writeReadyFile(readyFile, addresses, log) }
                ServiceManager.tellReady()
            }
        )
    }

    private func address(_ text: String?, else fallback: Configuration.Address, option: String) throws -> ListenAddress
    {
        guard let text else { return ListenAddress(host: fallback.host, port: fallback.port) }
        do {
            return try ListenAddress(text)
        } catch {
            throw ValidationError("\(option): \(error.description)")
        }
    }

    // MARK: What is said

    /// Enough of a long key to know which one it is; nothing of a short one.
    private static func beginning(of key: String) -> String { key.count < 12 ? "••••" : "\(key.prefix(4))…" }

    /// Addresses, keys (their first characters), where the data is and whether it lasts.
    private static func announce(
        _ addresses: Instance.Addresses,
        _ configuration: Configuration,
        _ data: Configuration.DataLocation,
        in log: ServerLog
    ) {
        var lines = [
            "Ferry is ready",
            "  source API     \(addresses.publicURL)",
            "  private API    \(addresses.privateURL)",
            "  console        \(addresses.privateURL)/console",
        ]
        if let certificate = addresses.privateCertificate { lines.append("  certificate    \(certificate)") }
        for source in configuration.sources {
            let keys = source.writeKeys.map { key in (try? key.resolved()).map(beginning(of:)) ?? "••••" }
            let state = source.isEnabled ? "" : ", switched off"
            lines.append("  source         \(source.name), write key \(keys.joined(separator: ", before "))\(state)")
        }
        for integration in configuration.integrations {
            lines.append("  integration    \(integration.name) → \(integration.settings.destination.words)")
        }
        switch data {
        case .folder(let path): lines.append("  data           \(path)")
        case .memory: lines.append("  data           in memory: gone when Ferry stops")
        case .database:
            lines.append("  data           \(addresses.data)")
            lines.append("  folder         \(configuration.folder)")
        }
        log.say(
            "Ferry is ready",
            facts: [
                "public": "\(addresses.publicURL)", "private": "\(addresses.privateURL)", "data": "\(addresses.data)",
            ],
            asText: lines
        )
    }

    private static func writeReadyFile(_ path: String, _ addresses: Instance.Addresses, _ log: ServerLog) {
        var line: JSON.Object = ["public": .string(addresses.publicURL), "private": .string(addresses.privateURL)]
        if let certificate = addresses.privateCertificate { line["private_certificate"] = .string(certificate) }
        do {
            try "\(JSON.object(line))\n".write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            let words = "the ready file \(path) can't be written: \(error.localizedDescription)"
            log.say(words, at: .error, asText: [words])
        }
    }
}

extension Integration.Settings.Destination {
    /// Where events go, in the banner's words.
    var words: String {
        switch self {
        case .region(let region): "Customer.io (\(region.rawValue))"
        case .endpoint(let endpoint): endpoint.description
        case .workspace: "the embedded workspace"
        }
    }
}
