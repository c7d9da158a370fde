import GRDB

/// What is wrong with the files of a data folder, sentence by sentence. Nothing is written.
package struct LogVerification: Sendable, Equatable {
    /// Events that can be read.
    package internal(set) var events: Int64 = 0
    /// Sentences about damage; empty when there is none.
    package internal(set) var problems: [String] = []

    /// Sentences about one file at most.
    private static let most = 20

    /// Reads everything in the folder, also while a server runs.
    ///
    /// - Parameters:
    ///   - folder: The data folder.
    ///   - isEvent: Whether the bytes of an event's body are what they should be.
    /// - Throws: `StorageError` when there is no log in the folder.
    package init(of folder: String, isEvent: @escaping ([UInt8]) -> Bool) throws(StorageError) {
        let file = try DataFolder.log(in: folder)
        let log: DamagedDatabase
        do {
            log = try DamagedDatabase(file)
        } catch  where error.code == .corrupt {
            problems.append("ferry.db: it is cut off, or damaged where it says what it is")
            return
        }
        problems += log.problems(most: Self.most).map { "ferry.db: \($0)" }
        var unreadable = 0
        for stretch in log.rows(of: "events", by: "seq", columns: "seq, body") {
            switch stretch {
            case .row(let row):
                // One without a body was erased.
                if (try? row.optionalBytes(1)).map({ $0.map(isEvent) ?? true }) ?? false {
                    events += 1
                } else {
                    unreadable += 1
                }
            case .damage(let first, let last):
                problems.append("ferry.db: the events \(first) to \(last) can't be read")
            }
        }
        if unreadable > 0 {
            let words = unreadable == 1 ? "1 event is not what it" : "\(unreadable) events are not what they"
            problems.append("ferry.db: \(words) should be")
        }
        problems += log.cursorsBeyondTheEnd.map { "ferry.db: the position of \($0) is beyond the end of the log" }
        if let workspace = try? DamagedDatabase(folder + "/workspace.db") {
            problems += workspace.problems(most: Self.most).map { "workspace.db: \($0)" }
        }
    }
}

/// A database that may be damaged, read as far as it goes.
struct DamagedDatabase {
    /// What going through a table meets.
    enum Stretch {
        case row(Row)
        /// What has keys from the first number to the last can't be read.
        case damage(first: Int64, last: Int64)
    }

    let database: DatabaseQueue

    init(_ file: String) throws(StorageError) {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            database = try DatabaseQueue(path: file, configuration: configuration)
            _ = try database.read { try Int64.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
        } catch {
            throw StorageError(error, file: file)
        }
    }

    /// What SQLite's own check finds.
    func problems(most: Int) -> [String] {
        do {
            let lines = try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(\(most))") }
            return lines == ["ok"] ? [] : lines.flatMap { $0.split(separator: "\n").map(String.init) }
        } catch {
            return ["it can't be read to its end"]
        }
    }

    var cursorsBeyondTheEnd: [String] {
        let sql = """
            SELECT DISTINCT integration FROM cursors
            WHERE position > (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events')
            """
        return (try? database.read { try String.fetchAll($0, sql: sql) }) ?? []
    }

    /// The rows of a table in the order of its key, a rowid, from page to page; where one can't be read, the next that
    /// can be is looked for.
    func rows(of table: String, by key: String, columns: String) -> AnyIterator<Stretch> {
        var after = Int64.min
        var waiting: [Stretch] = []
        var isOver = false
        return AnyIterator {
            while waiting.isEmpty, !isOver {
                if let rows = page(table, key, columns, from: after == .max ? .max : after + 1, limit: 200) {
                    waiting = rows.map(Stretch.row)
                    isOver = rows.isEmpty
                    if let last = rows.last { after = last[key] ?? .max }
                    if after == .max { isOver = true }
                } else {
                    let first = max(after, 0) + 1
                    guard let next = nextReadable(table, key, from: first) else {
                        waiting = [.damage(first: first, last: lastKey(of: table))]
                        isOver = true
                        break
                    }
                    if next > first { waiting = [.damage(first: first, last: next - 1)] }
                    // One by one up to the damage, which the page above ran into.
                    if let row = page(table, key, columns, from: next, limit: 1)?.first { waiting.append(.row(row)) }
                    after = next
                }
            }
            return waiting.isEmpty ? nil : waiting.removeFirst()
        }
    }

    /// `nil` where the table is damaged.
    private func page(_ table: String, _ key: String, _ columns: String, from first: Int64, limit: Int) -> [Row]? {
        try? database.read {
            try Row.fetchAll(
                $0,
                sql: "SELECT \(columns) FROM \(table) WHERE \(key) >= ? ORDER BY \(key) LIMIT ?",
                arguments: [first, limit]
            )
        }
    }

    /// The first key from a number on whose row can be read: in doubling steps beyond the damage, then back in halves.
    private func nextReadable(_ table: String, _ key: String, from first: Int64) -> Int64? {
        let canRead = { (number: Int64) in page(table, key, "*", from: number, limit: 1) }
        let last = lastKey(of: table)
        var step: Int64 = 1
        var bad = first - 1
        var good = first
        while canRead(good)?.first == nil {
            guard good < last else { return nil }
            bad = good
            good = min(last, good + step)
            step *= 2
        }
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2
            if canRead(middle)?.first == nil { bad = middle } else { good = middle }
        }
        return canRead(good)?.first?[key]
    }

    /// The last key that there can be.
    private func lastKey(of table: String) -> Int64 {
        let sequence = try? database.read {
            try Int64.fetchOne($0, sql: "SELECT seq FROM sqlite_sequence WHERE name = ?", arguments: [table])
        }
        return sequence ?? 1 << 40
    }
}
