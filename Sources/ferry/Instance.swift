import AsyncHTTPClient
import Delivery
import Events
import Foundation
import Integrations
import Logging
import NIOSSL
import Server
import ServiceLifecycle
import Storage
import Telemetry
import TrackAPI
import UnixSignals

/// A running Ferry, put together from its rooms: the one place where clock, chance, environment and files come in.
struct Instance {
    /// What a command wants of it.
    struct Options {
        var configuration: Configuration
        /// The configuration's file; `nil` where there is none.
        var file: String?
        var publicAddress: ListenAddress
        var privateAddress: ListenAddress
        var data: Configuration.DataLocation
        /// Whether every integration lands in an embedded workspace, and nothing goes out.
        var embedsAll = false
        /// The signals that end it.
        var signals: [UnixSignal] = [.sigterm, .sigint]
        /// Called once both listeners accept connections.
        var onReady: @Sendable (Addresses) async -> Void = { _ in }
        /// Watches what delivery does.
        var observe: @Sendable (DispatchNote) -> Void = { _ in }
    }

    struct Addresses: Sendable {
        let publicURL: String
        let privateURL: String
        /// What messages call the place of the data.
        let data: String
        /// The file with the certificate that the private listener shows, where it speaks TLS.
        var privateCertificate: String?
    }

    let store: DataStore
    let workspaces: EmbeddedWorkspaces
    private let signals: [UnixSignal]
    private let services: [any Service]
    private let configurator: Configurator
    private let configuration: Configuration
    private let hasFile: Bool
    private let sources: SourcesAPI
    private let httpClient: HTTPClient
    /// Speaks to the embedded workspaces alone.
    private let loopClient: HTTPClient
    private let certificate: PrivateCertificate?
    private let logger: Logger

