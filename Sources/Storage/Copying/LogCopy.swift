/// Copies a log with all that belongs to it, and the embedded workspaces, to another place, of the same engine or the other,
/// number by number (docs/postgresql.md, "Moving").
///
/// Events, and the keys by which messages are recognised, are copied and compared while a server uses the source, which is
/// only read. What is left is done when nobody uses it: the last of these, everything about delivery and configuration, and
/// the workspaces. How far it is stands in the target (`CopyState`), so that it goes on after an interruption, and nobody
/// serves a half.
///
/// Events that are in the target can change in the source in two ways: they leave at the old end, and they are erased. The
/// first shows in the numbers; the second in the rows of the erasures. So events that were compared need not be compared
/// again, unless an erasure has moved since.
package struct LogCopy {
    /// What is to be told on the way.
    package enum Note: Sendable, Equatable {
        /// Events are in the target up to a number.
        case copied(Int64, last: Int64)
        /// Events are the same up to a number.
        case compared(Int64, last: Int64)
        /// So many more keys of messages are in the target.
        case keys(Int)
        /// A table has so many rows in both, with this checksum.
        case table(String, rows: Int64, checksum: String)
    }

    /// What became of the key of the secrets in the log.
    package enum Key: Sendable, Equatable {
        /// There is none, and no secret.
        case none
        /// It is where the new log's server looks for it.
        case present
        /// Somebody has to take it along; where it is, if that is known.
        case missing(from: String?)
    }

    package enum Outcome: Sendable, Equatable {
        /// The target has all of it. So many events had changed since they were copied.
        case whole(events: Int64, last: Int64, changed: Int, Key)
        /// All that there was is copied, and a server uses the source.
        case inUse(last: Int64)
    }

    let source: CopyEnd
    let target: CopyEnd
    let report: (Note) throws -> Void
    var state = CopyState()

    /// Copies until it is done, or until only what has to rest is left.
    ///
    /// - Parameters:
    ///   - from: a log.
    ///   - to: a place without one, or with a part of this one. The folder of a database is where its server has `seal.key`.
    ///   - report: is told how far it is; an error of its own breaks off.
    /// - Returns: what there is now.
    /// - Throws: `refused` where one or the other is not as it has to be, `locked` where somebody uses the target, and the
    ///   errors of disks and servers: it goes on the next time.
    package static func run(
        from: DataStore.Location,
        to: DataStore.Location,
        report: (Note) throws -> Void = { _ in }
    ) throws(StorageError) -> Outcome {
        do {
            return try withoutActuallyEscaping(report) { report in
                let source = try CopyEnd(reading: from)
                defer { source.close() }
                let target = try CopyEnd(making: to)
                defer { target.close() }
                var copy = LogCopy(source: source, target: target, report: report)
                return try copy.run()
            }
        } catch {
            throw StorageError(error, file: "the log")
        }
    }

    private init(source: CopyEnd, target: CopyEnd, report: @escaping (Note) throws -> Void) {
        (self.source, self.target, self.report) = (source, target, report)
    }

    private mutating func run() throws -> Outcome {
        try begin()
        let key = try SealKeyCopy(from: source, to: target)
        try copyEvents()
        try removeWhatLeft()
        // One under way changes events all the time.
        var changed = 0
        if let erasures = try settledErasures() { changed += try compareEvents(with: erasures) }
        try copyKeys(arranges: true)
        try copyEvents()
        guard try source.take() else { return .inUse(last: state.position) }
        try Spool.refuseLeft(in: source.folder)
        try copyEvents()
        try removeWhatLeft()
        changed += try compareEvents(with: try settledErasures())
        try endKeys()
        for table in CopiedTable.others { try copy(table, from: source, to: target) }
        try copyWorkspaces()
        if changed > 0 { try target.rewrite() }
        let last = try endNumbers()
        let count = try countEvents()
        let outcome = Outcome.whole(events: count, last: last, changed: changed, try key.bring())
        try target.write { try CopyState.end($0) }
        return outcome
    }

    // MARK: The beginning

    private mutating func begin() throws {
        let (secrets, head) = try source.read { connection in
            let first = try connection.row("SELECT min(seq) FROM events")?.optionalInteger(0)
            return (
                try connection.page(of: .secrets, after: nil),
                try first ?? LogTables.lastSequence(connection) + 1
            )
        }
        let name = target.name
        let hasWorkspaces = try target.workspaces?.read { try $0.row("SELECT 1 FROM workspaces LIMIT 1") } != nil
        state = try target.write { connection in
            let known = try connection.page(of: .secrets, after: nil)
            let isThisLog = known.map(\.encoded) == secrets.map(\.encoded)
            if let state = try CopyState(connection) {
                guard isThisLog else { throw Self.refused(name, "holds a part of another log that is being copied") }
                return state
            }
            guard !isThisLog else { throw Self.refused(name, "holds this log already") }
            guard try Self.isEmpty(connection) else { throw Self.refused(name, "holds another log") }
            guard !hasWorkspaces else { throw Self.refused(name, "holds embedded workspaces") }
            try CopyState.begin(connection)
            try connection.run("DELETE FROM secrets")
            try connection.insert(secrets, into: .secrets)
            if case .postgres = connection.engine {
                // No partitions for what has left long ago.
                try connection.run("UPDATE log_head SET room = (?1 - 1) / span * span + 1, next = ?1", [head])
            }
            return CopyState()
        }
    }

    private static func refused(_ name: String, _ words: String) -> StorageError {
        StorageError(
            .refused,
            "\(name) \(words). To copy into it, make it empty: a folder by moving ferry.db and workspace.db away, a database by "
                + "DROP SCHEMA ferry CASCADE"
        )
    }

    private static func isEmpty(_ connection: Connection) throws -> Bool {
        guard try LogTables.lastSequence(connection) == 0 else { return false }
        return try (CopiedTable.others + [.events, .seen]).allSatisfy { table in
            try table.name == "refused_size" || connection.row("SELECT 1 FROM \(table.name) LIMIT 1") == nil
        }
    }

    // MARK: Events

    private mutating func copyEvents() throws {
        while true {
            let after = CopiedRow([.integer(state.position)])
            let (page, end) = try source.read { connection in
                (try connection.page(of: .events, after: after), try LogTables.lastSequence(connection))
            }
            guard let last = page.last?.number else { return }
            var moved = state
            moved.position = last
            try target.write { connection in
                try Self.makeRoom(for: last, connection)
                try connection.insert(page, into: .events)
                try moved.write(connection)
            }
            state = moved
            try report(.copied(last, last: end))
        }
    }

    private static func makeRoom(for last: Int64, _ connection: Connection) throws {
        guard case .postgres = connection.engine else { return }
        var room = try connection.number("SELECT room FROM log_head")
        guard last >= room else { return }
        while last >= room { room = try connection.number("SELECT add_partition(?)", [room]) }
        try connection.run("UPDATE log_head SET room = ?", [room])
    }

    /// Removes from the target what has left the source by retention: always the oldest.
    private func removeWhatLeft() throws {
        let first = try source.read { try $0.row("SELECT min(seq) FROM events")?.optionalInteger(0) } ?? .max
        let removal = """
            DELETE FROM events WHERE seq < ? AND seq <= (SELECT min(seq) FROM events) + \(CopiedTable.events.pageRows)
            """
        while try target.write({ try $0.run(removal, [first]) }) > 0 {}
    }

    /// The checksum of the erasures; `nil` while one is under way.
    private func settledErasures() throws -> String? {
        var sum = RowSum()
        var isSettled = true
        let stage = CopiedTable.erasures.columns.firstIndex { $0.name == "stage" } ?? 0
        try source.forEachPage(of: .erasures) { page in
            for row in page {
                sum.add(row)
                guard case .text(Erasure.Stage.done.rawValue) = row.values[stage] else {
                    isSettled = false
                    continue
                }
            }
        }
        return isSettled ? sum.digits : nil
    }

    /// Compares the events that are in the target with those of the source, and puts right what differs: what was erased.
    ///
    /// - Parameter erasures: where they stood before; what was compared with the same ones is not compared again.
    /// - Returns: how many events differed.
    /// - Throws: the errors of both ends.
    private mutating func compareEvents(with erasures: String?) throws -> Int {
        if erasures == nil || erasures != state.erasures { state.compared = 0 }
        state.erasures = erasures ?? ""
        var changed = 0
        while state.compared < state.position {
            let (after, end) = (state.compared, state.position)
            let there = try source.read { try $0.page(of: .events, after: CopiedRow([.integer(after)])) }
            let page = there.filter { $0.number <= end }
            var moved = state
            moved.compared = page.count == there.count ? page.last?.number ?? end : end
            changed += try target.write { connection in
                let changed = try Self.align(page, after: after, through: moved.compared, connection)
                try moved.write(connection)
                return changed
            }
            state = moved
            try report(.compared(state.compared, last: end))
        }
        return changed
    }

    /// Makes a stretch of the target's events what it is in the source.
    private static func align(
        _ page: [CopiedRow],
        after: Int64,
        through last: Int64,
        _ connection: Connection
    ) throws -> Int {
        func differences() throws -> (missing: [CopiedRow], others: [Int64]) {
            let table = CopiedTable.events
            let stretch = "SELECT \(table.columnList) FROM events WHERE seq > ? AND seq <= ?"
            var found: [Int64: [UInt8]] = [:]
            try connection.forEach(stretch, [after, last]) { row in
                let row = try CopiedRow(of: table, row)
                found[row.number] = row.encoded
                return true
            }
            let missing = page.filter { found.removeValue(forKey: $0.number) != $0.encoded }
            return (missing, missing.map(\.number) + found.keys)
        }
        // Of those that have left in front nobody needs to know what they were.
        let gone = try connection.run(
            "DELETE FROM events WHERE seq > ? AND seq < ?",
            [after, page.first?.number ?? last + 1]
        )
        let (missing, others) = try differences()
        guard !others.isEmpty else { return gone }
        for seq in others { try connection.run("DELETE FROM events WHERE seq = ?", [seq]) }
        try connection.insert(missing, into: .events)
        guard try differences().others.isEmpty else {
            throw StorageError(
                .other,
                "the events \(after + 1) to \(last) are not in the copy what they are in the log"
            )
        }
        return gone + others.count
    }

    // MARK: Everything else

    /// Copies a table anew, and compares it.
    private func copy(_ table: CopiedTable, from source: CopyEnd, to target: CopyEnd) throws {
        _ = try target.write { try $0.run("DELETE FROM \(table.name)") }
        var (original, copied) = (RowSum(), RowSum())
        try source.forEachPage(of: table) { page in
            try target.write { try $0.insert(page, into: table) }
            for row in page { original.add(row) }
        }
        if table.isNumbered {
            let last = try source.read { try $0.lastNumber(of: table) }
            try target.write { try $0.setLastNumber(of: table, to: last) }
            let there = try target.read { try $0.lastNumber(of: table) }
            guard there == last else { throw Self.differs(table.name, target.name) }
        }
        try target.forEachPage(of: table) { for row in $0 { copied.add(row) } }
        guard original == copied else { throw Self.differs(table.name, target.name) }
        try report(.table(table.name, rows: copied.rows, checksum: copied.digits))
    }

    private func copyWorkspaces() throws {
        guard let source = source.workspaces, let target = target.workspaces else { return }
        for table in [.workspaces, .workspaceKeys] + CopiedTable.ofWorkspaces {
            try copy(table, from: source, to: target)
        }
    }

    /// The next event gets the next number.
    private func endNumbers() throws -> Int64 {
        let last = try source.read { try LogTables.lastSequence($0) }
        try target.write { connection in
            switch connection.engine {
            case .sqlite: try connection.setLastNumber(of: .events, to: last)
            case .postgres: try connection.run("UPDATE log_head SET next = ?", [last + 1])
            }
        }
        guard try target.read({ try LogTables.lastSequence($0) }) == last else {
            throw Self.differs("events", target.name)
        }
        return last
    }

    private func countEvents() throws -> Int64 {
        func numbers(_ connection: Connection) throws -> [Int64?] {
            let row = try connection.row("SELECT count(*), min(seq), max(seq) FROM events")
            return try (0..<3).map { try row?.optionalInteger($0) }
        }
        let (original, copied) = (try source.read(numbers), try target.read(numbers))
        guard original == copied else { throw Self.differs("events", target.name) }
        return copied[0] ?? 0
    }

    static func differs(_ table: String, _ name: String) -> StorageError {
        StorageError(
            .other,
            "the table \(table) of \(name) is not what it is in the log: has anybody else written there? Run it again"
        )
    }
}
