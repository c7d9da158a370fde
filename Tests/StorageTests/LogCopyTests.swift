import Foundation
import GRDB
import LosslessJSON
import Postgres
import PostgresServer
import Seeding
import Testing

@testable import Storage

/// Moving a log from one engine to the other, with real files and a real server.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `A log that is copied` {
    private let scratch: ScratchFolder
    private var folder: String { scratch.path + "/data" }
    private var back: String { scratch.path + "/back" }

    init() throws {
        scratch = try ScratchFolder()
    }

    private func database(folder: String? = nil) async throws -> DataStore.Location {
        .postgres(try await PostgresServer.shared().database(), folder: folder)
    }

    /// Copies what nobody uses.
    @discardableResult
    private func copy(_ from: DataStore.Location, _ to: DataStore.Location) throws -> (events: Int64, changed: Int) {
        let outcome = try LogCopy.run(from: from, to: to)
        guard case .whole(let events, _, let changed, _) = outcome else {
            Issue.record("\(outcome)")
            return (0, 0)
        }
        return (events, changed)
    }

    private func refusal(_ work: () throws -> Void) -> StorageError? {
        #expect(throws: StorageError.self) { try work() }
    }

    // MARK: Random logs

    /// Texts with NUL and the mark by which PostgreSQL gets them, and numbers at the ends.
    private static let texts = ["", "a\u{0}b", "\u{0}", "\u{10FFFF}0", "é", "e\u{301}", "'; --", "\u{10FFFF}", "x"]
    private static let numbers: [Int64] = [0, 1, -1, .max, .min, 1_700_000_000_000]

    private static func value(_ type: String, _ chance: inout SeededGenerator) -> any DatabaseValueConvertible {
        switch type {
        case "INTEGER":
            chance.chance(50) ? chance.pick(numbers) : Int64.random(in: .min ... .max, using: &chance)
        case "TEXT":
            Text(
                (0..<Int.random(in: 0...4, using: &chance)).map { _ in chance.pick(texts) }.joined()
                    + String(UInt16.random(in: 0...999, using: &chance))
            )
        default: Bytes((0..<Int.random(in: 0...40, using: &chance)).map { _ in .random(in: 0...255, using: &chance) })
        }
    }

    /// Makes a log of random rows in all of its tables.
    private func fill(_ folder: String, events: Int64, _ chance: inout SeededGenerator) async throws {
        let store = try DataStore(opening: .folder(folder))
        try await fill(store.workspaces, &chance)
        try store.close()
        try fillLog(folder, events: events, &chance)
    }

    private func fillLog(_ folder: String, events: Int64, _ chance: inout SeededGenerator) throws {
        let queue = try DatabaseQueue(path: folder + "/ferry.db")
        try queue.write { connection in
            for table in try Self.tables(connection) where !["events", "secrets", "refused_size"].contains(table) {
                let columns = try Row.fetchAll(
                    connection,
                    sql: "SELECT name, type, \"notnull\", pk FROM pragma_table_info('\(table)')"
                )
                for number in 0..<Int.random(in: 0...60, using: &chance) {
                    let values = columns.map { column -> (any DatabaseValueConvertible)? in
                        if table == "seen" || table == "recent_keys" {
                            switch column["name"] as String {
                            // Some are in both: those that are not filed came later.
                            case "key": return Bytes((0..<16).map { UInt8(truncatingIfNeeded: number % 20 * 31 &+ $0) })
                            case "seq": return Int64(number) + (table == "seen" ? 1 : 1_000)
                            default: break
                            }
                        }
                        if column["type"] == "INTEGER", column["pk"] == 1 {
                            return Int64(number * 3) + Int64.random(in: 1...3, using: &chance)
                        }
                        if column["notnull"] == 0, column["pk"] == 0, chance.chance(30) { return nil }
                        return Self.value(column["type"], &chance)
                    }
                    let marks = columns.map { _ in "?" }.joined(separator: ", ")
                    try connection.execute(
                        sql: "INSERT OR IGNORE INTO \(table) VALUES (\(marks))",
                        arguments: StatementArguments(values)
                    )
                }
                // Numbers that were given out and are gone.
                if chance.chance(50) {
                    // Some tables have no rowid.
                    try? connection.execute(
                        sql: "DELETE FROM \(table) WHERE rowid = (SELECT max(rowid) FROM \(table))"
                    )
                }
            }
            if chance.chance(50) { try connection.execute(sql: "UPDATE erasures SET stage = 'done'") }
            let first: Int64 = chance.chance(50) ? 1 : 2_345_678
            for seq in first..<(first + events) {
                try connection.execute(
                    sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        seq, Self.value("TEXT", &chance) as? Text, chance.chance(90) ? Text("m\(seq)\u{0}") : nil,
                        Text("track"), chance.chance(50) ? Self.value("TEXT", &chance) as? Text : nil,
                        chance.chance(50) ? Self.value("TEXT", &chance) as? Text : nil, nil, seq,
                        chance.chance(95) ? Self.value("BLOB", &chance) as? Bytes : nil,
                    ]
                )
            }
        }
        try queue.close()
    }

    /// Puts something into each table of two workspaces.
    private func fill(_ store: WorkspaceStore, _ chance: inout SeededGenerator) async throws {
        _ = try await store.keep(.init(workspace: "w", siteId: "s", apiKey: "k", traits: ["region": "eu"]))
        for name in ["w", "a\u{0}b"] {
            let texts = (0..<8).map { "\($0)" + chance.pick(Self.texts) }
            try await store.write(in: name) { workspace in
                for text in texts {
                    let person = try workspace.addPerson(id: text, email: nil, madeAt: 1) { "\($0)-\($1)" }
                    let object = try workspace.addObject(type: 1, id: text, madeAt: 1) { "\($0)-\($1)" }
                    var attributes = AttributeSet()
                    attributes.set(.init(name: text, value: .string(text), time: 1))
                    attributes.set(.init(name: "phone", value: .string(text), time: 1))
                    try workspace.setAttributes(attributes, of: person.key)
                    try workspace.setRelationship(of: person.key, with: object.key, attributes: attributes)
                    try workspace.holdRelationship(ofAnonymous: text, with: object.key, attributes: attributes)
                    try workspace.setDevice(
                        StoredDevice(person: person.key, token: text, platform: text, lastUsed: 1, attributes: [:])
                    )
                    try workspace.add(person.key, toSegment: 1)
                    try workspace.join(anonymousId: text, with: person.key, at: 1)
                    try workspace.suppress([.id(text)])
                    try workspace.registerForm(text, at: 1)
                    try workspace.setDelivery(text, person: person.key, channel: "push")
                    _ = try workspace.rememberEvent(text, at: 1, knownSince: nil)
                    try workspace.record(DeliveryMetric(deliveryId: text, name: text, timestamp: 1, data: [:]))
                    try workspace.log(
                        ActivityEntry(
                            subject: .person(person.key),
                            type: "event",
                            timestamp: 1,
                            loggedAt: 1,
                            name: text
                        )
                    )
                }
                // A number that was given out and is gone.
                try workspace.remove(workspace.addPerson(id: "gone", email: nil, madeAt: 1) { "\($0)-\($1)" }.key)
            }
        }
    }

    private static func tables(_ connection: Database) throws -> [String] {
        try String.fetchAll(
            connection,
            sql: """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'grdb%'
                ORDER BY name
                """
        )
    }

    /// All rows of all tables of a folder's log as SQLite writes them, independent of what copies them.
    private func dump(_ folder: String) throws -> [String: [String]] {
        var dump: [String: [String]] = [:]
        for file in ["ferry.db", "workspace.db"] {
            let queue = try DatabaseQueue(path: "\(folder)/\(file)")
            defer { try? queue.close() }
            dump.merge(try queue.read { try Self.dump($0, isLog: file == "ferry.db") }) { $0 + $1 }
        }
        return dump
    }

    private static func dump(_ connection: Database, isLog: Bool) throws -> [String: [String]] {
        var dump: [String: [String]] = [:]
        for table in try Self.tables(connection) + ["sqlite_sequence"]
        where !["recent_keys", "seen"].contains(table) {
            let columns = try String.fetchAll(connection, sql: "SELECT name FROM pragma_table_info('\(table)')")
            let quoted = columns.sorted().map { "quote(CAST(\"\($0)\" AS BLOB))" }.joined(separator: " || ',' || ")
            let condition = table == "sqlite_sequence" ? "WHERE seq <> 0" : ""
            dump[table] = try String.fetchAll(connection, sql: "SELECT \(quoted) FROM \(table) \(condition)").sorted()
        }
        if isLog {
            // The latest of what is not filed, else what is; without what has expired.
            dump["seen"] = try String.fetchAll(
                connection,
                sql: """
                    SELECT quote(key) || ',' || seq || ',' || received_at FROM (
                        SELECT * FROM (SELECT key, max(seq) AS seq, received_at FROM recent_keys GROUP BY key)
                        UNION ALL
                        SELECT key, seq, received_at FROM seen WHERE key NOT IN (SELECT key FROM recent_keys))
                    WHERE received_at > ifnull(
                        (SELECT received_at FROM (SELECT received_at FROM events ORDER BY seq DESC LIMIT 100)
                        ORDER BY received_at LIMIT 1) - 129600000, -9223372036854775808)
                    """
            ).sorted()
        }
        return dump
    }

    private func expectSame(_ one: String, _ other: String) throws {
        let (one, other) = (try dump(one), try dump(other))
        #expect(one.keys.sorted() == other.keys.sorted())
        for (table, rows) in one { #expect(rows == other[table], "\(table)") }
    }

    @Test func `has every column of every table of both engines`() async throws {
        let known = Dictionary(
            uniqueKeysWithValues: (CopiedTable.others + [.events, .secrets, .seen, .workspaces, .workspaceKeys]
                + CopiedTable.ofWorkspaces).map {
                    ($0.name, Set($0.columns.map(\.name)))
                }
        )
        try DataStore(opening: .folder(folder)).close()
        for file in ["ferry.db", "workspace.db"] {
            try await DatabaseQueue(path: "\(folder)/\(file)").read { connection in
                for table in try Self.tables(connection) where table != "recent_keys" {
                    let columns = try String.fetchAll(connection, sql: "SELECT name FROM pragma_table_info('\(table)')")
                    #expect(known[table] == Set(columns), "\(table)")
                }
            }
        }
        guard case .postgres(let url, _) = try await database() else { return }
        try DataStore(opening: .postgres(url, folder: nil)).close()
        let connection = try PostgresConnection(PostgresURL(url))
        let rows = try connection.query(
            """
            SELECT table_name::TEXT, string_agg(column_name, ',') FROM information_schema.columns
            WHERE table_schema = 'ferry'
                AND table_name NOT IN ('migrations', 'log_head', 'spools', 'nodes', 'leases', 'questions', 'shared')
            GROUP BY table_name
            """
        )
        #expect(rows.count == known.count)
        for row in 0..<rows.count {
            let table = String(decoding: try rows.bytes(row, 0), as: UTF8.self)
            let columns = String(decoding: try rows.bytes(row, 1), as: UTF8.self).split(separator: ",").map(String.init)
            #expect(known[table] == Set(columns), "\(table)")
        }
    }

    @Test func `is the same after the way there, on to another database, and back`() async throws {
        var chance = SeededGenerator(for: "copied logs")
        for (round, events) in [0, 1, 2_500].enumerated() {
            let (folder, back) = ("\(folder)-\(round)", "\(back)-\(round)")
            try await fill(folder, events: Int64(events), &chance)
            let before = try dump(folder)
            let (first, second) = (try await database(), try await database())
            #expect(try copy(.folder(folder), first) == (Int64(events), 0))
            try copy(first, second)
            try copy(second, .folder(back))
            #expect(try dump(folder) == before, "the source is only read")
            try expectSame(folder, back)
        }
    }

    // MARK: Interrupted

    @Test func `goes on where it was, wherever it was interrupted, and nobody serves a half`() async throws {
        var chance = SeededGenerator(for: "interrupted copies")
        try await fill(folder, events: 2_100, &chance)
        let database = try await database()
        for (from, to) in [(DataStore.Location.folder(folder), database), (database, .folder(back))] {
            var (steps, interruptions, copied) = (0, 0, [Int64]())
            while true {
                steps += 1
                var left = steps
                do {
                    _ = try LogCopy.run(from: from, to: to) { note in
                        if case .copied(let seq, last: _) = note { copied.append(seq) }
                        left -= 1
                        if left == 0 { throw StorageError(.other, "interrupted") }
                    }
                    break
                } catch {
                    try #require(error.description == "interrupted")
                    interruptions += 1
                    guard interruptions % 6 == 1 else { continue }
                    var half = refusal { try DataStore(opening: to).close() }
                    // A database notices a little later that the command has gone.
                    while half?.code == .locked { half = refusal { try DataStore(opening: to).close() } }
                    #expect(half?.code == .refused && half?.description.contains("ferry log copy again") == true)
                    let source = refusal { _ = try LogCopy.run(from: to, to: .folder(scratch.path + "/none")) }
                    #expect(source?.description.contains("ferry log copy again") == true)
                }
            }
            #expect(interruptions > 15)
            #expect(copied.count == 3 && Set(copied).count == 3, "no event is copied twice: \(copied)")
            try DataStore(opening: to).close()
        }
        try expectSame(folder, back)
    }

    @Test func `a half is not repaired into a whole`() async throws {
        var chance = SeededGenerator(for: "half of a log")
        try await fill(folder, events: 10, &chance)
        _ = refusal {
            _ = try LogCopy.run(from: .folder(folder), to: .folder(back)) { _ in
                throw StorageError(.other, "interrupted")
            }
        }
        #expect(refusal { _ = try LogRepair(of: back) }?.code == .refused)
    }

    // MARK: In use

    /// What `Erasures` does to events, and its row at the end.
    private func erase(_ seq: Int64, and other: Int64, _ store: DataStore) async throws {
        try await store.log.commits.commit { connection in
            var receipt = Erasure.Receipt()
            try LogErasing.remove(seq, at: 60_000, &receipt, connection)
            let body = Bytes(Array("cleaned".utf8))
            try connection.run("UPDATE events SET name = 'cleaned', body = ? WHERE seq = ?", [body, other])
            try connection.run(
                "INSERT INTO erasures (stage, last, started_at, ended_at, events, replaced) VALUES ('done', ?, 1, 2, 1, 1)",
                [seq]
            )
        }
    }

    private func append(_ range: Range<Int>, _ store: DataStore) async throws {
        _ = try await store.log.append(range.map { event("m\($0)", receivedAt: 1_700_000_000_000 + Int64($0)) })
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `is copied while it is in use, and what has changed since is changed there too`(engine: Engine) async throws {
        let from = try await engine.data(in: scratch)
        let to = engine == .sqlite ? try await database() : .folder(back)
        let store = try DataStore(opening: from)
        try await append(0..<2_500, store)
        try await store.ledger.advance("i", to: 10)
        #expect(try LogCopy.run(from: from, to: to) == .inUse(last: 2_500))
        // Before and behind what was compared; what is appended, delivered, repeated, and what leaves.
        try await erase(700, and: 1_900, store)
        try await append(2_000..<3_700, store)
        #expect(try LogCopy.run(from: from, to: to) == .inUse(last: 3_700))
        try await store.ledger.advance("i", to: 3_000)
        let policy = LogRetention.Policy(
            milliseconds: 3_000,
            bytes: .max,
            dropsUnsettled: false,
            integrations: ["i"]
        )
        while !(try await store.retention.sweep(policy, at: 1_700_000_003_500).isDone) {}
        let first = try #require(try await store.log.read(after: 0, limit: 1).first?.seq)
        #expect(first > 400 && first < 700)
        try await append(3_700..<3_750, store)
        try await erase(900, and: 3_720, store)
        let bodies = try await store.log.read(after: 0, limit: .max)
        let repeats = try await store.log.repeats(of: 2_001)
        try store.close()
        let outcome = try LogCopy.run(from: from, to: to)
        guard case .whole(let events, let last, let changed, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        // 3,720 is new: it came as it is now.
        #expect((events, last, changed) == (3_751 - first, 3_750, 1))
        if case .folder(let path) = to {
            for file in try FileManager.default.contentsOfDirectory(atPath: path) where file.hasPrefix("ferry.db") {
                let bytes = try #require(FileManager.default.contents(atPath: "\(path)/\(file)"))
                #expect(bytes.range(of: Data(#""m698""#.utf8)) != nil && bytes.range(of: Data(#""m699""#.utf8)) == nil)
            }
        }
        let moved = try DataStore(opening: to)
        #expect(try await moved.log.read(after: 0, limit: .max) == bodies)
        #expect(try await moved.log.read([700, 900]).map(\.body.isEmpty) == [true, true])
        #expect(try await moved.log.repeats(of: 2_001) == repeats && repeats != nil)
        #expect(try await moved.ledger.cursor(.live, of: "i")?.position == 3_000)
        try moved.close()
    }

    @Test func `an erasure under way is compared at the end`() async throws {
        let to = try await database()
        let store = try DataStore(opening: .folder(folder))
        try await append(0..<50, store)
        #expect(try LogCopy.run(from: .folder(folder), to: to) == .inUse(last: 50))
        _ = try await store.erasures.add(NewErasure(.init(userId: "u1"), startedAt: 1))
        #expect(try LogCopy.run(from: .folder(folder), to: to) == .inUse(last: 50))
        try await store.log.commits.commit { connection in
            var receipt = Erasure.Receipt()
            try LogErasing.remove(7, at: 1, &receipt, connection)
        }
        try store.close()
        #expect(try copy(.folder(folder), to) == (50, 1))
    }

    @Test func `catches up with a server that takes more all the while`() async throws {
        let to = try await database()
        let store = try DataStore(opening: .folder(folder))
        let sender = Task {
            for number in 0..<400 where !Task.isCancelled {
                try await append(number * 10..<number * 10 + 10, store)
            }
        }
        var last: Int64 = 0
        for _ in 0..<5 {
            guard case .inUse(let seq) = try LogCopy.run(from: .folder(folder), to: to) else {
                Issue.record("it is in use")
                break
            }
            #expect(seq >= last)
            last = seq
            try await Task.sleep(for: .milliseconds(50))
        }
        try await sender.value
        try store.close()
        #expect(try copy(.folder(folder), to) == (4_000, 0))
        // In the order in which PostgreSQL looks for what has expired.
        guard case .postgres(let url, _) = to else { return }
        let keys = try PostgresConnection(PostgresURL(url)).query("SELECT received_at FROM ferry.seen ORDER BY ctid")
        let times = try (0..<keys.count).map { try keys.integer($0, 0) }
        #expect(times.count == 4_000 && times == times.sorted())
        try copy(to, .folder(back))
        try expectSame(folder, back)
    }

    // MARK: What goes on

    @Test func `knows what was sent before, gives out the next numbers, and opens its secrets`() async throws {
        var limits = DataStore.Limits()
        // So that some keys are filed, and others not yet.
        limits.recentKeys = 30
        let place = scratch.path + "/place"
        let database = try await database(folder: place)
        let store = try DataStore(opening: .folder(folder), limits: limits)
        for number in 0..<100 { try await append(number..<number + 1, store) }
        var revision = NewRevision(integration: "main", author: "a", text: "t", at: 1, behindRead: nil, isKept: true)
        revision.secrets = ["api_key": "geheim"]
        _ = try await store.revisions.add([revision])
        _ = try await store.sources.add("shop", key: "key")
        _ = try await store.ledger.open(.live, of: "a", startingAt: 7)
        try store.close()
        let keys = MessageKeys(secret: try DataStore(opening: .folder(folder)).closing { $0.log.commits.engine.secret })
        for (from, to) in [(DataStore.Location.folder(folder), database), (database, .folder(back))] {
            try copy(from, to)
            let moved = try DataStore(opening: to, limits: limits)
            #expect(
                MessageKeys(secret: moved.log.commits.engine.secret).key(of: event("x")) == keys.key(of: event("x"))
            )
            let last = try await moved.log.lastSequence()
            let again = (0..<100).map { event("m\($0)", receivedAt: 1_700_000_000_000 + Int64($0)) }
            #expect(try await moved.log.append(again) == (1...100).map { .duplicate(of: $0) })
            #expect(try await moved.log.append([event("new \(last)")]) == [.stored(seq: last + 1)])
            #expect(try await moved.revisions.secrets(of: "main") == ["api_key": "geheim"])
            #expect(try await moved.sources.all().map(\.key) == ["key"])
            let known = try #require(try await moved.ledger.cursor(.live, of: "a")).id
            let next = try await moved.ledger.open(.metrics, of: "\(last)", startingAt: 0).id
            #expect(next > known)
            try moved.close()
        }
    }

    @Test func `goes on behind numbers of which nothing is left`() async throws {
        let database = try await database()
        let store = try DataStore(opening: .folder(folder))
        try await append(0..<10, store)
        _ = try await store.ledger.open(.live, of: "gone", startingAt: 0)
        try await store.log.commits.commit { connection in
            try connection.run("DELETE FROM events")
            try connection.run("DELETE FROM cursors")
        }
        try store.close()
        for (from, to) in [(DataStore.Location.folder(folder), database), (database, .folder(back))] {
            try copy(from, to)
        }
        for location in [database, .folder(back)] {
            let moved = try DataStore(opening: location)
            #expect(try await moved.log.append([event("next")]) == [.stored(seq: 11)])
            #expect(try await moved.ledger.open(.live, of: "next", startingAt: 0).id == 2)
            try moved.close()
        }
    }

    // MARK: Refused

    @Test func `does not go into another log`() async throws {
        var chance = SeededGenerator(for: "other logs")
        try await fill(folder, events: 3, &chance)
        let database = try await database()
        let other = try DataStore(opening: database)
        _ = try await other.log.append([event("theirs")])
        let used = refusal { try copy(.folder(folder), database) }
        #expect(used?.code == .locked)
        try other.close()
        let full = refusal { try copy(.folder(folder), database) }
        #expect(full?.code == .refused && full?.description.contains("DROP SCHEMA ferry") == true)
        try DataStore(opening: database).close()
        // Nor into the half of one.
        _ = refusal { _ = try LogCopy.run(from: database, to: .folder(back)) { _ in throw StorageError(.other, "") } }
        let half = refusal { try copy(.folder(folder), .folder(back)) }
        #expect(half?.code == .refused && half?.description.contains("part of another log") == true)
        try copy(database, .folder(back))
        // Nor is what is whole copied to once more.
        let again = refusal { try copy(database, .folder(back)) }
        #expect(again?.code == .refused && again?.description.contains("holds this log already") == true)
        #expect(refusal { try copy(.folder(folder), .folder(folder)) }?.code == .refused)
    }

    @Test func `has to be there`() async throws {
        let empty = try await database()
        for from in [DataStore.Location.memory, .folder(scratch.path + "/none"), empty] {
            #expect(refusal { try copy(from, .folder(back)) }?.code == .refused)
        }
        #expect(!FileManager.default.fileExists(atPath: back))
        try DataStore(opening: .folder(folder)).close()
        #expect(refusal { try copy(.folder(folder), .memory) }?.code == .refused)
        let queue = try DatabaseQueue(path: folder + "/ferry.db")
        try await queue.write { try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier LIKE '%traces'") }
        try queue.close()
        let earlier = refusal { try copy(.folder(folder), empty) }
        #expect(earlier?.description.contains("an earlier version") == true)
    }

    @Test func `takes the key of its secrets along, never over another one, and says where it is missing`() async throws
    {
        let store = try DataStore(opening: .folder(folder))
        _ = try await store.sources.add("shop", key: "key")
        try store.close()
        let bare = try LogCopy.run(from: .folder(folder), to: try await database())
        #expect(bare == .whole(events: 0, last: 0, changed: 0, .missing(from: folder)))
        let place = scratch.path + "/place"
        let database = try await database(folder: place)
        #expect(
            try LogCopy.run(from: .folder(folder), to: database) == .whole(events: 0, last: 0, changed: 0, .present)
        )
        let mode = try FileManager.default.attributesOfItem(atPath: place + "/seal.key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // A folder with a key of its own.
        try DataStore(opening: .folder(back)).close()
        try FileManager.default.removeItem(atPath: back + "/ferry.db")
        let other = refusal { try copy(database, .folder(back)) }
        #expect(other?.code == .refused && other?.description.contains("\(back)/seal.key") == true)
        try FileManager.default.removeItem(atPath: back + "/seal.key")
        try copy(database, .folder(back))
        let moved = try DataStore(opening: .folder(back))
        #expect(try await moved.sources.all().map(\.key) == ["key"])
        try moved.close()
    }
}

extension DataStore {
    /// Takes something out of it and closes it.
    fileprivate func closing<Value>(_ body: (DataStore) -> Value) throws -> Value {
        defer { try? close() }
        return body(self)
    }
}
