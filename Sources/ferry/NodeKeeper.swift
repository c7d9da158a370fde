import Delivery
import Foundation
import Logging
import Server
import ServiceLifecycle
import Storage

/// Keeps this process one of the nodes of its database: holds its leases, sees what the others have done, answers what they
/// ask. Ends it when another process has taken its place, or a newer version the database.
struct NodeKeeper: Service {
    let store: DataStore
    let live: LiveIntegrations
    let cluster: ClusterControl
    let configurator: Configurator
    let sources: SourcesAPI
    let bound: (public: Bound, private: Bound)
    /// Forgets what is kept in memory of requests.
    let forgetRequests: @Sendable () -> Void
    let logger: Logger

    /// Several times in the time for which a lease is certain.
    private static let pace = Duration.seconds(1)
    /// How soon it sees what others have appended, changed and asked.
    private static let look = Duration.milliseconds(100)

    private var nodes: Nodes { store.nodes }

    /// - Throws: `StorageError` when another process runs as this node, or a newer version has changed the tables.
    func run() async throws {
        guard !nodes.isAlone else {
            try? await gracefulShutdown()
            return
        }
        try await withThrowingDiscardingTaskGroup { group in
            var state = State()
            // Until the services that need leases have ended: they are asked before this one.
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                try await step(&state, &group)
                try? await Task.sleep(for: Self.look)
            }
            group.cancelAll()
        }
    }

    private struct State {
        var beatAt = ContinuousClock.now
        var changes = -1
        var lastSequence: Int64 = -1
        let answering = UnderWay<Int64>()
        /// Whether changes of other nodes are being taken over; there is one at a time.
        let following = UnderWay<Int>()
        var isAway = false
        /// Up to when requests are forgotten here; nothing is kept of those before the first beat.
        var forgotten: Int64?
    }

    private func step(_ state: inout State, _ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        do {
            if state.beatAt <= .now {
                state.beatAt = .now + Self.pace
                try await beat(&state)
            }
            try await look(&state, &group)
            if state.isAway { logger.notice("the database is back") }
            state.isAway = false
        } catch let error as StorageError where error.code == .locked || error.code == .newerVersion {
            throw error
        } catch {
            if !state.isAway { logger.warning("the database can't be asked", metadata: ["error": "\(error)"]) }
            state.isAway = true
        }
        if state.changes != nodes.changes {
            state.changes = nodes.changes
            live.lookAgain()
            cluster.local.jobsChanged()
            cluster.local.erasuresChanged()
        }
        for name in nodes.ending {
            if let integration = name.integration { cluster.local.stop(integration) }
        }
    }

    private func beat(_ state: inout State) async throws {
        let lanes = LaneStatus.text(cluster.local.statuses)
        let names = live.all.map(\.name)
        let (publicURL, privateURL) = (bound.public.known?.url() ?? "", bound.private.known?.url() ?? "")
        nodes.tell { about in
            (about.lanes, about.integrations) = (lanes, names)
            (about.publicURL, about.privateURL) = (publicURL, privateURL)
        }
        let shared = try await nodes.beat()
        if nodes.held(.retention) == nil { store.retention.found(isFull: shared.isFull) }
        if let forgotten = state.forgotten, forgotten != shared.forgotten { forgetRequests() }
        state.forgotten = shared.forgotten
        // What was asked for on another node stands in the database.
        cluster.local.jobsChanged()
    }

    /// Takes over what other nodes have changed. What can't be now is soon tried again.
    private func follow() async {
        do {
            try await sources.begin()
            for problem in try await configurator.follow() {
                logger.error("a change can't be taken over", metadata: ["reason": "\(problem)"])
            }
        } catch {
            logger.warning("the changes of another node can't be read", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: Self.pace)
        }
    }

    private func look(_ state: inout State, _ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        guard let glance = try await nodes.glance() else { return }
        if glance.lastSequence != state.lastSequence {
            state.lastSequence = glance.lastSequence
            store.log.wakeReaders()
        }
        // Beside the beats: it waits for a change that is being made here, and for what that waits for.
        if glance.configuration != live.configuration, state.following.begins(0) {
            group.addTask { [following = state.following] in
                await follow()
                following.ended(0)
            }
        }
        guard glance.hasQuestions else { return }
        for (number, question) in try await nodes.questions() where state.answering.begins(number) {
            group.addTask { [answering = state.answering] in
                let answer = await cluster.answer(question)
                // Whoever has asked has given up by then, if it can't be told.
                try? await nodes.answer(answer, to: number)
                answering.ended(number)
            }
        }
    }
}
