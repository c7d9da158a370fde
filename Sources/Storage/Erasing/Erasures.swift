/// Erasing people from everything that is stored (delivery.md F44), in pieces that take a few milliseconds each.
///
/// What is to be done stands in the row of the erasure, so that it goes on after a restart wherever it was. Each piece may
/// be done twice. Delivery has to be told of what `remove` removes, and to say that it has let go of it before `clean`.
package struct Erasures: Sendable {
    /// What a message has to do with the person.
    package enum Relation: Sendable, Equatable {
        case none
        /// It is theirs, and ties this anonymous id to them.
        case theirs(tiedId: String?)
    }

    /// Reads an event's body.
    package typealias Reading = @Sendable (_ body: [UInt8]) -> Relation

    /// Events that one piece looks at, and bytes of their bodies.
    private static let looked = 1_000
    private static let lookedBytes = 1 << 20

    private let log: EventLog
    private let workspaces: any WorkspaceEngine
    private var commits: GroupCommit

    init(_ log: EventLog, workspaces: any WorkspaceEngine) {
        self.log = log
        self.workspaces = workspaces
        commits = log.commits
    }

    /// What only the holder of a lease may write.
    package func under(_ lease: Lease) -> Erasures {
        var erasures = self
        erasures.commits = commits.under(lease)
        return erasures
    }

    // MARK: Asked for and asked about

    /// Writes down that a person is to be erased, and puts what the integrations are told at the end of the log.
    ///
    /// - Throws: `unavailable` while events wait in a spool, where an erasure does not reach them, and the errors of the disk.
    package func add(_ new: NewErasure) async throws(StorageError) -> Erasure {
        if let waiting = commits.engine.spool?.events, waiting > 0 {
            throw StorageError(
                .unavailable,
                "\(waiting) events wait in this machine's spool, and theirs may be among them: try again once they are in the log"
            )
        }
        let found = try await workspaces.read { connection in
            var found: [String: WorkspaceErasing.Found] = [:]
            for telling in new.tellings {
                guard let workspace = telling.workspace else { continue }
                found[telling.integration] = try WorkspaceErasing.find(new.person, in: workspace, connection)
            }
            return found
        }
        let erasure = try await commits.commit { try ErasureTables.add(new, found: found, $0) }
        if erasure.telling != nil { log.wakeReaders() }
        return erasure
    }

    /// All of them, the newest first.
    package func list(limit: Int) async throws(StorageError) -> [Erasure] {
        try await commits.engine.read {
            try ErasureTables.erasures("ORDER BY number DESC LIMIT ?", [max(0, limit)], $0)
        }
    }

    /// One of them; `nil` when there is none of this number.
    package func erasure(_ number: Int64) async throws(StorageError) -> Erasure? {
        try await commits.engine.read { try ErasureTables.erasures("WHERE number = ?", [number], $0).first }
    }

    /// Those that are to be carried out, in their order.
    package func unfinished() async throws(StorageError) -> [Erasure] {
        try await commits.engine.read {
            try ErasureTables.erasures("WHERE stage <> ? ORDER BY number", [Erasure.Stage.done.rawValue], $0)
        }
    }

    /// Whether one of them still goes through the log.
    package func goThroughLog() async throws(StorageError) -> Bool {
        let stages = Erasure.Stage.allCases.filter(\.goesThroughLog).map { "'\($0.rawValue)'" }
        let list = stages.joined(separator: ", ")
        return try await commits.engine.read {
            try $0.row("SELECT 1 FROM erasures WHERE stage IN (\(list)) LIMIT 1") != nil
        }
    }

    /// Moves on to a stage.
    package func move(_ erasure: Erasure, to stage: Erasure.Stage, at now: Int64? = nil) async throws(StorageError)
        -> Erasure
    {
        try await commits.commit { connection in
            try connection.run(
                "UPDATE erasures SET stage = ?, position = 0, ended_at = ? WHERE number = ?",
                [stage.rawValue, now, erasure.number]
            )
            return try ErasureTables.erasure(erasure.number, connection)
        }
    }

    // MARK: The log

    /// Looks through a piece of the log for anonymous ids that are theirs. `isOver` at its end.
    package func look(
        for erasure: Erasure,
        _ reading: @escaping Reading
    ) async throws(StorageError) -> (erasure: Erasure, isOver: Bool) {
        guard var known = erasure.person else { return (erasure, true) }
        let redaction = known.redaction
        let piece = try await piece(for: erasure)
        let found = piece.events.compactMap { event -> String? in
            guard event.isSomebodys, redaction.concerns(event.body), case .theirs(let id) = reading(event.body) else {
                return nil
            }
            return id
        }
        for id in found where !known.hasText(id) { known.tiedIds.append(id) }
        let person = known
        let moved = try await commits.commit { connection in
            try ErasureTables.moveOn(erasure.number, to: piece.position, person: person, connection)
            return try ErasureTables.erasure(erasure.number, connection)
        }
        return (moved, piece.isOver)
    }

    /// Removes their events from a piece of the log, and them from others' events there.
    ///
    /// - Returns: the numbers of the events that were removed.
    package func remove(
        for erasure: Erasure,
        _ reading: @escaping Reading,
        at now: Int64
    ) async throws(StorageError) -> (erasure: Erasure, removed: Set<Int64>, isOver: Bool) {
        let piece = try await piece(for: erasure)
        guard let redaction = erasure.person?.redaction else { return (erasure, [], true) }
        var removed: [Int64] = []
        var changed: [(seq: Int64, body: [UInt8], count: Int)] = []
        for event in piece.events where event.isSomebodys && redaction.concerns(event.body) {
            if reading(event.body) != .none {
                removed.append(event.seq)
            } else if let (body, count) = redaction.redacted(event.body, .json) {
                changed.append((event.seq, body, count))
            }
        }
        let work = (removed, changed)
        let moved = try await commits.commit { connection in
            var receipt = Erasure.Receipt()
            for seq in work.0 { try LogErasing.remove(seq, at: now, &receipt, connection) }
            for event in work.1 {
                try LogErasing.replace(event.seq, event.body, redaction, connection)
                receipt.replaced += Int64(event.count)
            }
            try ErasureTables.add(receipt, to: erasure.number, connection)
            try ErasureTables.moveOn(erasure.number, to: piece.position, person: nil, connection)
            return try ErasureTables.erasure(erasure.number, connection)
        }
        return (moved, Set(removed), piece.isOver)
    }

    /// The events of the log in their order up to the last one that is meant, then those that are kept beside it.
    private func piece(for erasure: Erasure) async throws(StorageError) -> LogErasing.Piece {
        let (limit, bytes) = (Self.looked, Self.lookedBytes)
        return try await commits.engine.read { connection in
            try LogErasing.piece(of: erasure, limit: limit, maximumBytes: bytes, connection)
        }
    }

    // MARK: Everything else

    /// Takes the person out of the other texts in `ferry.db`, and what failed of their events.
    ///
    /// - Throws: the errors of the disk; what was done until then stays so.
    package func cleanTexts(
        for erasure: Erasure,
        _ reading: @escaping Reading,
        at now: Int64
    ) async throws(StorageError) {
        guard let redaction = erasure.person?.redaction else { return }
        let erasing = TextErasing.Erasing(redaction: redaction, reading: reading, now: now)
        for table in TextErasing.tables {
            var key: [Int64]? = table.beginning
            while let after = key {
                key = try await commits.commit { connection in
                    var receipt = Erasure.Receipt()
                    let next = try table.clean(after, erasing, &receipt, connection)
                    try ErasureTables.add(receipt, to: erasure.number, connection)
                    return next
                }
            }
        }
    }

    /// Takes the person out of the embedded workspaces, or of a part of them.
    package func cleanWorkspaces(for erasure: Erasure, _ part: WorkspacePart) async throws(StorageError) {
        guard let person = erasure.person else { return }
        for step in WorkspaceErasing.steps {
            var key: [CopiedValue]? = step.beginning
            while let after = key {
                let (next, receipt) = try await workspaces.write { [commits, workspaces] connection in
                    // Where others write too, this is only for whoever is to do it now.
                    if workspaces.isShared { try commits.check(connection) }
                    // Each time anew: somebody may have come.
                    let erasing = try WorkspaceErasing(person, of: erasure, part, connection)
                    var receipt = Erasure.Receipt()
                    return (try step.clean(after, erasing, &receipt, connection), receipt)
                }
                key = next
                guard !receipt.isEmpty else { continue }
                try await commits.commit { try ErasureTables.add(receipt, to: erasure.number, $0) }
            }
        }
    }

    // MARK: The integrations

    /// Notes what an integration said.
    package func note(
        _ told: Erasure.Told,
        for erasure: Erasure
    ) async throws(StorageError) -> Erasure {
        try await commits.commit { connection in
            try ErasureTables.note(told, erasure.number, connection)
            return try ErasureTables.erasure(erasure.number, connection)
        }
    }

    /// Has all other nodes forget what they keep in memory of requests: each does with its next beat (`SharedState.forgotten`).
    package func haveRequestsForgotten() async throws(StorageError) {
        try await commits.commit { try NodeTables.forgetRequests($0) }
    }

    /// What was told leaves the log as well, and what failed of it.
    package func removeTelling(of erasure: Erasure, at now: Int64) async throws(StorageError) {
        guard let seq = erasure.telling else { return }
        try await commits.commit { connection in
            var receipt = Erasure.Receipt()
            try LogErasing.remove(seq, at: now, &receipt, connection)
        }
    }

    // MARK: The end

    /// Forgets whom it was about; only numbers are left.
    package func forget(_ erasure: Erasure) async throws(StorageError) -> Erasure {
        try await commits.commit { connection in
            try connection.run(
                "UPDATE erasures SET person = NULL, stage = ?, position = 0 WHERE number = ?",
                [Erasure.Stage.sweeping.rawValue, erasure.number]
            )
            return try ErasureTables.erasure(erasure.number, connection)
        }
    }

    /// Databases up to this size are written anew as a whole: it takes a part of a second.
    package static let smallBytes: Int64 = 32 << 20

    /// Overwrites what is left in unused parts of the files.
    package func rewrite(smallBytes: Int64 = smallBytes) async throws(StorageError) {
        try await commits.engine.rewrite(smallBytes: smallBytes)
        try await workspaces.rewrite(smallBytes: smallBytes)
    }

    /// Cuts off the journals. Whether it could: a reader who is not done yet is in the way.
    package func cutJournals() async throws(StorageError) -> Bool {
        let isLogCut = try await commits.engine.cutJournal()
        return try await workspaces.cutJournal() && isLogCut
    }
}
