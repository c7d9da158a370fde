import Delivery
import Integrations
import Logging
import Server
import ServiceLifecycle
import Storage
import Synchronization
import UnixSignals

/// Takes the configuration file again while Ferry runs: on SIGHUP, and when the admin API asks.
final class ConfigurationReload: Service {
    private let path: String?
    private let configurator: Configurator
    private let writeKeys: WriteKeys
    private let logger: Logger
    private let current: Mutex<Configuration>

    init(_ options: Instance.Options, configurator: Configurator, writeKeys: WriteKeys, logger: Logger) {
        path = options.file
        self.configurator = configurator
        self.writeKeys = writeKeys
        self.logger = logger
        current = Mutex(options.configuration)
    }

    var retention: Configuration.Retention { current.withLock(\.retention) }

    func run() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let reload = try await reload(waiting: false)
                let changes = reload.changes.filter { $0.kind != .unchanged }
                    .map { "\($0.integration) \($0.kind.rawValue)" }
                logger.notice(
                    "the configuration file was read again",
                    metadata: [
                        "changes": "\(changes.isEmpty ? "none" : changes.joined(separator: ", "))",
                        "notes": "\(reload.notes.joined(separator: "; "))",
                    ]
                )
            } catch {
                logger.error("the configuration stays as it is", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Sources, integrations and retention are taken at once; what else the file says is noted.
    ///
    /// - Throws: `ConfigurationRefusal`, `SecretReference.Missing`, `StorageError`; nothing was changed then.
    func reload(waiting: Bool) async throws -> ConfigurationAPI.Reload {
        guard let path else {
            throw ConfigurationRefusal(.invalid, "the server runs without a configuration file: there is none to read")
        }
        let file: Configuration
        do {
            file = try ConfigurationFile(reading: path).configuration
        } catch {
            throw ConfigurationRefusal(.invalid, "\(error.description)\nNothing was changed")
        }
        let entries = try WriteKeys.entries(of: file)
        let changes = try await configurator.reload(file, waiting: waiting)
        writeKeys.replace(by: entries)
        let before = current.withLock { current in
            let before = current
            current = file
            return before
        }
        return ConfigurationAPI.Reload(changes: changes, notes: Self.sources(before, file) + Self.notes(before, file))
    }

    private static func sources(_ before: Configuration, _ file: Configuration) -> [String] {
        let (old, new) = (before.sources.map(\.name), file.sources.map(\.name))
        return new.filter { !old.contains($0) }.map { "the source \($0) is new" }
            + old.filter { !new.contains($0) }.map { "the source \($0) is gone: its messages are refused, and kept" }
    }

    private static func notes(_ before: Configuration, _ file: Configuration) -> [String] {
        let needsStart = [
            (
                "listen",
                before.publicAddress != file.publicAddress || before.privateAddress != file.privateAddress
                    || before.privateTLS != file.privateTLS
            ),
            ("data", before.data != file.data), ("folder", before.folder != file.folder),
            ("spool", before.spool != file.spool),
            ("log", before.log != file.log), ("limits", before.limits != file.limits),
            ("admin_token", before.adminToken != file.adminToken),
            ("workspaces", before.workspaces != file.workspaces),
            ("workspace_settings", before.workspaceSettings != file.workspaceSettings),
            ("create_on_first_use", before.createsWorkspaces != file.createsWorkspaces),
        ]
        return needsStart.filter(\.1).map { "`\($0.0)` takes effect with the next start" }
    }
}

extension WriteKeys {
    /// - Throws: `SecretReference.Missing`.
    static func entries(of configuration: Configuration) throws(SecretReference.Missing) -> [Entry] {
        var entries: [Entry] = []
        for source in configuration.sources {
            for key in source.writeKeys {
                entries.append(Entry(key: try key.resolved(), source: source.name, isEnabled: source.isEnabled))
            }
        }
        return entries
    }
}

extension LogRetention.Policy {
    init(_ retention: Configuration.Retention, integrations: [String]) {
        self.init(
            milliseconds: Int64(retention.days) * 24 * 60 * 60 * 1000,
            bytes: retention.bytes,
            dropsUnsettled: retention.dropUnsettled,
            integrations: integrations
        )
    }
}
