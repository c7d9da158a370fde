import Foundation
import GRDB
import LosslessJSON
import PostgresServer
import Testing

@testable import Storage

@Suite struct `Workspace store` {
    @Test(arguments: Engine.all) func `keeps identifiers apart that differ by a byte`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: try await engine.data(in: scratch)).workspaces
        let ids = ["a", "a\u{0}", "a\u{0}b", "A", "\u{e9}", "e\u{301}", " a"]
        let found = try await store.write(in: "w") { workspace in
            for id in ids {
                _ = try workspace.addPerson(id: id, email: nil, madeAt: 1) { "\($0)-\($1)" }
            }
            return try ids.map { try workspace.person(.id($0))?.id }
        }
        #expect(zip(found, ids).allSatisfy { $0?.hasSameBytes(as: $1) ?? false })
    }

    @Test(arguments: Engine.all) func `finds e-mail addresses whatever their case, and keeps their case`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let person = try await store.write(in: "w") { workspace in
            _ = try workspace.addPerson(id: nil, email: "Ada@Example.com", madeAt: 1) { "\($0)-\($1)" }
            return try workspace.person(.email("aDA@eXAMPLE.COM"))
        }
        #expect(person?.email == "Ada@Example.com")
    }

    @Test(arguments: Engine.all) func `workspaces do not see one another`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        for name in ["one", "two"] {
            let cioId = try await store.write(in: name) { workspace in
                try workspace.suppress([.id("blocked in \(name)")])
                return try workspace.addPerson(id: "u1", email: nil, madeAt: 1) { "\($0)-\($1)" }.cioId
            }
            #expect(cioId == (name == "one" ? "1-1" : "2-1"))
        }
        try await store.write(in: "one") { try $0.removeEverything() }
        #expect(try await store.read(in: "one") { try $0.counts() } == WorkspaceCounts())
        #expect(try await store.read(in: "two") { try $0.counts().people } == 1)
        #expect(try await store.read(in: "two") { try $0.isSuppressed(.id("blocked in one")) } == false)
        #expect(try await store.read(in: "never written") { try $0.counts() } == WorkspaceCounts())
        #expect(try await store.names() == ["one", "two"])
    }

    @Test(arguments: Engine.all) func `are opened by one key, and a site id opens one`(engine: Engine) async throws {
        typealias Keys = WorkspaceStore.Keys
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let keys = Keys(workspace: "w", siteId: "s", apiKey: "k")
        #expect(try await store.keep(keys))
        #expect(try await store.keep(keys), "who comes again")
        for other in [
            Keys(workspace: "w", siteId: "s", apiKey: "other"), Keys(workspace: "w", siteId: "other", apiKey: "k"),
            Keys(workspace: "other", siteId: "s", apiKey: "k"), Keys(workspace: "other", siteId: "s", apiKey: "other"),
        ] {
            #expect(try await !store.keep(other))
        }
        #expect(try await store.keptKeys() == [keys])
        let wished = Keys(workspace: "w", siteId: "s", apiKey: "k", traits: ["region": "eu"])
        #expect(try await store.keep(wished))
        #expect(try await !store.keep(wished), "it was asked for before")
        #expect(try await store.keptKeys() == [wished])
        #expect(try await store.keptKeys { $0 != "w" } == [])
    }

    @Test(arguments: Engine.all) func `forgets what is as old in the order of its receipt`(engine: Engine) async throws
    {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let names = try await store.write(in: "w") { workspace in
            for number in 0..<400 {
                // Not in one order for the whole of the table.
                let entry = ActivityEntry(
                    subject: .anonymous("a"),
                    type: "event",
                    timestamp: 0,
                    loggedAt: number % 4 == 0 ? 5 : 4,
                    name: "\(number)"
                )
                try workspace.log(entry)
            }
            for _ in 0..<3 { try workspace.forgetAnonymousActivity(loggedBefore: 6, limit: 100) }
            return try workspace.activity(before: nil, limit: 1_000).map(\.name)
        }
        #expect(names.reversed() == (0..<100).map { "\($0 * 4)" })
    }

    @Test(arguments: Engine.all) func `stores nothing of a transaction that throws`(engine: Engine) async throws {
        struct Stop: Error {}
        let store = try DataStore(opening: try await engine.empty()).workspaces
        await #expect(throws: StorageError.self) {
            try await store.write(in: "w") { workspace in
                _ = try workspace.addPerson(id: "u1", email: nil, madeAt: 1) { "\($0)-\($1)" }
                throw Stop()
            }
        }
        #expect(try await store.read(in: "w") { try $0.counts() } == WorkspaceCounts())
    }

    @Test(arguments: Engine.all) func `keeps the text of numbers and the order of attributes`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: try await engine.data(in: scratch)).workspaces
        let text = #"{"z":1.10,"a":12345678901234567890,"nested":{"z":[1e2,null],"a":"\u0000"}}"#
        let values = try #require(try JSON(parsing: text).objectValue)
        let read = try await store.write(in: "w") { workspace in
            let person = try workspace.addPerson(id: "u1", email: nil, madeAt: 1) { "\($0)-\($1)" }
            var attributes = AttributeSet()
            for member in values {
                attributes.set(.init(name: member.key, value: member.value, time: 5))
            }
            attributes.set(.init(name: "gone", value: nil, time: 6))
            try workspace.setAttributes(attributes, of: person.key)
            return try workspace.attributes(of: person.key)
        }
        #expect(JSON.object(read.values).description == text)
        #expect(read["gone"]?.time == 6)
        #expect(read["gone"]?.value == nil)
        #expect(read["z"]?.time == 5)
        #expect(read.count == 3)
    }

    @Test func `forgets the oldest removed attributes first`() {
        var attributes = AttributeSet()
        attributes.set(.init(name: "kept", value: 1, time: 0))
        for time in [3, 1, 2] as [Int64] {
            attributes.set(.init(name: "removed at \(time)", value: nil, time: time))
        }
        attributes.forgetRemoved(beyond: 2)
        #expect(attributes.entries.map(\.name) == ["kept", "removed at 3", "removed at 2"])
    }

    @Test(arguments: Engine.all) func `finds people by phone, the first who has it`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let found = try await store.write(in: "w") { workspace in
            for (id, phone) in [("none", nil), ("long", String(repeating: "1", count: 33)), ("a", "+1"), ("b", "+1")] {
                let person = try workspace.addPerson(id: id, email: nil, madeAt: 1) { "\($0)-\($1)" }
                var attributes = AttributeSet()
                attributes.set(.init(name: "phone", value: phone.map(JSON.string), time: 1))
                try workspace.setAttributes(attributes, of: person.key)
            }
            let first = try workspace.person(.phone("+1"))
            if let first { try workspace.setAttributes(AttributeSet(), of: first.key) }
            return [first?.id, try workspace.person(.phone("+1"))?.id, try workspace.person(.phone("+2"))?.id]
        }
        #expect(found == ["a", "b", nil])
    }

    @Test func `has the phones and the suppressed of a file of an earlier version`() async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/data"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = try DatabaseQueue(path: folder + "/workspace.db")
        try WorkspaceSchema.migrator.migrate(file, upTo: "2026-11-26 ids of events by time")
        try await file.write { connection in
            try connection.execute(
                sql: """
                    INSERT INTO workspaces (name) VALUES ('v'), ('w');
                    INSERT INTO people (workspace, id, cio_id, made_at, attributes)
                        VALUES (2, 'a', '1', 0, '{"phone":["+1",5]}'), (2, 'b', '2', 0, '{"phone":[17,5]}'),
                            (2, 'c', '3', 0, '{"phone":[null,5]}'), (2, 'd', '4', 0, '{}');
                    """
            )
            let key = try Data.fetchOne(connection, sql: "SELECT value FROM secrets")
            let mark = SuppressionMarks.mark(of: "gone", "id", with: Array(try #require(key)))
            try connection.execute(
                sql: "INSERT INTO suppressed (workspace, kind, value, together) VALUES (2, 'id', ?, 1)",
                arguments: [mark]
            )
        }
        try file.close()
        let store = try DataStore(opening: .folder(folder)).workspaces
        let isSo = try await store.write(in: "w") { workspace in
            [
                try workspace.person(.phone("+1"))?.id == "a", try workspace.person(.phone("17")) == nil,
                try workspace.isSuppressed(.id("gone")), try !workspace.isSuppressed(.id("a")),
            ]
        }
        #expect(isSo == [true, true, true, true])
        #expect(try await store.read(in: "v") { try $0.isSuppressed(.id("gone")) } == false)
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `is written by one process at a time, and each sees what the other one has done`() async throws {
        let location = DataStore.Location.postgres(try await PostgresServer.shared().database(), folder: nil)
        let stores = [try DataStore(opening: location), try DataStore(opening: location)]
        // Each adds one to a number that it has read, and makes a person of it; all begin with a new workspace.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    try await stores[number % 2].workspaces.write(in: "w\(number % 3)") { workspace in
                        let last = try workspace.people(after: nil, limit: 1_000).last?.id.flatMap { Int($0) } ?? 0
                        _ = try workspace.addPerson(id: "\(last + 1)", email: nil, madeAt: 0) { "\($0)-\($1)" }
                    }
                }
            }
            try await group.waitForAll()
        }
        let counts = try await [0, 1, 2].asyncMap { number in
            try await stores[0].workspaces.read(in: "w\(number)") { workspace in
                try workspace.people(after: nil, limit: 1_000).map {
                    "\($0.id ?? "") \($0.cioId.split(separator: "-")[1])"
                }
            }
        }
        #expect(counts == [34, 33, 33].map { count in (1...count).map { "\($0) \($0)" } })
        #expect(try await Set(stores[1].workspaces.names()) == ["w0", "w1", "w2"])
        for store in stores { try store.close() }
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `tells all who wait of a database that stands still, within the time of one`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let write = { @Sendable (number: Int) in
            try await store.workspaces.write(in: "w") { try $0.registerForm("\(number)", at: 0) }
        }
        try await write(0)
        server.freeze(true)
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for number in 1...30 {
                group.addTask {
                    let error = await #expect(throws: StorageError.self) { try await write(number) }
                    #expect(error?.code == .unavailable)
                }
            }
        }
        // One finds that nothing is begun, and the others that there is no connection.
        #expect(ContinuousClock.now - start < .seconds(20))
        server.freeze(false)
        try await write(31)
        try store.close()
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `is restored beside others who write`() async throws {
        let location = DataStore.Location.postgres(try await PostgresServer.shared().database(), folder: nil)
        let (one, two) = (try DataStore(opening: location), try DataStore(opening: location))
        let add = { @Sendable (store: DataStore, name: String, id: String) in
            try await store.workspaces.write(in: name) { workspace in
                let person = try workspace.addPerson(id: id, email: nil, madeAt: 0) { "\($0)-\($1)" }
                try workspace.log(
                    ActivityEntry(subject: .person(person.key), type: "event", timestamp: 0, loggedAt: 0, name: id)
                )
            }
        }
        for number in 0..<20 { try await add(one, "a", "\(number)") }
        let snapshot = try #require(try await one.workspaces.read(in: "a") { try $0.snapshot(upTo: 1 << 20) })
        let content = try WorkspaceSnapshot.Content(snapshot)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for number in 0..<100 { try await add(two, "b", "\(number)") } }
            group.addTask { for number in 100..<150 { try await add(two, "a", "\(number)") } }
            for name in ["a", "c", "d"] {
                group.addTask {
                    for _ in 0..<5 { try await one.workspaces.write(in: name) { try $0.restore(content) } }
                }
            }
            try await group.waitForAll()
        }
        for (name, count) in [("b", 100), ("c", 20), ("d", 20)] {
            let owners = try await two.workspaces.read(in: name) { workspace in
                try workspace.activity(before: nil, limit: 1_000).map { ($0.person?.id, $0.name) }
            }
            #expect(owners.count == count && owners.allSatisfy { $0.0 == $0.1 }, "\(name)")
        }
        try one.close()
        try two.close()
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