    /// Opens the data and puts everything in place; nothing listens yet.
    ///
    /// - Throws: `StorageError`, `ListenerError`, `SecretReference.Missing`, `PrivateCertificate.Failure`, each with a
    ///   sentence for the operator.
    init(_ options: Options, logger: Logger) throws {
        self.logger = logger
        hasFile = options.file != nil
        configuration = options.configuration
        signals = options.signals
        let metrics = MetricsRegistry()
        let slow = SlowStatementLog(metrics: metrics, logger: logger)
        FailedFlush.isTold { logger.critical("\($0)") }
        var limits = DataStore.Limits()
        // A body that the source API takes is kept whole, also where its key is not known yet.
        limits.refusedMessageBytes = configuration.limits.bodyBytes
        store = try DataStore(
            opening: try options.data.storage(with: options.configuration.folder),
            about: Nodes.About(host: ProcessInfo.processInfo.hostName, version: BuildInformation.version),
            limits: limits,
            slow: SlowStatements(from: configuration.log.slowStatementMilliseconds, note: slow.note),
            spool: SpoolLog(logger: logger).settings(configuration.spool, for: options.data)
        )
        let httpClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: TrackClient.httpConfiguration)
        self.httpClient = httpClient
        let loopClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.loopConfiguration)
        self.loopClient = loopClient
        let connector: Connector
        do {
            connector = try Connector(store, options, httpClient: httpClient, loopClient: loopClient, logger: logger)
        } catch {
            try? store.close()
            try? httpClient.syncShutdown()
            try? loopClient.syncShutdown()
            throw error
        }
        workspaces = connector.workspaces
        let live = LiveIntegrations()
        let control = DeliveryControl()
        configurator = Configurator(
            live,
            revisions: store.revisions,
            control: control,
            nodes: store.nodes,
            connect: connector.connect,
            now: { Moment.now }
        )
        do {
            let certificate = try options.configuration.privateTLS.map {
                try PrivateCertificate(
                    $0,
                    folder: options.data.folder(with: options.configuration.folder),
                    address: options.privateAddress
                )
            }
            self.certificate = certificate
            let publicBound = Bound()
            let privateBound = Bound()
            let keys = WriteKeys(try WriteKeys.entries(of: options.configuration))
            let sourceAPI = SourceAPI(
                writeKeys: keys,
                intake: Intake(store, metrics: metrics),
                limits: SourceLimits(options.configuration.limits),
                logger: logger,
                now: { .now }
            )
            let sources = SourcesAPI(keys: keys, kept: store.sources, publicURL: { publicBound.known?.url() })
            self.sources = sources
            let reload = ConfigurationReload(options, configurator: configurator, writeKeys: keys, logger: logger)
            let wall: @Sendable () -> Int64 = { Timestamp.now.milliseconds }
            let cluster = ClusterControl(control, nodes: store.nodes, erasures: store.erasures, now: wall)
            let delivery = DeliveryAPI(store, live: live, control: cluster, now: wall)
            let privateAPI = try PrivateAPI(
                address: options.privateAddress,
                workspaces: connector.workspaces,
                rejected: RejectedAPI(store, acceptedBy: sourceAPI),
                log: LogAPI(store),
                delivery: delivery,
                configuration: ConfigurationAPI(
                    live,
                    log: store.log,
                    configurator: configurator,
                    knownSources: { keys.sources },
                    reload: reload.reload
                ),
                sources: sources,
                metrics: MetricsAPI(metrics, delivery: delivery),
                adminToken: options.configuration.adminToken?.resolved(),
                isSecure: certificate != nil,
                logger: logger,
                now: { .now }
            )
            services = [
                // The last to end.
                NodeKeeper(
                    store: store,
                    live: live,
                    cluster: cluster,
                    configurator: configurator,
                    sources: sources,
                    bound: (publicBound, privateBound),
                    forgetRequests: connector.workspaces.clearJournals,
                    logger: logger
                ),
                Listener(
                    address: options.privateAddress,
                    option: "--listen-private",
                    service: privateAPI,
                    tls: try certificate.map { try ListenerTLS(certificate: $0.certificate, key: $0.key) },
                    logger: logger,
                    onBound: privateBound.set
                ),
                DeliveryService(
                    connector: connector,
                    dispatcher: Self.dispatcher(live, store, connector.workspaces, control, metrics, options, logger),
                    bound: (publicBound, privateBound),
                    data: store.name,
                    privateCertificate: certificate?.certificate,
                    onReady: options.onReady
                ),
                Listener(
                    address: options.publicAddress,
                    option: "--listen-public",
                    service: sourceAPI,
                    logger: logger,
                    onBound: publicBound.set
                ),
                Housekeeping(store, logger: logger, metrics: metrics) { [nodes = store.nodes] in
                    // Other nodes may have other files.
                    let others = nodes.all.flatMap(\.about.integrations)
                    return LogRetention.Policy(reload.retention, integrations: live.all.map(\.name) + others)
                },
                reload,
            ]
        } catch {
            try? store.close()
            try? httpClient.syncShutdown()
            try? loopClient.syncShutdown()
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
        configuration.gracefulShutdownSignals = signals
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        let outcome: Result<Void, any Error>
        do {
            try await workspaces.recallSaying()
            // What arrives from the first moment on is planned by what the file says now.
            try await sources.begin()
            if hasFile {
                try await configurator.begin(with: self.configuration)
            } else {
                try await configurator.begin(withoutFile: self.configuration)
            }
            try await ServiceGroup(configuration: configuration).run()
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try? await httpClient.shutdown()
        try? await loopClient.shutdown()
        await store.nodes.leave()
        try? store.close()
        certificate?.removeTemporary()
        try outcome.get()
    }

    /// What is at the other end is this very process, whatever its certificate says, and whoever has signed it.
    private static var loopConfiguration: HTTPClient.Configuration {
        var configuration = TrackClient.httpConfiguration
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        configuration.tlsConfiguration = tls
        return configuration
    }

    private static func dispatcher(
        _ live: LiveIntegrations,
        _ store: DataStore,
        _ workspaces: EmbeddedWorkspaces,
        _ control: DeliveryControl,
        _ metrics: MetricsRegistry,
        _ options: Options,
        _ logger: Logger
    ) -> Dispatcher {
        Dispatcher(
            integrations: live,
            log: store.log,
            ledger: store.ledger,
            jobs: store.jobs,
            erasures: store.erasures,
            nodes: store.nodes,
            control: control,
            metrics: metrics,
            surroundings: Dispatcher.Surroundings(
                now: { Moment.now },
                sleep: { try? await Task.sleep(for: $0) },
                chance: { Double.random(in: 0...1) },
                observe: options.observe,
                forgetRequests: workspaces.clearJournals
            ),
            logger: logger
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

extension Moment {
    /// The system's clocks.
    static var now: Moment {
        let steady = start.duration(to: .now)
        return Moment(
            steady: Int64(steady / .milliseconds(1)),
            wall: Timestamp.now.milliseconds
        )
    }

    private static let start = ContinuousClock.now
}

extension Configuration.DataLocation {
    /// - Parameter folder: what the machine keeps by itself where this is a database.
    /// - Returns: the place as the storage knows it.
    /// - Throws: `SecretReference.Missing`.
    func storage(with folder: String) throws -> DataStore.Location {
        switch self {
        case .folder(let path): .folder(path)
        case .memory: .memory
        case .database(let url): .postgres(try url.resolved(), folder: folder)
        }
    }

    var isDatabase: Bool { if case .database = self { true } else { false } }

    /// Where files go; `nil` in memory.
    func folder(with folder: String) -> String? {
        switch self {
        case .folder(let path): path
        case .memory: nil
        case .database: folder
        }
    }
}
