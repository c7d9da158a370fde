import GRDB
import Synchronization

/// Events that wait on this machine's disk while the database of the log can't take them, in a log of their own: `spool.db`.
///
/// It is in use from the first group that the database did not take until the last of its events is in the database, and
/// what is appended meanwhile goes behind what is here: so their order stays. It comes into use and goes out of it where its
/// one writer is, between two groups: nothing slips past.
///
/// Each event comes into the database once, however often somebody is killed in between and whatever its age, because the
/// database writes down in the same transaction how far it is. A group that is appended directly has a number (`step`) for
/// that, and what comes from here the number that it has here; both under an identity of the spool, which is another one each
/// time that it is opened empty. So a copy of a folder, or one that was put back from before, is never taken for the other.
final class Spool: Sendable {
    static let file = "spool.db"

    /// A group on its way into the database.
    struct Step: Sendable {
        let id: [UInt8]
        let number: Int64
    }

    /// A stretch of its events, with their first and last number here.
    typealias Stretch = (events: [NewEvent], first: Int64, last: Int64)

    private struct State {
        var id: [UInt8] = []
        var step: Int64 = 0
        var status = SpoolStatus()
        var isInUse = false
        var isClosed = false
        /// Since it came into use.
        var spooled = 0
        /// What was told of it last.
        var trouble: String?
    }

    let settings: SpoolSettings
    let log: SQLiteLog
    private let state: Mutex<State>

    /// Events that leave at a time, and bytes of their bodies.
    private static let stretch = 2_000
    private static let stretchBytes = 4 << 20

    /// Opens the spool of a folder where there is one in use, or is to be one.
    ///
    /// - Throws: `refused` where it would be in memory, and the errors of the disk.
    static func open(
        in folder: DataFolder?,
        _ settings: SpoolSettings,
        limits: DataStore.Limits,
        slow: SlowStatements?
    ) throws(StorageError) -> Spool? {
        guard let folder else {
            guard settings.isOn else { return nil }
            throw StorageError(.refused, "a spool needs a folder: in memory nothing is safe")
        }
        if !settings.isOn {
            guard let glance = try SpoolGlance(of: folder.path), glance.status.events > 0 else { return nil }
        }
        return try Spool(in: folder, settings, limits: limits, slow: slow)
    }

    private init(
        in folder: DataFolder,
        _ settings: SpoolSettings,
        limits: DataStore.Limits,
        slow: SlowStatements?
    ) throws(StorageError) {
        self.settings = settings
        log = try SQLiteLog(in: folder, named: Self.file, with: SpoolTables.migrator, limits: limits, slow: slow)
        do {
            var state = State()
            state.status = try log.database.writer.read { try SpoolTables.status(Connection($0)) }
            state.spooled = state.status.events
            state.isInUse = state.status.events > 0
            self.state = Mutex(state)
        } catch {
            throw StorageError(error, file: log.name)
        }
        if isInUse { settings.note(.found(events: status.events)) }
    }

