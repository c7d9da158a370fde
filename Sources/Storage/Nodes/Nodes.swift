import Postgres
import Synchronization

/// The processes that share a database, as one of them sees them: who is there, what each may do alone, what they tell each
/// other. In a data folder there is only this one, and it may do everything.
package final class Nodes: Sendable {
    /// A lease ends when it was not moved on for so long, by the database's clock.
    static let patience = "10 seconds"
    /// For how long a node that has not left is one whose key counts.
    static let memory = "10 minutes"
    /// For how long its holder is sure of it after the database was asked: less than that, by more than clocks differ in pace.
    private static let certainty = Duration.seconds(6)

    /// What others are told of this node.
    package struct About: Sendable, Equatable {
        /// The machine's name.
        package var host: String
        package var version: String
        /// Where its listeners are, for people.
        package var publicURL = ""
        package var privateURL = ""
        /// The integrations that it can deliver to.
        package var integrations: [String] = []
        /// What its lanes do at the moment, as its own kind on another node reads it.
        package var lanes = ""

        package init(host: String, version: String) {
            self.host = host
            self.version = version
        }
    }

    struct State {
        var session: Int64?
        var about: About
        var held: [LeaseName: Lease] = [:]
        /// Leases of others that are needed here for a moment; how many need each.
        var wanted: [LeaseName: Int] = [:]
        var gathering = 0
        var seen = Seen()
        var changes = 0
    }

    /// What errors call the database here.
    private static let file = "the database"

    /// What secrets that go from node to node are sealed for.
    static let place = "what nodes ask each other"

    /// What the last beat has brought of everybody.
    struct Seen {
        var nodes: [Node] = []
        var rows: [LeaseAssignment.Row] = []
        /// Who has the leases of all integrations, if somebody does.
        var gatherer: String?
    }

    /// By which the database knows this node: that of its folder, so that it finds its own again after a crash.
    package let id: String
    let keeper: PostgresLane?
    let seal: SecretSeal
    let state: Mutex<State>

    /// - Parameters:
    ///   - id: of this node.
    ///   - keeper: the connection that keeps its leases; `nil` where nobody else is there.
    ///   - about: what others are told of it.
    ///   - seal: what is told from node to node goes through the database under it.
    init(_ id: String, keeper: PostgresLane?, about: About, seal: SecretSeal) {
        self.id = id
        self.keeper = keeper
        self.seal = seal
        state = Mutex(State(about: about))
    }

    /// Whether nobody else can be there.
    package var isAlone: Bool { keeper == nil }

    /// What others are told of this node from the next beat on.
    package func tell(_ change: @Sendable (inout About) -> Void) {
        state.withLock { change(&$0.about) }
    }

    // MARK: Leases

    /// The lease of a name, if this node has it.
    package func held(_ name: LeaseName) -> Lease? {
        guard keeper != nil else { return .alone(name) }
        return state.withLock { state in state.held[name].flatMap { $0.isLost || $0.isEnding ? nil : $0 } }
    }

    /// Those that other nodes are to have, as soon as nothing is done under them any more.
    package var ending: [LeaseName] {
        state.withLock { state in state.held.values.filter(\.isEnding).map(\.name) }
    }

    /// Rises whenever leases were taken, lost or are to be let go.
    package var changes: Int { state.withLock(\.changes) }

    /// Moves on what this node holds, takes what it should hold and can, and begins to let go of what it should not.
    ///
    /// - Returns: the state that all nodes share.
    /// - Throws: `locked` where another process has taken this node's place: this one has to end. Other errors while the
    ///   database can't be asked; what is held is lost only when another node has taken it.
    @discardableResult
    package func beat() async throws(StorageError) -> SharedState {
        guard let keeper else { return SharedState() }
        let start = ContinuousClock.now
        let now = state.withLock { state in
            // What is to be let go is, once nothing is done under it any more.
            let over = state.held.values.filter { $0.isOver && !$0.isLost }
            return NodeTables.Beat(
                node: id,
                session: state.session ?? 0,
                about: state.about,
                held: Array(state.held.values),
                over: over.map { ($0.name, $0.number ?? 0) },
                wanted: Array(state.wanted.keys),
                isGathering: state.gathering > 0
            )
        }
        let answer = try await asking(keeper) { connection in
            try connection.transaction { try NodeTables.beat(now, $0) }
        }
        guard let shared = answer.shared else {
            throw StorageError(
                .locked,
                "another process runs as this node, whose folder is a copy: remove the file `node` from one of them"
            )
        }
        take(answer, of: now, since: start)
        return shared
    }

    private func take(_ answer: NodeTables.Answer, of beat: NodeTables.Beat, since start: ContinuousClock.Instant) {
        let until = start + Self.certainty
        let lost = state.withLock { state in
            var lost: [Lease] = []
            for (name, _) in beat.over where state.held.removeValue(forKey: name) != nil { state.changes += 1 }
            for lease in beat.held {
                guard let number = answer.renewed[lease.name], number == lease.number else {
                    if state.held[lease.name] === lease { state.held[lease.name] = nil }
                    lost.append(lease)
                    state.changes += 1
                    continue
                }
                lease.renewed(until: until)
            }
            for (name, number) in answer.taken {
                state.held[name] = Lease(name, number: number, node: id, certainUntil: until)
                state.changes += 1
            }
            for lease in state.held.values where !answer.names.contains(lease.name) && !lease.isEnding {
                lease.end()
                state.changes += 1
            }
            state.seen = answer.seen
            return lost
        }
        for lease in lost { lease.lose() }
    }

    /// Whether this node holds the leases of all integrations, those that nobody delivers to at the moment too.
    var hasGathered: Bool {
        state.withLock { state in
            state.seen.rows.allSatisfy { row in
                row.name.integration == nil || state.held[row.name] != nil
            } && state.about.integrations.allSatisfy { state.held[.integration($0)] != nil }
        }
    }

    // MARK: Coming, looking, leaving

    /// Becomes one of the nodes. What a process before has held under this id is free at once: it is gone, or it would
    /// hold the folder.
    ///
    /// It blocks: call it at the start of a process.
    ///
    /// - Parameter isLasting: whether its folder, with the key of the secrets, is there the next time too.
    /// - Throws: `refused` where that key is another one than that of the nodes that are there.
    func join(isLasting: Bool) throws(StorageError) {
        guard let keeper else { return }
        let (id, about) = (id, state.withLock(\.about))
        do {
            let session = try keeper.performingNow { connection in
                try connection.transaction { connection in
                    if isLasting { try agree(connection) }
                    return try NodeTables.join(id, about, connection)
                }
            }
            state.withLock { $0.session = session }
        } catch {
            keeper.close()
            throw StorageError(error, file: Self.file)
        }
    }

    /// All nodes have the same key: what one seals the others open. Who is alone may have another one: the old one is lost then.
    private func agree(_ connection: Connection) throws {
        let mark = "Ferry"
        if let sealed = try NodeTables.seal(connection), (try? seal.open(sealed, at: Self.place)) == mark { return }
        guard try !NodeTables.wasAnybodyThere(but: id, connection) else {
            throw StorageError(
                .refused,
                """
                seal.key of this node's folder is not that of the other nodes: copy theirs into the folder before its first \
                start; where they are gone for good, start it \(Self.memory) after them
                """
            )
        }
        try NodeTables.setSeal(try seal.seal(mark, at: Self.place), connection)
    }

    /// A look at what others may have changed, much cheaper than a beat. Readers of the log are woken by whoever calls it.
    ///
    /// - Throws: `unavailable`.
    package func glance() async throws(StorageError) -> Glance? {
        guard let keeper else { return nil }
        return try await asking(keeper) { [id] in try NodeTables.glance(id, Connection($0)) }
    }

    /// Does something on the connection that keeps the leases.
    func asking<Value: Sendable>(
        _ keeper: PostgresLane,
        _ work: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await keeper.performing(as: Self.file, work)
    }

    /// Lets others have everything. What is under way has to be over.
    package func leave() async {
        guard let keeper, let session = state.withLock(\.session) else { return }
        let id = id
        _ = await keeper.performing { connection in
            try connection.transaction { try NodeTables.leave(id, session, $0) }
        }
        let held = state.withLock { state in
            defer { state.held = [:] }
            return Array(state.held.values)
        }
        for lease in held { lease.lose() }
    }

    /// All nodes, and what each holds, as of the last beat; none where there is only this one.
    package var all: [Node] { state.withLock(\.seen.nodes) }

    private var others: [Node] { all.filter { $0.isThere && $0.id != id } }

    /// Integrations that other nodes have, and this one has not.
    package var foreignIntegrations: [String] {
        let own = state.withLock(\.about.integrations)
        return Set(others.flatMap(\.about.integrations)).subtracting(own).sorted()
    }

    /// What the lanes of the other nodes do, as they have told it.
    package var otherLanes: [String] { others.map(\.about.lanes).filter { !$0.isEmpty } }
}
