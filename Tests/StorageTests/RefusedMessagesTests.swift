import Storage
import Testing

@Suite struct `Refused messages` {
    func message(_ text: String, source: String? = "web") -> RefusedMessage {
        RefusedMessage(
            source: source,
            code: "invalid_type",
            reason: "userId: must be a string",
            raw: Array(text.utf8),
            receivedAt: 1_700_000_000_000
        )
    }

    @Test(arguments: Engine.all) func `are listed in the order of receipt, also after a restart`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        try await store.refusedMessages.record([message("a"), message("b", source: nil)])
        try await store.refusedMessages.record([message("c")])
        try await store.refusedMessages.record([])
        try store.close()
        let again = try DataStore(opening: data)
        let listed = try await again.refusedMessages.list(limit: 2)
        #expect(listed.map(\.message) == [message("a"), message("b", source: nil)])
        let rest = try await again.refusedMessages.list(after: listed[1].number, limit: 10)
        #expect(rest.map(\.message) == [message("c")])
        #expect(try await again.refusedMessages.count() == 3)
        #expect(try await again.refusedMessages.bytes() == 3 * (1 + 256))
    }

    @Test(arguments: Engine.all, [Int64.min, -1, 0, 2, .max])
    func `there is none of a number that none has`(engine: Engine, number: Int64) async throws {
        let store = try DataStore(opening: try await engine.empty())
        try await store.refusedMessages.record([message("a")])
        #expect(try await store.refusedMessages.message(number) == nil)
        #expect(try await store.refusedMessages.message(1)?.message == message("a"))
    }

    @Test(arguments: Engine.all) func `the oldest leave when there are too many bytes`(engine: Engine) async throws {
        var limits = DataStore.Limits()
        limits.refusedBytes = 3 * 256 + 10
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        var displaced: [Int] = []
        for text in ["aaaa", "bbbb", "cccc", "dd"] {
            displaced.append(try await store.refusedMessages.record([message(text)]))
        }
        #expect(displaced == [0, 0, 1, 0])
        let left = try await store.refusedMessages.list(limit: 10).map {
            String(decoding: $0.message.raw, as: UTF8.self)
        }
        #expect(left == ["bbbb", "cccc", "dd"])
        #expect(try await store.refusedMessages.bytes() == 3 * 256 + 10)
        #expect(try await store.refusedMessages.count() == 3)
    }

    @Test(arguments: Engine.all) func `those of unknown keys have a tenth of the room and push out none of a source`(
        engine: Engine
    ) async throws {
        var limits = DataStore.Limits()
        limits.refusedBytes = 10 * 2 * 257
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        try await store.refusedMessages.record([message("w")])
        var displaced: [Int] = []
        for text in ["a", "b", "c", "d"] {
            displaced.append(try await store.refusedMessages.record([message(text, source: nil)]))
        }
        #expect(displaced == [0, 0, 1, 1])
        let left = try await store.refusedMessages.list(limit: 10).map {
            String(decoding: $0.message.raw, as: UTF8.self)
        }
        #expect(left == ["w", "c", "d"])
    }

    @Test(arguments: Engine.all)
    func `they leave after seven days, with the next one or when somebody looks after them`(engine: Engine) async throws
    {
        let day: Int64 = 24 * 60 * 60 * 1000
        let store = try DataStore(opening: try await engine.empty())
        var late = message("late")
        late.receivedAt += 7 * day - 1
        try await store.refusedMessages.record([message("a"), late])
        #expect(try await store.refusedMessages.count() == 2)
        var later = message("later")
        later.receivedAt += 7 * day
        try await store.refusedMessages.record([later])
        #expect(try await store.refusedMessages.count() == 2)
        try await store.refusedMessages.trim(at: later.receivedAt + 7 * day)
        #expect(try await store.refusedMessages.count() == 0)
        #expect(try await store.refusedMessages.bytes() == 0)
    }

    @Test(arguments: Engine.all) func `a page goes on where the last one ended, and a filter passes over the others`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        for text in ["a", "b", "c"] {
            try await store.refusedMessages.record([message(text), message(text, source: "backend")])
        }
        let filter = RefusedFilter(source: "backend", code: "invalid_type")
        let first = try await store.refusedMessages.page(filter, limit: 2)
        #expect(first.messages.map(\.number) == [2, 4])
        let second = try await store.refusedMessages.page(after: try #require(first.next), filter, limit: 2)
        #expect(second.messages.map(\.number) == [6])
        #expect(second.next == nil)
        #expect(try await store.refusedMessages.page(RefusedFilter(code: "other"), limit: 2).messages.isEmpty)
    }

    @Test(arguments: Engine.all)
    func `messages take the place of the refused one that they were made of, or nothing happens`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        try await store.refusedMessages.record([message("a")])
        let again = [message("still bad")]
        let first = try await store.log.append([event("m")], inPlaceOf: 1, stillRefused: again)
        #expect(first == [.stored(seq: 1)])
        #expect(try await store.refusedMessages.list(limit: 9).map(\.message) == again)
        #expect(try await store.log.append([event("n")], inPlaceOf: 1, stillRefused: again) == nil)
        #expect(try await store.log.count() == 1)
        #expect(try await store.refusedMessages.count() == 1)
    }

    @Test(arguments: Engine.all) func `what a call brings beside them goes into the log`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let refused = store.refusedMessages
        let outcome = try await store.log.append([event("a"), event("b")], refusing: [message("c")], in: refused)
        #expect(outcome.appended == [.stored(seq: 1), .stored(seq: 2)])
        let again = try await store.log.append([event("b")], refusing: [message("c"), message("d")], in: refused)
        #expect(again.appended == [.duplicate(of: 2)])
        let alone = try await store.log.append([], refusing: [message("e")], in: refused)
        #expect(alone.appended.isEmpty)
        #expect(try await store.log.count() == 2)
        #expect(try await refused.count() == 4)
    }

    @Test func `a full disk takes both or none of them`() async throws {
        let scratch = try ScratchFolder()
        var (stored, kept, failures, round) = (0, 0, 0, 0)
        while true {
            let store = try DataStore(opening: scratch.data)
            #expect(try await store.log.count() == stored)
            #expect(try await store.refusedMessages.count() == kept)
            try store.limitGrowth(toPages: round)
            let before = failures
            for number in 0..<10 {
                let text = String(repeating: "x", count: 1_000)
                let events = (0..<3).map { event("\(round)-\(number)-\($0)", body: text) }
                do {
                    let refused = [message(text), message(text)]
                    _ = try await store.log.append(events, refusing: refused, in: store.refusedMessages)
                    (stored, kept) = (stored + 3, kept + 2)
                } catch {
                    #expect(error.code == .full)
                    failures += 1
                }
            }
            try store.close()
            if failures == before { break }
            round += 1
        }
        #expect(failures > 0 && stored > 0)
    }

    @Test func `the mark of a key is the same for the same key, and tells none`() throws {
        let refused = try DataStore(opening: .memory).refusedMessages
        #expect(refused.mark(of: "key") == refused.mark(of: "key"))
        #expect(refused.mark(of: "key") != refused.mark(of: "kez"))
        let other = try DataStore(opening: .memory).refusedMessages
        #expect(refused.mark(of: "key") != other.mark(of: "key"))
    }

    @Test(arguments: Engine.all) func `a long one is cut and says so`(engine: Engine) async throws {
        var limits = DataStore.Limits()
        limits.refusedMessageBytes = 5
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        try await store.refusedMessages.record([message("1234567"), message("12345")])
        let listed = try await store.refusedMessages.list(limit: 2).map(\.message)
        #expect(listed.map { String(decoding: $0.raw, as: UTF8.self) } == ["12345", "12345"])
        #expect(listed.map(\.isCut) == [true, false])
    }
}
