import Integrations
import LosslessJSON
import Storage
import Testing
import TrackAPI

@testable import Delivery

/// A cursor that hears of events that were erased, wherever their operations are.
@Suite struct `A cursor lets go of what was erased` {
    private static let keys = OrderKeys(secret: Array(0..<16))
    private static let redaction = Redaction(texts: ["u1"], emails: [])

    private func moment(_ time: Int64) -> Moment { Moment(steady: time, wall: 1_700_000_000_000 + time) }

    private func event(_ seq: Int64, of person: String = "u1") -> PlannedEvent {
        let operation = Operation(
            kind: .entity,
            body: ["type": "person", "action": "event", "identifiers": ["id": .string(person)], "name": "n"]
        )
        let planned = PlannedEvent.Planned(
            place: 0,
            action: "track-event",
            item: Batch.Item(operation, batchSize: 50, batching: false),
            claims: operation.claims(Self.keys)
        )
        return PlannedEvent(seq: seq, receivedAt: 0, verdict: .otherSource, operations: [planned])
    }

    private func erased(_ seq: Int64) -> PlannedEvent {
        PlannedEvent(seq: seq, receivedAt: 0, verdict: .erased, operations: [], isErased: true)
    }

    private func cursor(_ rows: [StoredOperation] = [], position: Int64 = 0) -> Cursor {
        Cursor(id: 1, share: .live, position: position, open: rows, at: moment(0))
    }

    private func orders(_ cursor: inout Cursor, at time: Int64) -> Cursor.Orders {
        var bucket = TokenBucket(perSecond: nil, at: 0)
        return cursor.orders(at: moment(time), bucket: &bucket)
    }

    private func id(_ seq: Int64) -> OperationID { OperationID(seq: seq, place: 0) }

    private let erasedTally = CursorCommit.Tally(minute: 28_333_333, erased: "track-event")

    @Test func `one that is under way is decided by its answer, one behind it is never sent`() throws {
        var cursor = cursor()
        cursor.take([event(1), event(2), event(3, of: "u2")], through: 3, at: moment(0))
        #expect(orders(&cursor, at: 300).requests.flatMap(\.operations).map(\.id) == [id(1), id(3)])
        cursor.erase([1, 2], at: moment(310))
        #expect(cursor.entries[id(2)]?.item == nil)
        cursor.take(.settled([.delivered]), status: 200, to: 1, chance: 0, at: moment(320))
        cursor.take(.settled([.refused("400 u1")]), status: 200, to: 2, chance: 0, at: moment(320))
        let commit = try #require(orders(&cursor, at: 400).record)
        #expect(commit.position == 1 && commit.rows.isEmpty && commit.erased.isEmpty)
        cursor.recorded(at: moment(410))
        let next = try #require(orders(&cursor, at: 500).record)
        #expect(next.position == 3)
        #expect(next.erased == [id(2)] && next.tallies.contains(erasedTally))
        // Another's words are kept, until they are cleaned too.
        #expect(next.rows.map(\.words) == ["400 u1"])
    }

    @Test(
        arguments: [
            Answer.settled([.refused("400 u1 is bad")]), .unclear(words: "400 u1"),
            .suspicious(words: "500 u1", retryAfter: nil, isTimeout: true),
            .unavailable(words: "503 u1", retryAfter: .seconds(1)),
        ]
    ) func `nothing is kept of what is said of one under way`(answer: Answer) throws {
        var cursor = cursor()
        cursor.take([event(1)], through: 1, at: moment(0))
        #expect(orders(&cursor, at: 300).requests.count == 1)
        cursor.erase([1], at: moment(310))
        cursor.take(answer, status: 400, to: 1, chance: 0, at: moment(320))
        let commit = try #require(orders(&cursor, at: 400).record)
        #expect(commit.position == 1 && commit.rows.isEmpty && commit.erased == [id(1)])
        #expect(commit.tallies.contains(erasedTally))
        #expect(commit.requests.map(\.words) == ["[erased]"])
        cursor.recorded(at: moment(410))
        #expect(orders(&cursor, at: 2_000).requests.isEmpty && cursor.entries.isEmpty)
    }

