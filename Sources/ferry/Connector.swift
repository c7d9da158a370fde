import AsyncHTTPClient
import Delivery
import Integrations
import Logging
import LosslessJSON
import Server
import Storage
import Synchronization
import TrackAPI

/// Makes the way to an integration's destination, with its credentials in hand.
final class Connector: Sendable {
    let workspaces: EmbeddedWorkspaces
    /// Whether every integration lands in an embedded workspace, wherever it is to send.
    private let embedsAll: Bool
    private let httpClient: HTTPClient
    private let loopClient: HTTPClient
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// Where the embedded workspaces are, once that is known.
        var privateURL: String?
        /// Of integrations with an embedded workspace and without credentials: nobody else needs to know the way in.
        var madeUp: [String: Keys] = [:]
        var checks: [String: TrackClient] = [:]
    }

    private struct Keys {
        let siteId: String
        let apiKey: String
    }

    /// - Parameters:
    ///   - store: where the embedded workspaces are kept.
    ///   - options: which of them there are.
    ///   - httpClient: speaks to all destinations but the embedded workspaces.
    ///   - loopClient: speaks to those.
    ///   - logger: what the clients log goes there.
    /// - Throws: `SecretReference.Missing` for the keys of a workspace that are not there.
    init(
        _ store: DataStore,
        _ options: Instance.Options,
        httpClient: HTTPClient,
        loopClient: HTTPClient,
        logger: Logger
    ) throws {
        embedsAll = options.embedsAll
        workspaces = EmbeddedWorkspaces(
            in: store.workspaces,
            createsOnFirstUse: options.configuration.createsWorkspaces,
            traits: EmbeddedWorkspace.Traits(options.configuration.workspaceSettings)
        )
        self.httpClient = httpClient
        self.loopClient = loopClient
        self.logger = logger
        try workspaces.declare(options.configuration)
    }

    /// The private listener is bound; nothing is sent before.
    func isReached(at privateURL: String) {
        state.withLock { $0.privateURL = privateURL }
    }

    /// The way to an integration's destination.
    ///
    /// - Parameters:
    ///   - integration: with references to its secrets.
    ///   - sealed: secrets that the data keeps for it, by setting.
    /// - Returns: the way; nothing is sent or changed yet.
    /// - Throws: `SecretReference.Missing` for a variable or file that is not there.
    func connect(_ integration: Integration, sealed: [String: String]) throws -> Connection {
        let keys = try keys(of: integration, sealed)
        let credentials = Credentials(siteId: keys.siteId, apiKey: keys.apiKey)
        let client = { @Sendable [httpClient, loopClient, logger] (endpoint: Endpoint, isLoop: Bool) in
            TrackClient(
                httpClient: isLoop ? loopClient : httpClient,
                endpoint: endpoint,
                credentials: credentials,
                logger: logger
            )
        }
        switch embedsAll ? .workspace : integration.settings.destination {
        case .region(let region): return connection(integration.name, client(Endpoint(region: region), false))
        case .endpoint(let endpoint): return connection(integration.name, client(endpoint, false))
        case .workspace:
            return Connection(
                workspace: integration.name,
                begin: { [workspaces] in
                    workspaces.put(integration.name, siteID: keys.siteId, apiKey: keys.apiKey)
                },
                send: { [self] operations, gate in
                    guard let url = state.withLock(\.privateURL), let endpoint = try? Endpoint(url) else {
                        let words = "the embedded workspace is not there yet"
                        return Exchange(
                            status: nil,
                            answer: .unavailable(words: words, retryAfter: nil),
                            workspace: nil
                        )
                    }
                    return await client(endpoint, true).exchange(operations, while: gate)
                }
            )
        }
    }

    private func connection(_ name: String, _ client: TrackClient) -> Connection {
        Connection(
            check: client.checkCredentials,
            begin: { [self] in state.withLock { $0.checks[name] = client } },
            send: { await client.exchange($0, while: $1) }
        )
    }

    // MARK: Credentials

    private func keys(of integration: Integration, _ sealed: [String: String]) throws -> Keys {
        var settings = integration.settings
        if embedsAll, settings.destination != .workspace {
            // Keys of the real service have no business here.
            settings.siteId = nil
            settings.apiKey = nil
        }
        let madeUp = state.withLock { state in
            let known = state.madeUp[integration.name] ?? Keys(siteId: Self.random(), apiKey: Self.random())
            state.madeUp[integration.name] = known
            return known
        }
        let value = { (reference: SecretReference?, secret: IntegrationDefinition.Secret, madeUp: String) in
            try reference.map { try self.resolve($0, secret, of: integration.name, sealed) } ?? madeUp
        }
        return Keys(
            siteId: try value(settings.siteId, .siteId, madeUp.siteId),
            apiKey: try value(settings.apiKey, .apiKey, madeUp.apiKey)
        )
    }

    /// A placeholder of an export that is not set stands for the secret that is sealed.
    private func resolve(
        _ reference: SecretReference,
        _ secret: IntegrationDefinition.Secret,
        of integration: String,
        _ sealed: [String: String]
    ) throws -> String {
        do {
            return try reference.resolved()
        } catch {
            guard case .environment(secret.placeholder(for: integration)) = reference,
                let known = sealed[secret.rawValue]
            else { throw error }
            return known
        }
    }

    private static func random() -> String {
        String(UInt128.random(in: .min ... .max), radix: 16)
    }

    // MARK: Checking

    /// Says plainly what is wrong with credentials; an endpoint that can't be reached blocks nothing (actions.md §1).
    func checkCredentials() async {
        for (name, client) in state.withLock(\.checks).sorted(by: { $0.key < $1.key }) {
            let facts = { (words: String) -> Logger.Metadata in ["integration": "\(name)", "words": "\(words)"] }
            switch await client.checkCredentials() {
            case .valid(_, _, let note?): logger.notice("the credentials hold", metadata: facts(note))
            case .valid: break
            case .refused(let words): logger.warning("the credentials are refused", metadata: facts(words))
            case .unreachable(let words): logger.warning("the destination can't be reached", metadata: facts(words))
            case .unexpected(let words): logger.warning("the endpoint is no Track API", metadata: facts(words))
            }
        }
    }
}
