import ArgumentParser
import Events
import Foundation
import Integrations
import Logging
import LosslessJSON
import Server
import ServiceLifecycle
import Storage
import UnixSignals
import Workspaces

/// `ferry workspace`: an embedded workspace alone, as a local Customer.io.
struct WorkspaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspace",
        abstract: "Run an embedded workspace alone: a local Customer.io for tests.",
        discussion: """
            Speaks the Track API at Customer.io's own paths. Any credentials are taken: those that are new make a workspace \
            named after their site id. What is in it, resetting, faults and waiting: docs/testing-with-ferry.md.
            """
    )

    @Option(help: "Where it listens, HOST:PORT; port 0 is any free one.")
    var listen = "127.0.0.1:8081"

    @Option(help: "A folder to keep it in; without one it is in memory.")
    var data = "memory"

    @Option(help: "A configuration file, whose workspaces, workspace_settings and private_tls hold here too.")
    var config: String?

    @Option(help: "The site id that opens the workspace named default.")
    var siteId = "ferry-site"

    @Option(help: "The API key that opens it; env:NAME reads it from the environment.")
    var apiKey = "ferry-key"

    @Option(help: "A file of operations of the Track API v2 to begin with: NDJSON, or a JSON array.")
    var seed: String?

    @Option(help: "The admin token, which an address that other machines reach must have: env:NAME or file:PATH.")
    var adminToken: String?

    @OptionGroup var tls: TLSOptions

    @Option(help: "How the log is written: text, or json for a JSON object a line. Overrides the configuration file.")
    var logFormat: Configuration.LogFormat?

    @Option(help: "Write a JSON line with the address to this file once it accepts connections.")
    var readyFile: String?

    func run() async throws {
        let folder: String?
        switch Configuration.DataLocation(data) {
        case .folder(let path): folder = path
        case .memory: folder = nil
        case .database: throw ValidationError("--data: embedded workspaces are kept in a folder, or in memory")
        }
        let address: ListenAddress
        let key: String
        let token: String?
        do {
            address = try ListenAddress(listen)
            key = try SecretReference(apiKey).resolved()
            token = try adminToken.map { try SecretReference($0).resolved() }
        } catch {
            throw ValidationError("\(error)")
        }
        let operations = try seed.map(Self.operations) ?? []
        let file = try config.map { try ConfigurationFile($0).configuration } ?? Configuration()
        let log = ServerLog(logFormat ?? file.log.format)
        try await log.reportingFaults {
            let store = try DataStore(opening: folder.map { .folder($0) } ?? .memory)
            do {
                let workspaces = EmbeddedWorkspaces(
                    in: store.workspaces,
                    createsOnFirstUse: true,
                    traits: EmbeddedWorkspace.Traits(file.workspaceSettings)
                )
                try workspaces.declare(file)
                workspaces.declare("default", siteID: siteId, apiKey: key)
                // Those of earlier runs are there, too; that of an older version opens for whoever comes first.
                try await workspaces.recallSaying()
                for name in try await store.workspaces.names() where name != "default" {
                    workspaces.declare(name, siteID: "", apiKey: "")
                }
                if let first = workspaces.all.first(where: { $0.name == "default" }) {
                    try await Self.fill(first.workspace, operations, of: seed ?? "")
                }
                let certificate = try (tls.wish ?? file.privateTLS).map {
                    try PrivateCertificate($0, folder: folder, address: address)
                }
                defer { certificate?.removeTemporary() }
                try await serve(workspaces, at: address, certificate, token, log)
            } catch {
                try? store.close()
                throw error
            }
            try store.close()
        }
        log.say("stopped", asText: ["stopped"])
    }

    private func serve(
        _ workspaces: EmbeddedWorkspaces,
        at address: ListenAddress,
        _ certificate: PrivateCertificate?,
        _ token: String?,
        _ log: ServerLog
    ) async throws {
        let api = try PrivateAPI(
            address: address,
            workspaces: workspaces,
            adminToken: token,
            logger: log.logger,
            now: { .now }
        )
        let (siteId, data, readyFile) = (siteId, data, readyFile)
        let path = certificate?.certificate
        let listener = Listener(
            address: address,
            option: "--listen",
            service: api,
            tls: try certificate.map { try ListenerTLS(certificate: $0.certificate, key: $0.key) },
            logger: log.logger
        ) { bound in
            let url = bound.url(scheme: path == nil ? "http" : "https")
            var lines = [
                "The workspace is ready at \(url)",
                "  site id \(siteId), API key \(apiKeyWords); other credentials make workspaces of their own",
                "  data    \(data == "memory" ? "in memory: gone when it stops" : data)",
            ]
            if let path { lines.append("  certificate \(path)") }
            log.say("the workspace is ready", facts: ["private": "\(url)", "data": "\(data)"], asText: lines)
            guard let readyFile else { return }
            var line: JSON.Object = ["private": .string(url)]
            if let path { line["private_certificate"] = .string(path) }
            do {
                try "\(JSON.object(line))\n".write(toFile: readyFile, atomically: true, encoding: .utf8)
            } catch {
                let words = "the ready file \(readyFile) can't be written: \(error.localizedDescription)"
                log.say(words, at: .error, asText: [words])
            }
        }
        var configuration = ServiceGroupConfiguration(services: [listener], logger: log.logger)
        configuration.gracefulShutdownSignals = [.sigterm, .sigint]
        configuration.maximumGracefulShutdownDuration = .seconds(15)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The key that everybody has by default is no secret.
    private var apiKeyWords: String { apiKey == "ferry-key" ? apiKey : "\(apiKey.prefix(4))…" }

    // MARK: Seeding

    private static func operations(_ path: String) throws -> [JSON] {
        let file: MessageFile
        do {
            file = try MessageFile(path: path)
        } catch {
            Terminal.error("\(path) can't be read: \(error.localizedDescription)")
            throw ExitCode.failure
        }
        var operations: [JSON] = []
        for (number, message) in file {
            switch message {
            case .success(let json): operations.append(json)
            case .failure(let error):
                Terminal.error("\(path), \(number): \(error)")
                throw ExitCode.failure
            }
        }
        return operations
    }

    private static func fill(_ workspace: Workspace, _ operations: [JSON], of path: String) async throws {
        guard !operations.isEmpty else { return }
        let refusals = try await workspace.seed(operations, now: Timestamp.now.seconds)
        for (index, refusal) in refusals.prefix(20) {
            Terminal.error("\(path), operation \(index + 1): \(refusal.field) \(refusal.message)")
        }
        guard refusals.isEmpty else { throw ExitCode.failure }
    }
}
