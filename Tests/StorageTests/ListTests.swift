import GRDB
import LosslessJSON
import Synchronization
import Testing
import Workspaces

@testable import Storage

/// What a list of people or objects costs, and where it ends.
@Suite(.timeLimit(.minutes(2))) struct `Lists of a workspace` {
    private static func addPeople(_ numbers: Range<Int>, to workspace: WorkspaceTransaction) throws {
        for number in numbers {
            let person = try workspace.addPerson(id: "u\(number)", email: nil, madeAt: 0) { "\($0)-\($1)" }
            for token in ["a", "b"] {
                try workspace.setDevice(
                    StoredDevice(
                        person: person.key,
                        token: "\(token)\(number)",
                        platform: "ios",
                        lastUsed: 0,
                        attributes: JSON.Object()
                    )
                )
            }
            let object = try workspace.addObject(type: 1, id: "o\(number)", madeAt: 0) { "ob\($0)-\($1)" }
            try workspace.setRelationship(of: person.key, with: object.key, attributes: AttributeSet())
            try workspace.add(person.key, toSegment: 7)
            try workspace.log(
                ActivityEntry(subject: .person(person.key), type: "event", timestamp: 0, loggedAt: 0, name: "Ordered")
            )
        }
    }

    @Test func `take as many statements for a hundred members as for one`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        let workspace = Workspace(name: "w", in: store)
        let count = Mutex(0)
        try await #require(store.sqlite).writer.writeWithoutTransaction { connection in
            connection.trace(options: .statement) { _ in count.withLock { $0 += 1 } }
        }
        var counts: [[Int]] = []
        for numbers in [0..<1, 1..<100] {
            try await store.write(in: "w") { try Self.addPeople(numbers, to: $0) }
            let page = try #require(Page(limit: 1000))
            let reads: [() async throws -> JSON?] = [
                { try await workspace.people(page) }, { try await workspace.objects(page) },
                { try await workspace.people(inSegment: "7", page) }, { try await workspace.activity(page) },
                { try await workspace.activity(of: nil, ActivityFilter(type: "event"), page)?.list },
            ]
            counts.append([])
            for read in reads {
                count.withLock { $0 = 0 }
                let items = try await read()?["items"]?.arrayValue
                #expect(items?.count == numbers.upperBound)
                counts[counts.count - 1].append(count.withLock(\.self))
            }
        }
        #expect(counts[0].allSatisfy { $0 > 1 })
        #expect(counts[0] == counts[1])
    }

    @Test(arguments: Engine.all)
    func `show the beginning of what a member has very much of, and say so`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let workspace = Workspace(name: "w", in: store)
        let most = WorkspaceTransaction.belongings
        try await store.write(in: "w") { transaction in
            let all = try transaction.addObject(type: 1, id: "all", madeAt: 0) { "ob\($0)-\($1)" }
            let few = try transaction.addObject(type: 1, id: "few", madeAt: 0) { "ob\($0)-\($1)" }
            for number in 0...most {
                let person = try transaction.addPerson(id: "u\(number)", email: nil, madeAt: 0) { "\($0)-\($1)" }
                try transaction.setRelationship(of: person.key, with: all.key, attributes: AttributeSet())
                guard number == 5 else { continue }
                try transaction.setRelationship(of: person.key, with: few.key, attributes: AttributeSet())
                for segment in 0...Int64(most) { try transaction.add(person.key, toSegment: segment + 1) }
            }
        }
        let object = try await workspace.object(type: "1", id: "all")
        #expect(object?["relationships"]?.arrayValue?.count == most)
        #expect(object?["cut"] == ["relationships"])
        let few = try await workspace.object(type: "1", id: "few")
        #expect(few?["relationships"]?.arrayValue?.count == 1 && few?["cut"] == nil)
        let person = try await workspace.person("u5")
        #expect(person?["segments"]?.arrayValue?.count == most && person?["cut"] == ["segments"])
        #expect(person?["relationships"]?.arrayValue?.count == 2)
        var (ids, cursor): ([String], String?) = ([], nil)
        repeat {
            let page = try #require(Page(limit: 400, after: cursor))
            let list = try await workspace.relationships(ofObject: "all", type: "1", page)
            ids += list?["items"]?.arrayValue?.compactMap { $0["identifiers"]?["id"]?.stringValue } ?? []
            cursor = list?["next"]?.stringValue
        } while cursor != nil
        #expect(ids == (0...most).map { "u\($0)" })
        let page = try #require(Page())
        #expect(try await workspace.relationships(ofObject: "none", type: "1", page) == nil)
        #expect(try await workspace.relationships(ofObject: "all", type: "x", page) == nil)
    }

    @Test(arguments: Engine.all) func `are of one workspace`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        for name in ["one", "two"] { try await store.write(in: name) { try Self.addPeople(0..<3, to: $0) } }
        let page = try #require(Page())
        for name in ["one", "two"] {
            let people = try await Workspace(name: name, in: store).people(page)["items"]?.arrayValue ?? []
            #expect(people.count == 3)
            #expect(people.allSatisfy { $0["devices"]?.arrayValue?.count == 2 && $0["segments"] == [7] })
        }
    }
}