    var name: String { log.name }
    /// By which the database knows it, once that is settled.
    var id: [UInt8] { state.withLock(\.id) }
    var status: SpoolStatus { state.withLock { $0.status } }
    /// Whether what is appended goes here.
    var isInUse: Bool { state.withLock { $0.isInUse && !$0.isClosed } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Whether events go here that the database did not take.
    func takesOver(after error: StorageError) -> Bool { settings.isOn && error.isAbsence && !isClosed }

    // MARK: Its identity

    /// Takes on another identity where nothing waits under the one it had.
    ///
    /// - Returns: both; `nil` where it stays the same.
    func renew() throws -> (former: [UInt8]?, id: [UInt8])? {
        guard !isInUse else { return nil }
        var generator = SystemRandomNumberGenerator()
        let id = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let former = try inItsWords {
            try log.write { transaction in
                var former: [UInt8]?
                try transaction { connection in
                    former = try SpoolTables.identity(connection)?.id
                    try SpoolTables.setIdentity(id, connection)
                }
                return former
            }
        }
        state.withLock { $0.id = id }
        return (former, id)
    }

    /// The number under which the next group goes into the database directly. None is given out twice.
    func nextStep() -> Step? {
        guard settings.isOn else { return nil }
        return state.withLock { state in
            state.step += 1
            return Step(id: state.id, number: state.step)
        }
    }

    // MARK: What comes in

    /// Calls `work` where the one writer is, after what was asked for before.
    func withWriter(_ work: @escaping @Sendable (Transactions) -> Void) { log.withWriter(work) }

    /// Puts events behind those that are here; on the disk when it returns.
    ///
    /// - Parameters:
    ///   - events: those of a group.
    ///   - keys: by which they are recognised.
    ///   - doubt: where the database did not take this group, its number and the error: from now on the spool is in use.
    ///   - transaction: the writer's.
    /// - Returns: what became of each.
    /// - Throws: `unavailable` where they have no room, and the errors of the disk.
    func put(
        _ events: [NewEvent],
        keys: [MessageKey?],
        after doubt: (step: Step?, error: StorageError)? = nil,
        _ transaction: Transactions
    ) throws -> [Appended] {
        var appended: [Appended] = []
        try inItsWords {
            try transaction { connection in
                guard try RetentionTables.usedBytes(connection) < settings.bytes else { throw isFull }
                appended = try log.append(events, keys: keys, connection)
                for (result, key) in zip(appended, keys) where key == nil {
                    if case .stored(let seq) = result { try SpoolTables.noteKeyless(seq, connection) }
                }
                if let step = doubt?.step { try SpoolTables.noteDoubt(step.number, connection) }
            }
        }
        let oldestAt = zip(events, appended).first { $0.1.isNew }?.0.receivedAt
        let count = appended.count { $0.isNew }
        state.withLock { state in
            state.status.events += count
            state.status.oldestAt = state.status.oldestAt ?? oldestAt
            if doubt != nil { (state.isInUse, state.spooled) = (true, 0) }
            state.spooled += count
        }
        if let doubt { settings.note(.began(doubt.error.description)) }
        return appended.map { $0.isNew ? .spooled : .duplicate(of: nil) }
    }

    private var isFull: StorageError {
        StorageError(.unavailable, "\(name) is at its size (spool_size), and the database of the log takes no events")
    }

    // MARK: What goes out

    /// What tells the database which events these are. It blocks.
    func identity() throws -> SpoolTables.Identity {
        let known = try inItsWords { try log.database.writer.read { try SpoolTables.identity(Connection($0)) } }
        guard let known else { throw StorageError.unreadable("identity of the spool") }
        return known
    }

    /// The database has given out numbers of groups up to this one.
    func noteStep(_ number: Int64, of identity: SpoolTables.Identity) {
        state.withLock { state in
            state.id = identity.id
            state.step = max(state.step, number)
        }
    }

    /// The next events that are to leave. It blocks.
    func next() throws -> Stretch? {
        try inItsWords {
            try log.database.writer.read {
                try SpoolTables.first(Self.stretch, maximumBytes: Self.stretchBytes, Connection($0))
            }
        }
    }

    /// Removes what is in the database. It blocks.
    ///
    /// - Returns: whether nothing is left: what is appended goes into the database again.
    func remove(through seq: Int64) throws -> Bool {
        let (isOver, spooled) = try inItsWords {
            try log.write { transaction in
                var left = SpoolStatus()
                try transaction { connection in
                    try SpoolTables.remove(through: seq, connection)
                    left = try SpoolTables.status(connection)
                }
                return state.withLock { [left] state in
                    state.status = left
                    state.isInUse = left.events > 0
                    state.trouble = nil
                    return (!state.isInUse, state.spooled)
                }
            }
        }
        if isOver {
            settings.note(.ended(events: spooled))
            log.giveBackRoom()
        }
        return isOver
    }

    /// Something keeps events here; that the database is away has been told.
    func tell(_ error: StorageError) {
        let isNews = state.withLock { state in
            guard !state.isClosed, error.code != .unavailable, state.trouble != error.description else { return false }
            state.trouble = error.description
            return true
        }
        if isNews { settings.note(.stuck(error.description)) }
    }

    /// Names the file where something is wrong with it.
    private func inItsWords<Value>(_ work: () throws -> Value) throws(StorageError) -> Value {
        do { return try work() } catch { throw StorageError(error, file: name) }
    }

    // MARK: The end

    func rewrite(smallBytes: Int64) async throws(StorageError) { try await log.rewrite(smallBytes: smallBytes) }
    func cutJournal() async throws(StorageError) -> Bool { try await log.cutJournal() }

    /// From now on nothing goes here.
    func end() { state.withLock { $0.isClosed = true } }

    func close() throws(StorageError) { try log.close() }
}
