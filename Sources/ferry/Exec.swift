import ArgumentParser
import Foundation
import Integrations
import Logging
import Server
import ServiceLifecycle
import Synchronization
import UnixSignals

/// `ferry exec`: a command, for example a test suite, with a Ferry of its own.
struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command with a Ferry of its own, on free ports and in memory.",
        discussion: """
            Sets FERRY_URL, FERRY_WRITE_KEY, FERRY_WORKSPACE_URL, CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY, over TLS also \
            FERRY_WORKSPACE_CERTIFICATE, and ends with the command's status. Nothing leaves this machine: every integration \
            of the configuration lands in an embedded workspace of its name, wherever it sends otherwise.
            """
    )

    @Option(help: "The configuration file; without one there is one source and one integration.")
    var config: String?

    @OptionGroup var tls: TLSOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, behind --.")
    var command: [String] = []

    func run() async throws {
        guard !command.isEmpty else {
            throw ValidationError("write the command behind --, for example: ferry exec -- pytest")
        }
        var configuration = try ConfigurationFile(config).configuration
        if config == nil { configuration.sources = [.init(name: "default", writeKey: .literal("ferry-local"))] }
        configuration.adminToken = nil
        configuration.privateTLS = tls.wish ?? configuration.privateTLS
        configuration.createsWorkspaces = true
        let (ready, announce) = AsyncStream.makeStream(of: Instance.Addresses.self)
        let options = Instance.Options(
            configuration: configuration,
            publicAddress: ListenAddress(host: "127.0.0.1", port: 0),
            privateAddress: ListenAddress(host: "127.0.0.1", port: 0),
            data: .memory,
            embedsAll: true,
            // They are the command's.
            signals: [],
            onReady: { announce.yield($0) }
        )
        let (command, settled) = (command, configuration)
        let outcome = ChildOutcome()
        let log = ServerLog(level: .error)
        try await log.reportingFaults {
            let instance = try Instance(options, logger: log.logger)
            let companion = CommandService(
                command: command,
                ready: ready,
                environment: { Self.environment($0, settled, instance.workspaces) },
                outcome: outcome
            )
            try await instance.run(with: companion)
        }
        throw ExitCode(outcome.status)
    }

    private static func environment(
        _ addresses: Instance.Addresses,
        _ configuration: Configuration,
        _ workspaces: EmbeddedWorkspaces
    ) -> [String: String] {
        var environment = ["FERRY_URL": addresses.publicURL, "FERRY_WORKSPACE_URL": addresses.privateURL]
        environment["FERRY_WORKSPACE_CERTIFICATE"] = addresses.privateCertificate
        environment["FERRY_WRITE_KEY"] = configuration.sources.first { $0.isEnabled }.flatMap {
            try? $0.writeKey.resolved()
        }
        let name = configuration.integrations.first { $0.isEnabled }?.name
        let workspace = workspaces.all.first { $0.name == name } ?? workspaces.all.first
        environment["CUSTOMERIO_SITE_ID"] = workspace?.credentials.siteID
        environment["CUSTOMERIO_API_KEY"] = workspace?.credentials.apiKey
        return environment
    }
}

/// How the command ended.
final class ChildOutcome: Sendable {
    private let value = Mutex<Int32>(1)

    var status: Int32 { value.withLock(\.self) }

    func note(_ status: Int32) {
        value.withLock { $0 = status }
    }
}

/// Runs the command once Ferry is there, and passes signals on to it.
private struct CommandService: Service {
    let command: [String]
    let ready: AsyncStream<Instance.Addresses>
    let environment: @Sendable (Instance.Addresses) -> [String: String]
    let outcome: ChildOutcome

    func run() async throws {
        // From here on they end nothing by themselves.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        guard let addresses = await ready.cancelOnGracefulShutdown().first(where: { _ in true }) else { return }
        let child: ChildProcess
        do throws(ChildProcess.Failure) {
            child = try ChildProcess(command, environment: environment(addresses))
        } catch {
            Terminal.error("ferry exec: \(error.description)")
            outcome.note(127)
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals {
                    // What is typed at the terminal, the command has got already.
                    if signal == .sigint, ChildProcess.hasTerminal { continue }
                    child.send(signal == .sigint ? SIGINT : SIGTERM)
                }
            }
            outcome.note(await child.status())
            group.cancelAll()
        }
    }
}
