import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Saves what can be read of a damaged log into a new one. The damaged files stay beside it under another name.
///
/// It goes through the tables as SQLite does, from the root down: with a page in the middle of a tree all that hangs from
/// it is lost, also where its own pages are sound.
package struct LogRepair: Sendable, Equatable {
    /// Events that are in the new log.
    package private(set) var events = 0
    /// Numbers of events that could not be read, first and last.
    package private(set) var lost: [ClosedRange<Int64>] = []
    /// Where the damaged files are now.
    package private(set) var damagedFile = ""

    /// Tables with a rowid, and their keys; what they hold is saved row by row.
    private static let tables = [
        ("events", "seq"), ("kept_events", "seq"), ("cursors", "id"), ("requests", "number"), ("verdicts", "id"),
        ("jobs", "id"), ("erasures", "number"),
        ("refused_messages", "number"), ("recent_keys", "seq"), ("repeats", "seq"),
    ]
    /// Small tables without one, and `seen`; they are saved up to the damage.
    private static let others = [
        "secrets", "exceptions", "tallies", "seen", "erasure_commands", "revisions", "kept_integrations",
        "sealed_secrets", "paused_integrations", "kept_sources", "ended_sessions",
    ]

    /// Repairs the log of a folder that no server uses.
    ///
    /// - Throws: `refused` when there is no log, `locked` when a server uses it, `corrupt` when nothing of it can be read, and the errors of the disk;
    ///   the log is as it was then.
    package init(of path: String) throws(StorageError) {
        let file = try DataFolder.log(in: path)
        let folder = try DataFolder(path)
        defer { folder.letGo() }
        let new = file + ".repaired"
        do {
            for suffix in ["", "-wal", "-shm"] { unlink(new + suffix) }
            Self.lengthen(file)
            let damaged = try DamagedDatabase(file)
            // What is there of it may be a part only; the source of the copy has it all.
            if let isHalf = try? damaged.database.read({ try CopyState(Connection($0)) != nil }), isHalf {
                throw CopyState.half(file)
            }
            let repaired = try DatabaseQueue(path: new)
            try LogSchema.migrator.migrate(repaired)
            try copy(damaged, into: repaired)
            try damaged.database.close()
            try repaired.close()
        } catch {
            throw StorageError(error, file: file)
        }
        damagedFile = file + ".damaged"
        var number = 1
        while access(damagedFile, F_OK) == 0 {
            number += 1
            damagedFile = file + ".damaged-\(number)"
        }
        chmod(new, 0o600)
        for suffix in ["-wal", "-shm", ""] { rename(file + suffix, damagedFile + suffix) }
        guard rename(new, file) == 0 else {
            throw StorageError(.unwritable, "\(new) can't be renamed to \(file): do it by hand")
        }
    }

    /// Gives a file that was cut off the length that it says it has. SQLite reads nothing of it before.
    private static func lengthen(_ file: String) {
        let descriptor = open(file, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 32)
        guard pread(descriptor, &header, header.count, 0) == header.count else { return }
        // Two bytes of page size, of which 1 means 65,536, and four bytes with the number of pages.
        let written = Int(header[16]) << 8 | Int(header[17])
        let pages = header[28...].reduce(0) { $0 << 8 | Int($1) }
        let length = off_t(written == 1 ? 65_536 : written) * off_t(pages)
        if lseek(descriptor, 0, SEEK_END) < length { ftruncate(descriptor, length) }
    }

    private mutating func copy(_ damaged: DamagedDatabase, into repaired: DatabaseQueue) throws {
        try repaired.write { connection in
            try connection.execute(sql: "DELETE FROM secrets")
            for table in Self.others { try Self.copy(table, of: damaged, connection) }
            for (table, key) in Self.tables {
                for stretch in damaged.rows(of: table, by: key, columns: "*") {
                    switch stretch {
                    case .row(let row):
                        try Self.insert(row, table, connection)
                        if table == "events" { events += 1 }
                    case .damage(let first, let last): if table == "events" { lost.append(first...last) }
                    }
                }
            }
            try Self.complete(damaged, connection)
        }
    }

    private static func copy(_ table: String, of damaged: DamagedDatabase, _ connection: Database) throws {
        var rows: [Row] = []
        try? damaged.database.read { source in
            let cursor = try Row.fetchCursor(source, sql: "SELECT * FROM \(table)")
            while let row = try cursor.next() { rows.append(row.copy()) }
        }
        for row in rows { try insert(row, table, connection) }
    }

    private static func insert(_ row: Row, _ table: String, _ connection: Database) throws {
        let columns = row.columnNames.joined(separator: ", ")
        let marks = row.columnNames.map { _ in "?" }.joined(separator: ", ")
        let statement = try connection.cachedStatement(
            sql: "INSERT OR IGNORE INTO \(table) (\(columns)) VALUES (\(marks))"
        )
        try statement.execute(arguments: StatementArguments(row.databaseValues))
    }

    /// What follows from the rest: no number is used again, and a log always has its secret and its sums.
    private static func complete(_ damaged: DamagedDatabase, _ connection: Database) throws {
        let before = try? damaged.database.read {
            try Int64.fetchOne($0, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        }
        try connection.execute(
            sql: """
                DELETE FROM sqlite_sequence WHERE name = 'events';
                INSERT INTO sqlite_sequence (name, seq) SELECT 'events', max(
                    ?, coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(position) FROM cursors), 0));
                """,
            arguments: [before ?? 0]
        )
        try connection.execute(
            sql: """
                INSERT INTO secrets (name, value) SELECT 'message keys', randomblob(16)
                    WHERE NOT EXISTS (SELECT 1 FROM secrets);
                UPDATE refused_size SET
                    messages = (SELECT count(*) FROM refused_messages),
                    bytes = (SELECT coalesce(sum(size), 0) FROM refused_messages),
                    stranger_bytes = (SELECT coalesce(sum(size), 0) FROM refused_messages WHERE source IS NULL);
                """
        )
    }
}
