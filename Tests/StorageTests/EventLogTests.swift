import Storage
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Event log` {
    @Test(arguments: Engine.all) func `numbers messages in the order in which they were appended`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let first = try await store.log.append([event("a"), event("b")])
        let second = try await store.log.append([event("c")])
        #expect(first == [.stored(seq: 1), .stored(seq: 2)])
        #expect(second == [.stored(seq: 3)])
        #expect(try await store.log.read(after: 1, limit: 10).map(\.seq) == [2, 3])
        #expect(try await store.log.lastSequence() == 3)
        #expect(try await store.log.count() == 3)
    }

    @Test(arguments: Engine.all) func `gives back source, time and body as they were`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        let body = #"{"n":1.10,"t":"é\#u{0}"}"#
        _ = try await store.log.append([event("a\u{0}b", source: "we\u{0}b", receivedAt: 1_234_567_890_123, body: body)]
        )
        let logged = try #require(try await store.log.read(after: 0, limit: 1).first)
        #expect(logged.source == "we\u{0}b")
        #expect(logged.receivedAt == 1_234_567_890_123)
        #expect(logged.body == Array(body.utf8))
    }

    @Test(arguments: Engine.all) func `is empty at first`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        #expect(try await store.log.read(after: 0, limit: 10).isEmpty)
        #expect(try await store.log.lastSequence() == 0)
        #expect(try await store.log.count() == 0)
        #expect(try await store.log.append([]).isEmpty)
    }

    @Test(arguments: Engine.all, [(1, 1), (19, 1), (20, 2), (29, 2), (1_000, 5)])
    func `reads no more bytes than asked for, but one message at least`(
        engine: Engine,
        wanted: (bytes: Int, count: Int)
    ) async throws {
        let (bytes, count) = wanted
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append((1...5).map { event("\($0)", body: #"{"ten":"xx"\#($0)"#) })
        let first = try #require(try await store.log.read(after: 0, limit: 1).first)
        #expect(first.body.count == 12)
        let scaled = bytes == 1_000 ? bytes : bytes * 12 / 10
        #expect(try await store.log.read(after: 0, limit: 10, maximumBytes: scaled).count == count)
    }

    @Test(arguments: Engine.all) func `reads no more messages than asked for`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append((1...5).map { event("\($0)") })
        #expect(try await store.log.read(after: 2, limit: 2).map(\.seq) == [3, 4])
        #expect(try await store.log.read(after: 2, limit: 0).isEmpty)
        #expect(try await store.log.read(after: 2, limit: -1).isEmpty)
    }

    @Test(arguments: Engine.all, [Int64.min, .max])
    func `a search in a long log takes any time`(engine: Engine, time: Int64) async throws {
        let store = try DataStore(opening: try await engine.empty())
        for part in 0..<21 { _ = try await store.log.append((1...1_000).map { event("\(part)-\($0)") }) }
        var filter = EventFilter()
        filter.from = time
        let found = try await store.log.search(filter, limit: 10)
        #expect(found.events.map(\.seq) == (time < 0 ? Array((20_991...21_000).reversed()) : []))
        filter = EventFilter()
        filter.until = time
        filter.name = "None"
        filter.from = time
        #expect(try await store.log.search(filter, limit: 10).next == (time < 0 ? 1_001 : nil))
    }

    @Test(arguments: Engine.all) func `still has everything after it was closed and opened again`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        _ = try await store.log.append((1...100).map { event("\($0)", body: "\($0)") })
        try store.close()
        let again = try DataStore(opening: data)
        #expect(try await again.bodies() == (1...100).map(String.init))
        #expect(try await again.log.append([event("101")]) == [.stored(seq: 101)])
    }

    @Test(arguments: Engine.all) func `still has everything after it was dropped without being closed`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        do {
            let store = try DataStore(opening: data)
            _ = try await store.log.append([event("a", body: "kept")])
        }
        #expect(try await DataStore(opening: data).bodies() == ["kept"])
    }

    @Test(arguments: Engine.all) func `shares one commit among a thousand calls that wait together`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        let before = store.committedGroups
        let hold = store.holdWriter()
        let numbers = try await withThrowingTaskGroup(of: [Appended].self) { group in
            for number in 1...1_000 {
                group.addTask { try await store.log.append([event("\(number)", body: "\(number)")]) }
            }
            await until { store.waitingEvents == 1_000 }
            hold.letGo()
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let sequences = numbers.map { if case .stored(let seq) = $0 { seq } else { Int64(0) } }
        #expect(sequences.sorted() == Array(1...1_000))
        #expect(store.committedGroups == before + 1)
        #expect(Set(try await store.bodies()) == Set((1...1_000).map(String.init)))
    }

    @Test(arguments: Engine.all) func `answers calls that wait together in the order in which they came`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let hold = store.holdWriter()
        var tasks: [Task<[Appended], any Error>] = []
        for number in 1...20 {
            tasks.append(Task { try await store.log.append([event("\(number)")]) })
            await until { store.waitingEvents == number }
        }
        hold.letGo()
        for (position, task) in tasks.enumerated() {
            #expect(try await task.value == [.stored(seq: Int64(position + 1))])
        }
    }

    @Test(arguments: Engine.all) func `carries an append out although its task is cancelled`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let hold = store.holdWriter()
        let task = Task { try await store.log.append([event("a")]) }
        await until { store.waitingEvents == 1 }
        task.cancel()
        hold.letGo()
        #expect(try await task.value == [.stored(seq: 1)])
    }

    @Test(arguments: Engine.all) func `refuses what would wait beyond the bound, and takes it when there is room again`(
        engine: Engine
    ) async throws {
        var limits = DataStore.Limits()
        limits.waitingEvents = 10
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        let hold = store.holdWriter()
        let waiting = Task { try await store.log.append((1...10).map { event("\($0)") }) }
        await until { store.waitingEvents == 10 }
        let error = await #expect(throws: StorageError.self) { try await store.log.append([event("11")]) }
        #expect(error?.code == .overloaded)
        hold.letGo()
        #expect(try await waiting.value.count == 10)
        #expect(try await store.log.append([event("11")]) == [.stored(seq: 11)])
    }

    @Test(arguments: Engine.all) func `refuses more waiting bytes than the bound`(engine: Engine) async throws {
        var limits = DataStore.Limits()
        limits.waitingBytes = 1_000
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        let hold = store.holdWriter()
        let large = String(repeating: "x", count: 900)
        let waiting = Task { try await store.log.append([event("1", body: large)]) }
        await until { store.waitingEvents == 1 }
        let error = await #expect(throws: StorageError.self) { try await store.log.append([event("2", body: large)]) }
        #expect(error?.code == .overloaded)
        hold.letGo()
        _ = try await waiting.value
    }

    @Test(arguments: Engine.all) func `takes a call larger than the bound when nothing waits`(engine: Engine)
        async throws
    {
        var limits = DataStore.Limits()
        limits.waitingEvents = 2
        let store = try DataStore(opening: try await engine.empty(), limits: limits)
        #expect(try await store.log.append((1...5).map { event("\($0)") }).count == 5)
    }

    @Test(arguments: Engine.all) func `wakes every reader after a commit, also one that was not waiting`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let one = store.log.appended
        let other = store.log.appended
        _ = try await store.log.append([event("a")])
        _ = try await store.log.append([event("b")])
        for await _ in one { break }
        for await _ in other { break }
        let third = store.log.appended
        let reader = Task {
            for await _ in third { return try await store.log.lastSequence() }
            return 0
        }
        _ = try await store.log.append([event("c")])
        #expect(try await reader.value == 3)
    }

    @Test(arguments: Engine.all) func `gives an error, not a crash, after it was closed`(engine: Engine) async throws {
        for location in [try ScratchFolder().data, .memory] {
            let store = try DataStore(opening: location)
            try store.close()
            await #expect(throws: StorageError.self) { try await store.log.append([event("a")]) }
            await #expect(throws: StorageError.self) { try await store.log.read(after: 0, limit: 1) }
            await #expect(throws: StorageError.self) { try await store.ledger.position(of: "x") }
            await #expect(throws: StorageError.self) { try await store.workspaces.write(in: "w") { _ in } }
        }
    }
}