    @Test func `one that failed, and is not on the disk yet, does not get there`() throws {
        var cursor = cursor()
        cursor.take([event(1)], through: 1, at: moment(0))
        #expect(orders(&cursor, at: 300).requests.count == 1)
        cursor.take(.settled([.refused("400 u1")]), status: 200, to: 1, chance: 0, at: moment(310))
        cursor.erase([1], at: moment(311))
        let commit = try #require(orders(&cursor, at: 400).record)
        #expect(commit.rows.isEmpty && commit.erased == [id(1)] && commit.requests.map(\.words) == ["[erased]"])
    }

    @Test func `a read that began before brings nothing of it back, the next one is believed`() throws {
        var cursor = cursor()
        #expect(orders(&cursor, at: 0).read?.after == 0)
        cursor.erase([1], at: moment(1))
        cursor.take([event(1), event(2)], through: 2, at: moment(2))
        #expect(cursor.entries.keys.map(\.seq) == [2])
        #expect(orders(&cursor, at: 100).record?.tallies.map(\.verdict) == [Verdict.erased.text])
        cursor.take([event(3)], through: 3, at: moment(110))
        #expect(cursor.entries.keys.map(\.seq).sorted() == [2, 3])
    }

    @Test func `one whose turn comes after a restart is found to be erased`() throws {
        let row = StoredOperation(
            seq: 1,
            place: 0,
            action: "track-event",
            state: .open,
            claims: [8 | 1],
            attempts: 2,
            at: 0,
            words: ""
        )
        var cursor = cursor([row], position: 1)
        #expect(orders(&cursor, at: 0).fetch == [1])
        cursor.takeFetched([erased(1)], at: moment(1))
        let commit = try #require(orders(&cursor, at: 100).record)
        #expect(commit.erased == [id(1)] && commit.rows.isEmpty && commit.tallies == [erasedTally])
    }

    @Test func `one that is known to be erased at the start is not fetched, and not given up`() throws {
        var row = StoredOperation(seq: 1, place: 0, action: "track-event", state: .open, claims: [9], at: 0, words: "")
        row.isErased = true
        var cursor = cursor([row], position: 1)
        cursor.drop(id(1), "given up", at: moment(1))
        let orders = orders(&cursor, at: 100)
        #expect(orders.fetch.isEmpty && orders.record?.erased == [id(1)] && orders.record?.rows == [])
    }

    @Test func `whoever waits for a person's end is told when what was under way is recorded, and cleaned`() throws {
        var cursor = cursor()
        cursor.take([event(1, of: "u2"), event(2, of: "u2")], through: 2, at: moment(0))
        #expect(orders(&cursor, at: 300).requests.count == 1)
        cursor.clean(7, Self.redaction, at: moment(301))
        #expect(cursor.nextCleaned().isEmpty)
        let answer = Answer.suspicious(words: "500 u1", retryAfter: nil, isTimeout: false)
        cursor.take(answer, status: 500, to: 1, chance: 0, at: moment(310))
        #expect(cursor.nextCleaned() == [7])
        #expect(cursor.nextCleaned().isEmpty)
        #expect(orders(&cursor, at: 400).record?.requests.map(\.words) == ["500 [erased]"])
        // That commit is under way, and holds what was said before it came.
        cursor.clean(8, Redaction(texts: ["500"], emails: []), at: moment(401))
        #expect(cursor.nextCleaned().isEmpty)
        #expect(cursor.entries[id(1)]?.words == "[erased] [erased]")
        cursor.recorded(at: moment(402))
        #expect(cursor.nextCleaned() == [8])
    }

    @Test func `counts add up`() async throws {
        let store = try DataStore(opening: .memory)
        try await store.log.appendTracks((1...8).map(String.init))
        let cursor = try await store.ledger.open(.live, of: "a", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 7)
        commit.erased = [id(1), id(2), id(3)]
        commit.tallies = [
            .init(minute: 0, verdict: #"{"planned":["track-event"]}"#, count: 5),
            .init(minute: 0, verdict: Verdict.erased.text, count: 2), erasedTally, erasedTally, erasedTally,
        ]
        try await store.ledger.record(commit)
        let live = try #require(try await store.ledger.counted(.live, of: "a"))
        let counts = DeliveryCounts(live: live, metrics: nil)
        #expect(counts.events.accepted == 8 && counts.events.planned == 5 && counts.events.erased == 2)
        #expect(counts.events.waiting == 1)
        #expect(counts.total.planned == 5 && counts.total.erased == 3 && counts.total.delivered == 2)
    }
}
