import GRDB

/// What can be seen of a log at a glance, also while a server writes it: nothing is held or changed. A log of a few hundred
/// megabytes is read by `LogVerification`, which takes its time.
package struct LogGlance: Sendable, Equatable {
    /// Sentences about damage; empty when none was seen.
    package private(set) var problems: [String] = []
    /// Whether every page was looked at, and not only the ends of the log.
    package private(set) var isWhole = false
    /// Milliseconds since 1970 at which the newest event was received.
    package private(set) var newestAt: Int64?
    /// Integrations that live in the data, not in a file.
    package private(set) var keptIntegrations: [String] = []
    /// Up to which event a log is copied there that is not whole yet; `nil` where none is.
    package private(set) var copiedThrough: Int64?

    /// Files up to this size are read as a whole.
    private static let wholeBytes: Int64 = 64 << 20
    private static let ends = 200

    /// - Parameters:
    ///   - folder: The data folder.
    ///   - isEvent: Whether the bytes of an event's body are what they should be.
    /// - Throws: `refused` when there is no log in the folder, `newerVersion`, and what keeps it from being opened.
    package init(of folder: String, isEvent: ([UInt8]) -> Bool) throws(StorageError) {
        let file = try DataFolder.log(in: folder)
        let log: DamagedDatabase
        do {
            log = try DamagedDatabase(file)
        } catch  where error.code == .corrupt {
            problems.append("ferry.db: it is cut off, or damaged where it says what it is")
            return
        }
        let names = [(log, "ferry.db", LogSchema.migrator)]
        let workspace = (try? DamagedDatabase("\(folder)/workspace.db")).map {
            ($0, "workspace.db", WorkspaceSchema.migrator)
        }
        do {
            for (database, name, migrator) in names + [workspace].compactMap(\.self) {
                try OpenDatabase.refuseNewer(database.database, than: migrator, name: name)
            }
            copiedThrough = try log.database.read { try CopyState(Connection($0))?.position }
            isWhole = try log.bytes <= Self.wholeBytes
            if isWhole { problems += log.problems(most: 3).map { "ferry.db: \($0)" } }
            if let (database, name, _) = workspace, try database.bytes <= Self.wholeBytes {
                problems += database.problems(most: 3).map { "\(name): \($0)" }
            }
            problems += log.cursorsBeyondTheEnd.map { "ferry.db: the position of \($0) is beyond the end of the log" }
            try look(at: log, isEvent)
        } catch let error as StorageError where error.code == .newerVersion {
            throw error
        } catch {
            let error = StorageError(error, file: file)
            problems.append(
                error.code == .corrupt ? "ferry.db: there are events that can't be read" : error.description
            )
        }
    }

    private mutating func look(at log: DamagedDatabase, _ isEvent: ([UInt8]) -> Bool) throws {
        let (ends, newest, kept) = try log.database.read { connection in
            let sql = { (order: String) in "SELECT body FROM events ORDER BY seq \(order) LIMIT \(Self.ends)" }
            return (
                try connection.rows(sql("ASC")) + connection.rows(sql("DESC")),
                try connection.row("SELECT received_at FROM events ORDER BY seq DESC LIMIT 1")?.integer(0),
                try connection.tableExists("kept_integrations")
                    ? connection.rows("SELECT name FROM kept_integrations ORDER BY number").map { try $0.text(0) } : []
            )
        }
        (newestAt, keptIntegrations) = (newest, kept)
        // One without a body was erased.
        let isSound = ends.allSatisfy { row in (try? row.optionalBytes(0)).map { $0.map(isEvent) ?? true } ?? false }
        if !isSound { problems.append("ferry.db: there are events that are not what they should be") }
    }
}

extension DamagedDatabase {
    /// Of its pages.
    fileprivate var bytes: Int64 {
        get throws {
            try database.read { connection in
                try (connection.row("PRAGMA page_count")?.integer(0) ?? 0)
                    * (connection.row("PRAGMA page_size")?.integer(0) ?? 0)
            }
        }
    }
}
