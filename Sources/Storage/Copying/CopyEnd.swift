import Foundation
import GRDB
import Postgres

/// One end of a copy: a log that is read, or one that is made, with the workspaces beside it.
final class CopyEnd {
    private enum Database {
        case sqlite(any DatabaseWriter, OpenDatabase?)
        case postgres(PostgresConnection)
    }

    /// What messages call it.
    let name: String
    /// Where `seal.key` is; `nil` where nobody has said.
    let folder: String?
    private let database: Database
    /// The embedded workspaces, where they are in a file beside this one.
    private var workspaceFile: CopyEnd?
    /// Held while nobody else may write here.
    private var hold: DataFolder?

    // MARK: Opening

    /// A log to read, also while a server uses it.
    ///
    /// - Throws: `refused` where there is none, or half of one; `newerVersion`.
    init(reading location: DataStore.Location) throws {
        switch location {
        case .memory: throw StorageError(.refused, "what is in memory can't be copied: name a folder or a database")
        case .folder(let path):
            let file = try DataFolder.log(in: path)
            (name, folder, database) = (file, path, try Self.read(file, LogSchema.migrator))
            let workspaces = "\(path)/workspace.db"
            if FileManager.default.fileExists(atPath: workspaces) {
                workspaceFile = CopyEnd(workspaces, try Self.read(workspaces, WorkspaceSchema.migrator))
            }
        case .postgres(let text, let path):
            let connection = try Self.connect(text)
            (name, folder, database) = ("\(connection.url)", path, .postgres(connection))
            // Who uses the primary is not to be seen there.
            guard try connection.query("SELECT pg_is_in_recovery()").integer(0, 0) == 0 else {
                throw StorageError(.refused, "\(name) is a standby: name the primary server")
            }
            let exists = try connection.query("SELECT 1 WHERE to_regclass('migrations') IS NOT NULL").count != 0
            guard exists else { throw StorageError(.refused, "\(name) holds no log of Ferry: name the one that does") }
            guard try PostgresSchema.isMade(connection) else { throw Self.earlier(name) }
        }
        try read { try CopyState.refuseHalf($0, name) }
    }

    /// A log to make, held from now on.
    ///
    /// - Throws: `locked` where somebody else uses it.
    init(making location: DataStore.Location) throws {
        switch location {
        case .memory: throw StorageError(.refused, "nothing is copied into memory: name a folder or a database")
        case .folder(let path):
            let holder = try DataFolder(path)
            let open = try OpenDatabase(
                "ferry.db",
                in: holder,
                durability: .everyCommit,
                migrator: LogSchema.migrator
            )
            (name, folder, hold, database) = (open.file, path, holder, .sqlite(open.writer, open))
            let workspaces = try SQLiteWorkspaces(in: holder).database
            workspaceFile = CopyEnd(workspaces.file, .sqlite(workspaces.writer, workspaces))
        case .postgres(let text, let path):
            let connection = try Self.connect(text)
            try PostgresHold.takeAlone(connection, patience: .seconds(1))
            try PostgresSchema.migrate(connection)
            (name, folder, database) = ("\(connection.url)", path, .postgres(connection))
        }
    }

    private init(_ name: String, _ database: Database) {
        (self.name, folder, self.database) = (name, nil, database)
    }

    private static func read(_ file: String, _ migrator: DatabaseMigrator) throws -> Database {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: file, configuration: configuration)
        try OpenDatabase.refuseNewer(queue, than: migrator, name: file)
        guard try queue.read({ try migrator.hasCompletedMigrations($0) }) else { throw earlier(file) }
        return .sqlite(queue, nil)
    }

    private static func connect(_ url: String) throws -> PostgresConnection {
        var options = PostgresLog.options
        // The sums over a large table take their time.
        options.settings.removeAll { $0.0 == "statement_timeout" }
        options.settings.append(("statement_timeout", "30min"))
        options.statementTimeout = .seconds(31 * 60)
        return try PostgresConnection(PostgresURL(url), options: options)
    }

    private static func earlier(_ name: String) -> StorageError {
        StorageError(
            .refused,
            "\(name) was written by an earlier version of Ferry: start a server of this version over it once"
        )
    }

    // MARK: Using

    /// Where the embedded workspaces are; `nil` where there never were any.
    var workspaces: CopyEnd? {
        switch database {
        case .sqlite: workspaceFile
        case .postgres: self
        }
    }

    /// Keeps everybody else out, until the end of this process.
    ///
    /// - Returns: `false` where somebody uses it.
    func take() throws -> Bool {
        do throws(any Error) {
            switch database {
            case .sqlite: if hold == nil, let folder { hold = try DataFolder(folder) }
            case .postgres(let connection): try PostgresHold.takeAlone(connection, patience: .seconds(1))
            }
            return true
        } catch let error as StorageError where error.code == .locked {
            return false
        }
    }

    /// Reads as of one moment.
    func read<Value>(_ body: (Connection) throws -> Value) throws -> Value {
        switch database {
        case .sqlite(let writer, _): try writer.read { try body(Connection($0)) }
        case .postgres(let connection):
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body)
        }
    }

    /// Does all of it or nothing.
    func write<Value>(_ body: (Connection) throws -> Value) throws -> Value {
        switch database {
        case .sqlite(let writer, let open):
            try writer.writeWithoutTransaction { connection in
                var value: Value?
                try connection.inTransaction(.immediate) {
                    value = try body(Connection(connection))
                    return .commit
                }
                open?.committed(connection)
                guard let value else { throw StorageError.unreadable("value") }
                return value
            }
        case .postgres(let connection): try connection.transaction("BEGIN", body)
        }
    }

    /// Calls `visit` with all rows of a table, a page at a time.
    func forEachPage(of table: CopiedTable, _ visit: ([CopiedRow]) throws -> Void) throws {
        var page = try read { try $0.page(of: table, after: nil) }
        while let last = page.last {
            try visit(page)
            page = try read { try $0.page(of: table, after: last) }
        }
    }

    /// Overwrites what is left of changed events in unused parts of a file, as erasing does.
    func rewrite() throws {
        guard case .sqlite(let writer, _) = database else { return }
        try writer.writeWithoutTransaction { connection in
            let pages = try Connection(connection).number("PRAGMA page_count")
            let bytes = try pages * Connection(connection).number("PRAGMA page_size")
            if bytes <= Erasures.smallBytes { try connection.execute(sql: "VACUUM") }
        }
    }

    func close() {
        workspaceFile?.close()
        switch database {
        case .sqlite(let writer, let open):
            if let open { try? open.close() } else { try? writer.close() }
        case .postgres(let connection): connection.close()
        }
        hold?.letGo()
    }
}
