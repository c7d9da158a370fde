import LosslessJSON
import Storage
import Testing

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
}
