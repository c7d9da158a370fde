import AsyncHTTPClient
import Delivery
import Events
import Foundation
import Integrations
import Logging
import Server
import ServiceLifecycle
import Storage
import Telemetry
import TrackAPI
import UnixSignals
import Workspaces

/// A running Ferry, put together from its rooms: the one place where clock, chance, environment and files come in.
struct Instance {
    /// What a command wants of it.
    struct Options {
        var configuration: Configuration
        var publicAddress: ListenAddress
        var privateAddress: ListenAddress
        var data: Configuration.DataLocation
        /// Called once both listeners accept connections.
        var onReady: @Sendable (Addresses) async -> Void = { _ in }
        /// Watches what delivery does.
        var observe: @Sendable (DispatchNote) -> Void = { _ in }
    }

    struct Addresses: Sendable {
        let publicURL: String
        let privateURL: String
    }

    let store: DataStore
    private let services: [any Service]
    private let httpClient: HTTPClient
    private let logger: Logger

    /// Opens the data and puts everything in place; nothing listens yet.
    ///
    /// - Throws: `StorageError`, `ListenerError`, `SecretReference.Missing`, each with a sentence for the operator.
    init(_ options: Options, logger: Logger) throws {
        self.logger = logger
        store = try DataStore(opening: options.data.storage)
        let httpClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: TrackClient.httpConfiguration)
        self.httpClient = httpClient
        do {
            let tenants = try options.configuration.integrations.map(Tenant.init)
            let publicBound = Bound()
            let privateBound = Bound()
            let metrics = MetricsRegistry()
            let sourceAPI = try Self.sourceAPI(options, store, metrics, logger)
            let control = DeliveryControl()
            services = [
                try Self.privateListener(options, tenants, store, sourceAPI, control, metrics, logger, privateBound),
                DeliveryService(
                    tenants: tenants,
                    store: store,
                    control: control,
                    metrics: metrics,
                    httpClient: httpClient,
                    bound: (publicBound, privateBound),
                    options: options,
                    logger: logger
                ),
                Self.publicListener(options, sourceAPI, logger, publicBound),
                Housekeeping(store, options.configuration, logger: logger),
            ]
        } catch {
            try? store.close()
            try? httpClient.syncShutdown()
            throw error
        }
    }

    /// Runs until a signal asks to stop, or until the companion is done; then stops accepting, finishes what is under way
    /// and closes the data.
    func run(with companion: (any Service)? = nil) async throws {
        var services = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        if let companion {
            services.append(.init(service: companion, successTerminationBehavior: .gracefullyShutdownGroup))
        }
        var configuration = ServiceGroupConfiguration(services: services, logger: logger)
        configuration.gracefulShutdownSignals = [.sigterm, .sigint]
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        let outcome: Result<Void, any Error>
        do {
            try await ServiceGroup(configuration: configuration).run()
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try? await httpClient.shutdown()
        try? store.close()
        try outcome.get()
    }

    // MARK: Parts

    private static func sourceAPI(
        _ options: Options,
        _ store: DataStore,
        _ metrics: MetricsRegistry,
        _ logger: Logger
    ) throws -> SourceAPI {
        let keys = try options.configuration.sources.flatMap { source in
            try source.writeKeys.map { key in
                WriteKeys.Entry(key: try key.resolved(), source: source.name, isEnabled: source.isEnabled)
            }
        }
        return SourceAPI(
            writeKeys: WriteKeys(keys),
            intake: Intake(store, metrics: metrics),
            logger: logger,
            now: { .now }
        )
    }

    private static func publicListener(
        _ options: Options,
        _ api: SourceAPI,
        _ logger: Logger,
        _ bound: Bound
    ) -> Listener {
        Listener(
            address: options.publicAddress,
            option: "--listen-public",
            service: api,
            logger: logger,
            onBound: bound.set
        )
    }

    private static func privateListener(
        _ options: Options,
        _ tenants: [Tenant],
        _ store: DataStore,
        _ sourceAPI: SourceAPI,
        _ control: DeliveryControl,
        _ metrics: MetricsRegistry,
        _ logger: Logger,
        _ bound: Bound
    ) throws -> Listener {
        let workspaces = tenants.filter(\.isEmbedded).enumerated().map { position, tenant in
            EmbeddedWorkspace(
                name: tenant.integration.name,
                siteID: tenant.siteId,
                apiKey: tenant.apiKey,
                environmentID: Int64(position + 1),
                workspace: Workspace(name: tenant.integration.name, in: store.workspaces)
            )
        }
        let delivery = DeliveryAPI(
            store,
            integrations: options.configuration.integrations,
            control: control,
            now: { Timestamp.now.milliseconds }
        )
        let api = try PrivateAPI(
            address: options.privateAddress,
            workspaces: workspaces,
            rejected: RejectedAPI(store, acceptedBy: sourceAPI),
            log: LogAPI(store),
            delivery: delivery,
            metrics: MetricsAPI(metrics, delivery: delivery),
            adminToken: options.configuration.adminToken?.resolved(),
            logger: logger,
            now: { .now }
        )
        return Listener(
            address: options.privateAddress,
            option: "--listen-private",
            service: api,
            logger: logger,
            onBound: bound.set
        )
    }
}

extension Listener: Service {}

extension Timestamp {
    /// The system's clock.
    static var now: Timestamp {
        Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }
}

extension Configuration.DataLocation {
    var storage: DataStore.Location {
        switch self {
        case .folder(let path): .folder(path)
        case .memory: .memory
        }
    }
}
