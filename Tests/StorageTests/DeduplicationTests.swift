import Seeding
import Testing

@testable import Storage

private let hour: Int64 = 60 * 60 * 1000

/// source-api.md §2.7.
@Suite struct `Deduplication` {
    @Test(arguments: Engine.all) func `a message that comes again is not stored again`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("other"), event("m")])
        #expect(try await store.log.append([event("m")]) == [.duplicate(of: 2)])
        #expect(try await store.log.count() == 2)
    }

    @Test(arguments: Engine.all) func `the first of two in one call is stored`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let results = try await store.log.append([event("m", body: "first"), event("m", body: "second"), event("n")])
        #expect(results == [.stored(seq: 1), .duplicate(of: 1), .stored(seq: 2)])
        #expect(try await store.bodies() == ["first", #"{"messageId":"n"}"#])
    }

    @Test(
        arguments: Engine.all,
        [
            event("m", source: "backend"), event("n"), event("m", type: "page", name: nil),
            event("m", name: "Order Cancelled"), event("M"), event("m", name: nil),
        ]
    )
    func `the same id with another source, id, type or event is another message`(engine: Engine, other: NewEvent)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("m")])
        #expect(try await store.log.append([other]) == [.stored(seq: 2)])
    }

    @Test(arguments: Engine.all) func `the name counts for track alone`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("m", type: "screen", name: "Home")])
        #expect(try await store.log.append([event("m", type: "screen", name: "Start")]) == [.duplicate(of: 1)])
    }

    @Test(arguments: Engine.all) func `fields do not run into one another`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("bc", source: "a")])
        #expect(try await store.log.append([event("c", source: "ab")]) == [.stored(seq: 2)])
    }

    @Test(arguments: Engine.all) func `equivalent texts of different bytes are different`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("\u{e9}")])
        #expect(try await store.log.append([event("e\u{301}")]) == [.stored(seq: 2)])
    }

    @Test(arguments: Engine.all, [(24 * hour - 1, true), (24 * hour, false), (25 * hour, false), (-hour, true)])
    func `a message is remembered for less than 24 hours`(engine: Engine, next: (later: Int64, isDuplicate: Bool))
        async throws
    {
        let (later, isDuplicate) = next
        let store = try DataStore(opening: try await engine.empty())
        let start: Int64 = 1_700_000_000_000
        _ = try await store.log.append([event("m", receivedAt: start)])
        let result = try await store.log.append([event("m", receivedAt: start + later)])
        #expect(result == [isDuplicate ? .duplicate(of: 1) : .stored(seq: 2)])
        let again = try await store.log.append([event("m", receivedAt: start + later)])
        #expect(again == [.duplicate(of: isDuplicate ? 1 : 2)])
    }

    @Test(arguments: Engine.all) func `ids that the server made are never taken for a repetition`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let made = event("m", deduplicates: false)
        #expect(try await store.log.append([made, made]) == [.stored(seq: 1), .stored(seq: 2)])
        #expect(try await store.log.append([event("m")]) == [.stored(seq: 3)])
    }

    @Test(arguments: Engine.all) func `is remembered across a restart`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        _ = try await store.log.append([event("m")])
        try store.close()
        #expect(try await DataStore(opening: data).log.append([event("m")]) == [.duplicate(of: 1)])
    }

    @Test func `the secret of the keys is printed nowhere`() throws {
        let keys = MessageKeys(secret: [UInt8](200..<216))
        var text = "\(keys) \(String(reflecting: keys)) "
        dump([keys], to: &text)
        #expect(text.contains("message keys") && !text.contains("203"))
    }

    /// Few keys are kept in memory, so that all of them go through a filing, most through a sweep.
    private static var smallMemory: DataStore.Limits {
        var limits = DataStore.Limits()
        limits.recentKeys = 10
        return limits
    }

    @Test func `expired ids do not pile up`() async throws {
        let store = try DataStore(opening: .memory, limits: Self.smallMemory)
        let start: Int64 = 1_700_000_000_000
        _ = try await store.log.append((0..<1_000).map { event("old \($0)", receivedAt: start) })
        for number in 0..<2_000 {
            _ = try await store.log.append([event("new \(number)", receivedAt: start + 48 * hour)])
        }
        let counts = try await store.log.commits.engine.read { connection in
            try ["SELECT count(*) FROM seen WHERE received_at = \(start)", "SELECT count(*) FROM recent_keys"].map {
                try connection.row($0)?.integer(0) ?? -1
            }
        }
        #expect(counts[0] == 0)
        #expect(counts[1] < 40)
        let repetition = event("new 7", receivedAt: start + 72 * hour - 1)
        #expect(try await store.log.append([repetition]) == [.duplicate(of: 1_008)])
    }

    @Test(arguments: Engine.all) func `a repetition is counted with the first message`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let start: Int64 = 1_700_000_000_000
        _ = try await store.log.append([event("other"), event("m")])
        #expect(try await store.log.repeats(of: 2) == nil)
        for minute in 1...3 { _ = try await store.log.append([event("m", receivedAt: start + Int64(minute) * 60_000)]) }
        #expect(try await store.log.repeats(of: 2) == Repeats(times: 3, lastAt: start + 180_000))
        #expect(try await store.log.repeats(of: 1) == nil)
    }

    @Test func `a call that fails is forgotten, also in the middle of a filing`() async throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data, limits: Self.smallMemory)
        for number in 0..<200 { _ = try await store.log.append([event("\(number)")]) }
        try store.limitGrowth(toPages: 0)
        let large = (0..<25).map { event("large \($0)", body: String(repeating: "x", count: 5_000)) }
        await #expect(throws: StorageError.self) { try await store.log.append(large) }
        try store.limitGrowth(toPages: 10_000)
        #expect(try await store.log.append(large) == (0..<25).map { .stored(seq: 201 + $0) })
        #expect(try await store.log.append(large) == (0..<25).map { .duplicate(of: 201 + $0) })
        let again = (0..<200).map { event("\($0)") }
        #expect(try await store.log.append(again) == (0..<200).map { .duplicate(of: 1 + $0) })
    }

    @Test(arguments: Engine.all, [Int64.min + 24 * hour + 1, -1, 0, .max])
    func `no time of receipt makes it stumble`(engine: Engine, receivedAt: Int64) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("m", receivedAt: receivedAt)])
        #expect(try await store.log.append([event("m", receivedAt: receivedAt)]) == [.duplicate(of: 1)])
    }

    /// Against a list that is searched from end to end, with restarts in between and a clock that jumps.
    @Test(arguments: Engine.all, [5, 65_536])
    func `agrees with a simple model on random streams`(engine: Engine, recentKeys: Int) async throws {
        struct Accepted {
            let key: String
            let seq: Int64
            let receivedAt: Int64
        }
        var generator = SeededGenerator(for: "Deduplication")
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        var limits = DataStore.Limits()
        limits.recentKeys = recentKeys
        var store = try DataStore(opening: data, limits: limits)
        var model: [Accepted] = []
        var now: Int64 = 1_700_000_000_000
        for _ in 0..<400 {
            now += Int64.random(in: (-2 * hour)...(4 * hour), using: &generator)
            if generator.chance(10) {
                try store.close()
                store = try DataStore(opening: data, limits: limits)
            }
            let events = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                event(
                    "m\(Int.random(in: 0..<20, using: &generator))",
                    source: ["a", "b"].randomElement(using: &generator) ?? "a",
                    type: ["track", "page"].randomElement(using: &generator) ?? "track",
                    name: ["x", "y", nil].randomElement(using: &generator) ?? nil,
                    receivedAt: now
                )
            }
            let expected = events.map { event -> Appended in
                let name = event.type == "track" ? event.name ?? "" : ""
                let key = "\(event.source)|\(event.messageId)|\(event.type)|\(name)"
                if let old = model.last(where: { $0.key == key && $0.receivedAt > now - 24 * hour }) {
                    return .duplicate(of: old.seq)
                }
                let seq = Int64(model.count + 1)
                model.append(Accepted(key: key, seq: seq, receivedAt: now))
                return .stored(seq: seq)
            }
            #expect(try await store.log.append(events) == expected)
        }
    }

    /// The vectors of the reference for the key 00…0f and the inputs 00, 01, 02 … of so many bytes.
    @Test(
        arguments: [
            (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
            (2, "8177228da4a45dc7fca38bdef60affe4"), (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
            (8, "3b62a9ba6258f5610f83e264f31497b4"), (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
            (16, "6ee2a4ca67b054bbfd3315bf85230577"), (63, "5150d1772f50834a503e069a973fbd7c"),
        ]
    )
    func `its keys are SipHash-2-4 with 128 bits`(length: Int, expected: String) {
        let hash = SipHash128.hash((0..<length).map(UInt8.init), secret: (0..<16).map(UInt8.init))
        #expect(MessageKey(bytes: hash.bytes) == hash)
        #expect(hash.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }
}
