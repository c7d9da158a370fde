import Dispatch
import Foundation
import LosslessJSON
import Seeding
import Testing

@testable import Storage

/// Erasing on real files, piece by piece.
@Suite(.timeLimit(.minutes(2))) struct `Erasing from the files` {
    private static let email = "Ann.Gone@example.com"
    private static let values = ["user-7f3a", email, "anon-51c2"]

    /// As delivery reads an event: whose `userId` or `anonymousId` it is, and what an identify ties.
    private static func reading(_ erasure: Erasure) -> Erasures.Reading {
        let texts = erasure.person?.texts ?? []
        return { body in
            guard let message = try? JSON(parsing: body) else { return .none }
            let ids = [message["userId"]?.stringValue, message["anonymousId"]?.stringValue].compactMap { $0 }
            guard ids.contains(where: texts.contains) else { return .none }
            return .theirs(tiedId: message["type"] == "identify" ? message["anonymousId"]?.stringValue : nil)
        }
    }

    /// Does the next piece of an erasure, as delivery does.
    private func step(
        _ erasure: Erasure,
        in store: DataStore,
        smallBytes: Int64 = Erasures.smallBytes
    ) async throws -> Erasure {
        switch erasure.stage {
        case .looking:
            let (next, isOver) = try await store.erasures.look(for: erasure, Self.reading(erasure))
            return isOver ? try await store.erasures.move(next, to: .removing) : next
        case .removing:
            let (next, _, isOver) = try await store.erasures.remove(for: erasure, Self.reading(erasure), at: 60_000)
            return isOver ? try await store.erasures.move(next, to: .cleaning) : next
        case .cleaning:
            try await store.erasures.cleanTexts(for: erasure, Self.reading(erasure), at: 60_000)
            try await store.erasures.cleanWorkspaces(for: erasure, .untold)
            return try await store.erasures.move(erasure, to: .telling)
        case .telling: return try await store.erasures.forget(erasure)
        case .sweeping:
            try await store.erasures.rewrite(smallBytes: smallBytes)
            while try await !store.erasures.cutJournals() { try await Task.sleep(for: .milliseconds(5)) }
            return try await store.erasures.move(erasure, to: .done, at: 9)
        case .done: return erasure
        }
    }

    private func ask(_ store: DataStore) async throws -> Erasure {
        try await store.erasures.add(NewErasure(.init(userId: Self.values[0], email: Self.email), startedAt: 1))
    }

    private func logged(_ body: JSON, name: String? = nil) -> NewEvent {
        NewEvent(
            source: "web",
            messageId: "m-\(body["n"] ?? 0)",
            type: body["type"]?.stringValue ?? "track",
            name: name,
            userId: body["userId"]?.stringValue,
            anonymousId: body["anonymousId"]?.stringValue,
            receivedAt: 1_700_000_000_000,
            body: Array(body.description.utf8),
            deduplicates: true
        )
    }

    /// Everything there is, in which the person stands in every place that can hold a text. The events 1 to 3 are theirs.
    private func fill(_ store: DataStore) async throws {
        let (id, email, anonymous) = (JSON.string(Self.values[0]), JSON.string(Self.email), JSON.string(Self.values[2]))
        _ = try await store.log.append([
            logged(["n": 1, "anonymousId": anonymous], name: "Seen"),
            logged(["n": 2, "type": "identify", "userId": id, "anonymousId": anonymous, "traits": ["email": email]]),
            logged(["n": 3, "userId": id, "blob": .string(String(repeating: "user-7f3a ", count: 2_000))]),
            logged(["n": 4, "userId": "other", "by": email], name: "Visited by \(Self.email)"),
            logged(["n": 5, "userId": "other", "price": 42]),
        ])
        try await fillLedger(store)
        try await store.refusedMessages.record([
            RefusedMessage(
                source: "web",
                code: "c",
                reason: "the id \(Self.values[0]) is bad",
                raw: Array(#"{"userId":"other","traits":{"email":"ann.gone\u0040example.com"}}"#.utf8),
                envelope: Array(#"{"context":{"traits":{"email":"ANN.GONE@example.com"}}}"#.utf8),
                receivedAt: 1_700_000_000_000
            ),
            RefusedMessage(
                source: "web",
                code: "c",
                reason: "theirs",
                raw: Array(#"{"userId":"user-7f3a","traits":{"phone":"+49"}}"#.utf8),
                receivedAt: 1_700_000_000_000
            ),
        ])
        try await fillWorkspace(store)
    }

    private func fillLedger(_ store: DataStore) async throws {
        let cursor = try await store.ledger.open(.live, of: "i", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 5)
        commit.rows = [
            StoredOperation(seq: 2, place: 0, action: "a", state: .failed, at: 0, words: "400 \(Self.email) is bad"),
            StoredOperation(seq: 3, place: 0, action: "b", state: .open, claims: [8], at: 0, words: "500 user-7f3a"),
            StoredOperation(seq: 4, place: 0, action: "a", state: .failed, at: 0, words: "400 \(Self.email) is bad"),
        ]
        let place = OperationID(seq: 4, place: 0)
        let words = "500 \(Self.email)"
        commit.requests = [
            SentRequest(operations: [place], sentAt: 0, milliseconds: 1, status: 500, words: words),
            SentRequest(operations: [place], sentAt: 0, milliseconds: 1, status: 200, words: nil),
        ]
        commit.tallies = [.init(minute: 0, verdict: #"{"planned":["a"]}"#, count: 3)]
        try await store.ledger.record(commit)
        var selection = Job.Selection(first: 1, last: 5)
        selection.userId = Self.values[0]
        selection.words = words
        _ = try await store.jobs.add(NewJob(.replay, integration: "i", selection: selection, startedAt: 0))
    }

    private func fillWorkspace(_ store: DataStore) async throws {
        let (id, email, anonymous) = (Self.values[0], Self.email, Self.values[2])
        try await store.workspaces.write(in: "w") { workspace in
            let person = try workspace.addPerson(id: id, email: nil, madeAt: 0) { "\($0)-\($1)" }
            let byEmail = try workspace.addPerson(id: "x", email: email, madeAt: 0) { "\($0)-\($1)" }
            _ = try workspace.addPerson(id: email.uppercased(), email: nil, madeAt: 0) { "\($0)-\($1)" }
            let other = try workspace.addPerson(id: "other", email: nil, madeAt: 0) { "\($0)-\($1)" }
            let object = try workspace.addObject(type: 1, id: "o", madeAt: 0) { "\($0)-\($1)" }
            for name in [id, email] {
                _ = try workspace.addObject(type: 1, id: name, madeAt: 0) { "\($0)-\($1)" }
            }
            var attributes = AttributeSet()
            attributes.set(.init(name: "by", value: .string(email), time: 1))
            attributes.set(.init(name: "phone", value: .string(id), time: 1))
            for key in [person.key, byEmail.key, other.key] { try workspace.setAttributes(attributes, of: key) }
            try workspace.setAttributes(attributes, of: object.key)
            for key in [person.key, other.key] {
                try workspace.setRelationship(of: key, with: object.key, attributes: attributes)
            }
            try workspace.holdRelationship(ofAnonymous: anonymous, with: object.key, attributes: attributes)
            for (key, token) in [(person.key, "t1"), (other.key, "t2"), (other.key, "phone of \(id)")] {
                let data: JSON.Object = ["owner": .string(id)]
                let device = StoredDevice(person: key, token: token, platform: "ios", lastUsed: 0, attributes: data)
                try workspace.setDevice(device)
            }
            try workspace.join(anonymousId: anonymous, with: other.key, at: 0)
            for _ in 0..<1_234 {
                try workspace.log(ActivityEntry(subject: .person(person.key), type: "event", timestamp: 0, loggedAt: 0))
            }
            let subjects: [ActivityEntry.Subject] = [
                .person(person.key), .person(other.key), .anonymous(anonymous),
                .nobody(identifiers: ["id": .string(id), "email": .string(email)]),
            ]
            for subject in subjects {
                let data: JSON = ["email": .string(email)]
                var entry = ActivityEntry(subject: subject, type: "event", timestamp: 0, loggedAt: 0)
                (entry.name, entry.data) = (id, data)
                try workspace.log(entry)
            }
            _ = try workspace.rememberEvent("event of \(id)", at: 0, knownSince: nil)
            let recipient: JSON.Object = ["recipient": .string(email)]
            try workspace.record(DeliveryMetric(deliveryId: id, name: "opened", timestamp: 0, data: recipient))
            try workspace.suppress([.email(email), .id(id)])
        }
    }

    /// Which values stand in the raw bytes of which files, whatever their case and spelling.
    private func found(
        _ values: [String] = values + [#"ann.gone\u0040example.com"#],
        in scratch: ScratchFolder
    ) throws -> [String] {
        let folder = scratch.path + "/data"
        return try FileManager.default.contentsOfDirectory(atPath: folder).flatMap { name in
            let data = try Data(contentsOf: URL(filePath: folder + "/" + name))
            let bytes = Data(data.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 })
            return values.filter { bytes.range(of: Data($0.lowercased().utf8)) != nil }.map { "\(name): \($0)" }
        }
    }

    /// Which values stand in which columns of a database, whatever their case.
    private func found(in store: DataStore) async throws -> [String] {
        try await store.log.commits.engine.read { connection in
            guard case .postgres = connection.engine else { return [] }
            let columns = try connection.rows(
                """
                SELECT table_name::TEXT, column_name::TEXT, data_type = 'bytea' FROM information_schema.columns
                WHERE table_schema = current_schema() AND data_type IN ('text', 'bytea')
                """
            )
            return try columns.flatMap { row in
                let (table, column) = (try row.text(0), try row.text(1))
                let text = try row.integer(2) != 0 ? "encode(\(column), 'escape')" : column
                return try Self.values.filter { value in
                    try connection.row(
                        "SELECT 1 FROM \(table) WHERE strpos(lower(\(text)), lower(?)) > 0",
                        [Text(value)]
                    ) != nil
                }.map { "\(table).\(column): \($0)" }
            }
        }
    }

    private func expectErased(_ store: DataStore, _ scratch: ScratchFolder) async throws {
        #expect(try found(in: scratch).isEmpty)
        #expect(try await found(in: store).isEmpty)
        let events = try await store.log.read(after: 0, limit: 10)
        #expect(events.map(\.isErased) == [true, true, true, false, false])
        #expect(events.map(\.seq) == [1, 2, 3, 4, 5] && events.allSatisfy { $0.receivedAt == 1_700_000_000_000 })
        let other = try JSON(parsing: events[3].body)
        #expect(other["by"] == "[erased]" && other["userId"] == "other")
        #expect(try JSON(parsing: events[4].body)["price"] == 42)
        let listed = try await store.log.search(EventFilter(), limit: 10).events
        #expect(listed.map(\.name) == [nil, "Visited by [erased]", nil, nil, nil])
        #expect(listed.map(\.isErased) == [false, false, true, true, true])

        let failures = try await store.failures.list(FailureFilter(), limit: 10).failures
        #expect(failures.map(\.operation.words) == ["400 [erased] is bad"])
        let counted = try #require(try await store.ledger.counted(.live, of: "i"))
        #expect(counted.verdicts[#"{"erased":["a"]}"#] == 1)
        // It waits until its turn comes; its row tells nothing.
        #expect(try await store.ledger.openOperations(of: counted.cursor.id, limit: 9).map(\.words) == [""])
        let requests = try await store.ledger.requests(of: counted.cursor.id, withEvent: 4)
        #expect(requests.map(\.words) == ["500 [erased]", nil])
        let job = try await store.jobs.job(1)
        #expect(job?.selection.userId == "[erased]" && job?.selection.words == "500 [erased]")
        let kept = try await store.refusedMessages.list(limit: 9)
        #expect(kept.count == 1)
        let refused = try #require(kept.first?.message)
        #expect(refused.reason == "the id [erased] is bad")
        #expect(try JSON(parsing: refused.raw)["traits"]?["email"] == "[erased]")
        #expect(try await store.refusedMessages.bytes() == Int64(refused.size))

        try await store.workspaces.read(in: "w") { workspace in
            #expect(try workspace.people(after: nil, limit: 9).map(\.id) == ["other"])
            let counts = try workspace.counts()
            #expect(counts.devices == 1 && counts.relationships == 1 && counts.activity == 2)
            #expect(try workspace.activity(before: nil, limit: 9).map(\.name) == ["[erased]", "[erased]"])
            #expect(try workspace.person(joinedWith: Self.values[2]) == nil)
            #expect(try workspace.objects(after: nil, limit: 9).map(\.id) == ["o", "[erased] 2", "[erased] 3"])
            #expect(try workspace.isSuppressed(.email(Self.email.uppercased())))
            #expect(try workspace.isSuppressed(.id(Self.values[0])))
        }
    }

    @Test(arguments: Engine.all) func `leaves no trace in any of them, whatever held it`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        try await fill(store)
        #expect(try found(in: scratch).isEmpty == (engine == .postgres))
        #expect(try await found(in: store).isEmpty == (engine == .sqlite))
        var erasure = try await ask(store)
        while erasure.stage != .done { erasure = try await step(erasure, in: store) }
        try await expectErased(store, scratch)
        #expect(erasure.receipt.events == 3 && erasure.receipt.operations == 1 && erasure.receipt.people == 3)
        #expect(erasure.receipt.activities == 1_234 + 2)
        #expect(erasure.person == nil && erasure.endedAt == 9)
        // What the SDK sends again is still known.
        let again: JSON = ["n": 1, "anonymousId": .string(Self.values[2])]
        #expect(try await store.log.append([logged(again, name: "Seen")]) == [.duplicate(of: 1)])
        try store.close()
        if engine == .sqlite {
            let verification = try LogVerification(of: scratch.path + "/data") { (try? JSON(parsing: $0)) != nil }
            #expect(verification.problems.isEmpty)
        }
        #expect(try found(in: scratch).isEmpty)
    }

    @Test(arguments: Engine.all) func `removes whoever has the address as an attribute, where people are known by id`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let values: [JSON] = [.string(Self.email.uppercased()), "other@x.com", 7, ["a": .string(Self.email)], []]
        try await store.workspaces.write(in: "w") { workspace in
            for (number, value) in values.enumerated() {
                let person = try workspace.addPerson(id: "p\(number)", email: nil, madeAt: 0) { "\($0)-\($1)" }
                var attributes = AttributeSet()
                attributes.set(AttributeSet.Entry(name: "email", value: value, time: 0))
                attributes.set(AttributeSet.Entry(name: "plan", value: "pro", time: 0))
                try workspace.setAttributes(attributes, of: person.key)
            }
        }
        var erasure = try await ask(store)
        while erasure.stage != .telling { erasure = try await step(erasure, in: store) }
        let left = try await store.workspaces.read(in: "w") { try $0.people(after: nil, limit: 10).map(\.id) }
        #expect(left == ["p1", "p2", "p3", "p4"])
    }

    @Test(arguments: Engine.all) func `goes on from where it was, between any two pieces`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        var store = try DataStore(opening: data)
        try await fill(store)
        var erasure = try await ask(store)
        var stages: [Erasure.Stage] = []
        while erasure.stage != .done {
            stages.append(erasure.stage)
            // Done, and not written down that it was: it is done again.
            if stages.count % 2 == 0 { _ = try await step(erasure, in: store) }
            try store.close()
            store = try DataStore(opening: data)
            let left = try await store.erasures.unfinished()
            guard let next = left.first else { break }
            erasure = try await step(next, in: store)
        }
        try await expectErased(store, scratch)
        #expect(Set(stages).count >= 4)
        let receipt = try #require(try await store.erasures.erasure(1)).receipt
        #expect(receipt.events == 3 && receipt.operations == 1 && receipt.people == 3)
    }

    @Test(arguments: Engine.all) func `of many events is done in pieces, and leaves those that came later`(
        engine: Engine
    ) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        for batch in 0..<5 {
            let events = (0..<1_000).map { number -> NewEvent in
                let who = number % 3 == 0 ? Self.values[0] : "other"
                return logged(["n": JSON(integerLiteral: Int64(batch * 1_000 + number)), "userId": .string(who)])
            }
            _ = try await store.log.append(events)
        }
        var erasure = try await ask(store)
        _ = try await store.log.append([logged(["n": 9_999, "userId": .string(Self.values[0])])])
        var pieces = 0
        while erasure.stage != .cleaning {
            erasure = try await step(erasure, in: store)
            if erasure.stage == .removing { pieces += 1 }
        }
        #expect(pieces >= 3)
        #expect(erasure.receipt.events == 1_670)
        let left = try await store.log.read(after: 0, limit: .max).filter { !$0.isErased }
        #expect(left.count == 5_001 - 1_670 && left.last?.seq == 5_001)
        #expect(left.dropLast().allSatisfy { !String(decoding: $0.body, as: UTF8.self).contains(Self.values[0]) })
    }

    /// Rows move from page to page as others come and go; no copy of them stays behind.
    @Test(arguments: Engine.all, [0, Erasures.smallBytes])
    func `of many people, one after the other, leaves no trace of any`(engine: Engine, smallBytes: Int64) async throws {
        var chance = SeededGenerator(for: "Erasing")
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        let people = (0..<30).map { "person-\($0)-\(UInt32.random(in: 0...UInt32.max, using: &chance))" }
        let cursor = try await store.ledger.open(.live, of: "i", startingAt: 0)
        for round in 0..<20 {
            let owners = (0..<40).map { _ in chance.pick(people) }
            let events = owners.enumerated().map { number, owner -> NewEvent in
                let padding = String(repeating: "x", count: Int.random(in: 0...3_000, using: &chance))
                let number = JSON(integerLiteral: Int64(round * 100 + number))
                return logged(["n": number, "userId": .string(owner), "p": .string(padding)])
            }
            _ = try await store.log.append(events)
            var commit = CursorCommit(cursor: cursor.id, position: Int64(round * 40 + 40))
            commit.rows = owners.enumerated().map { number, owner in
                let words = "400 \(owner) is bad" + String(repeating: "!", count: number * 9)
                let seq = Int64(round * 40 + number + 1)
                return StoredOperation(seq: seq, place: 0, action: "a", state: .failed, at: 0, words: words)
            }
            try await store.ledger.record(commit)
            try await store.workspaces.write(in: "w") { workspace in
                for owner in owners where try workspace.person(.id(owner)) == nil {
                    let person = try workspace.addPerson(id: owner, email: "\(owner)@x.co", madeAt: 0) { "\($0)-\($1)" }
                    let device = StoredDevice(
                        person: person.key,
                        token: owner,
                        platform: "ios",
                        lastUsed: 0,
                        attributes: [:]
                    )
                    try workspace.setDevice(device)
                    try workspace.join(anonymousId: "a-\(owner)", with: person.key, at: 0)
                }
            }
            let gone = chance.pick(people)
            var erasure = try await store.erasures.add(NewErasure(.init(userId: gone), startedAt: 1))
            while erasure.stage != .done {
                erasure = try await step(erasure, in: store, smallBytes: smallBytes)
            }
            let traces = try found([gone], in: scratch)
            #expect(traces.isEmpty, "round \(round): \(traces)")
        }
    }

    @Test(arguments: Engine.all) func `finds events that retention keeps beside the log`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        try await fill(store)
        let policy = LogRetention.Policy(milliseconds: 0, bytes: .max, dropsUnsettled: false, integrations: [])
        _ = try await store.retention.sweep(policy, at: 1_800_000_000_000)
        #expect(try await store.log.count() == 0)
        #expect(try await store.log.read([2, 3, 4]).count == 3)
        var erasure = try await ask(store)
        while erasure.stage != .done { erasure = try await step(erasure, in: store) }
        #expect(erasure.receipt.events == 2)
        #expect(try await store.log.read([2, 3, 4]).map(\.isErased) == [true, false])
        #expect(try found(in: scratch).isEmpty)
    }

    @Test func `waits for a reader who is still there, and holds up nobody who writes`() async throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data)
        try await fill(store)
        let (isReading, isOver) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let database = try #require(store.sqlite)
        async let read: Void = database.read { connection in
            _ = try connection.rows("SELECT seq FROM events")
            isReading.signal()
            isOver.wait()
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                isReading.wait()
                continuation.resume()
            }
        }
        _ = try await store.log.append([logged(["n": 6])])
        #expect(try await store.erasures.cutJournals() == false)
        _ = try await store.log.append([logged(["n": 7])])
        isOver.signal()
        try await read
        while try await !store.erasures.cutJournals() { try await Task.sleep(for: .milliseconds(5)) }
        let journal = try FileManager.default.attributesOfItem(atPath: scratch.path + "/data/ferry.db-wal")
        #expect(journal[.size] as? Int == 0)
    }
}
