import LosslessJSON
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

    private struct State {
        var session: Int64?
        var about: About
        var held: [LeaseName: Lease] = [:]
        /// Leases of others that are needed here for a moment; how many need each.
        var wanted: [LeaseName: Int] = [:]
        var gathering = 0
        var seen = Seen()
        var changes = 0
    }

    /// What the last beat has brought of everybody.
    struct Seen {
        var nodes: [Node] = []
        var rows: [LeaseAssignment.Row] = []
        var lanes: [String] = []
        /// Who has the leases of all integrations, if somebody does.
        var gatherer: String?
    }

    /// By which the database knows this node: that of its folder, so that it finds its own again after a crash.
    package let id: String
    private let keeper: PostgresLane?
    private let seal: SecretSeal
    private let state: Mutex<State>

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
        let result = await keeper.performing { connection in
            try connection.transaction { try NodeTables.beat(now, $0) }
        }
        let answer: NodeTables.Answer
        switch result {
        case .success(let value): answer = value
        case .failure(let error): throw StorageError(error, file: "the database")
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
            let should = answer.assignment.names(for: id)
            for lease in state.held.values where !should.contains(lease.name) && !lease.isEnding {
                lease.end()
                state.changes += 1
            }
            state.seen = answer.seen
            return lost
        }
        for lease in lost { lease.lose() }
    }

    /// Whether this node holds the leases of all integrations, those that nobody delivers to at the moment too.
    private var hasGathered: Bool {
        state.withLock { state in
            state.seen.rows.allSatisfy { row in
                row.name.integration == nil || state.held[row.name] != nil
            } && state.about.integrations.allSatisfy { state.held[.integration($0)] != nil }
        }
    }

    // MARK: What is needed for a moment

    /// How long other nodes may take to let go of something: longer than a request, and than a node that is gone.
    private static let bringing = Duration.seconds(30)
    /// How long an erasure on another node is waited for. It may itself wait for a destination, for days.
    private static let erasing = Duration.seconds(5)

    /// Another node that has everything, or is about to, because of an erasure.
    private var otherGatherer: Node? {
        state.withLock { state in
            state.seen.nodes.first { $0.id == state.seen.gatherer && $0.id != id }
        }
    }

    /// Does something while this node delivers to these integrations, and no other one.
    ///
    /// - Throws: `busy` where another node does not let go; what `work` throws.
    package func bringing<Value>(_ integrations: [String], _ work: () async throws -> Value) async throws -> Value {
        guard keeper != nil, !integrations.isEmpty else { return try await work() }
        let names = integrations.map(LeaseName.integration)
        state.withLock { state in for name in names { state.wanted[name, default: 0] += 1 } }
        defer {
            state.withLock { state in
                for name in names { state.wanted[name] = state.wanted[name].flatMap { $0 > 1 ? $0 - 1 : nil } }
            }
        }
        try await wait { [self] in names.allSatisfy { held($0) != nil } }
        return try await work()
    }

    /// Does something while this node holds the leases of all integrations.
    ///
    /// - Throws: `busy` where another node does not let go; what `work` throws.
    package func gathering<Value>(
        _ work: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        guard keeper != nil else { return try await work() }
        state.withLock { $0.gathering += 1 }
        defer { state.withLock { $0.gathering -= 1 } }
        try await wait { [self] in held(.erasing) != nil && hasGathered }
        return try await work()
    }

    private func wait(for isReached: () -> Bool) async throws(StorageError) {
        let start = ContinuousClock.now
        repeat {
            try await beat()
            if isReached() { return }
            if let eraser = otherGatherer, start.duration(to: .now) > Self.erasing {
                throw StorageError(
                    .busy,
                    """
                    the node \(eraser.id) on \(eraser.about.host) has all integrations until the erasures that are under way are \
                    done: ask it (\(eraser.about.privateURL)), or try again then
                    """
                )
            }
            try? await Task.sleep(for: .milliseconds(100))
        } while !Task.isCancelled && start.duration(to: .now) < Self.bringing
        throw StorageError(.busy, "another node does not let go of its integrations; try again in a moment")
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
            throw StorageError(error, file: "the database")
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
        let id = id
        switch await keeper.performing({ try NodeTables.glance(id, Connection($0)) }) {
        case .success(let glance): return glance
        case .failure(let error): throw StorageError(error, file: "the database")
        }
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

    /// Integrations that other nodes have, and this one has not.
    package var foreignIntegrations: [String] {
        state.withLock { state in
            let others = state.seen.nodes.filter { $0.isThere && $0.id != id }.flatMap(\.about.integrations)
            return Set(others).subtracting(state.about.integrations).sorted()
        }
    }

    /// What the lanes of the other nodes do, as they have told it.
    package var otherLanes: [String] { state.withLock(\.seen.lanes) }

    // MARK: Questions

    /// Asks the node that holds a lease.
    ///
    /// - Parameters:
    ///   - question: what it understands.
    ///   - name: of the lease.
    ///   - patience: for how long an answer is waited for.
    /// - Returns: its answer; `nil` where no other node holds it.
    /// - Throws: `busy` where it does not answer.
    package func ask(
        _ question: String,
        holderOf name: LeaseName,
        patience: Duration = .seconds(5)
    ) async throws(StorageError) -> String? {
        guard let keeper else { return nil }
        let (id, seal) = (id, seal)
        guard let holder = holder(of: name), holder != id else { return nil }
        let asked = await keeper.performing { connection in
            try NodeTables.ask(try seal.seal(question, at: Self.place), of: holder, Connection(connection))
        }
        let start = ContinuousClock.now
        do {
            let number = try asked.get()
            while !Task.isCancelled, start.duration(to: .now) < patience {
                let answer = try await keeper.performing { connection in
                    try NodeTables.takeAnswer(to: number, Connection(connection))
                }.get()
                if let answer { return try seal.open(answer, at: Self.place) }
                // Gone: nobody will answer.
                guard self.holder(of: name) == holder else { break }
                try? await Task.sleep(for: .milliseconds(50))
            }
            _ = await keeper.performing { try NodeTables.forget(number, Connection($0)) }
        } catch {
            throw StorageError(error, file: "the database")
        }
        throw StorageError(.busy, "the node \(holder) does not answer; try again in a moment")
    }

    private func holder(of name: LeaseName) -> String? {
        state.withLock { $0.seen.rows.first { $0.name == name }?.holder }
    }

    /// What others have asked this node and is not answered, by numbers.
    package func questions() async throws(StorageError) -> [(number: Int64, text: String)] {
        guard let keeper else { return [] }
        let id = id
        do {
            return try await keeper.performing { try NodeTables.questions(of: id, Connection($0)) }.get()
                .map { ($0, try seal.open($1, at: Self.place)) }
        } catch {
            throw StorageError(error, file: "the database")
        }
    }

    package func answer(_ text: String, to number: Int64) async throws(StorageError) {
        guard let keeper else { return }
        do {
            let reply = try seal.seal(text, at: Self.place)
            try await keeper.performing { try NodeTables.answer(number, reply, Connection($0)) }.get()
        } catch {
            throw StorageError(error, file: "the database")
        }
    }

    private static let place = "what nodes ask each other"
}

/// One of the processes that share a database.
package struct Node: Sendable, Equatable {
    package let id: String
    package let about: Nodes.About
    /// Milliseconds since 1970, by the database's clock; `seenAt` is its last beat.
    package let startedAt: Int64
    package let seenAt: Int64
    /// Whether its last beat is so recent that what it holds is its own.
    package let isThere: Bool
    /// What it holds, with the number of each.
    package let leases: [(name: LeaseName, number: Int64)]

    package static func == (left: Node, right: Node) -> Bool {
        (left.id, left.seenAt, left.about) == (right.id, right.seenAt, right.about)
    }
}

/// What all nodes share and nobody owns.
package struct SharedState: Sendable, Equatable {
    /// Rises with each change of integrations and sources.
    package var configuration: Int64 = 0
    /// Whether the log is at its size, and takes nothing.
    package var isFull = false

    package init() {}
}

/// What a node looks at several times a second.
package struct Glance: Sendable, Equatable {
    /// The last event of the log.
    package let lastSequence: Int64
    package let configuration: Int64
    package let hasQuestions: Bool
}
