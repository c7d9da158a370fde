import Seeding
import Storage
import TrackAPI

@testable import Delivery

/// One run: a cursor, the shell around it as `Lane` is, and a world in which nothing is certain. Time is virtual.
final class Simulation {
    let stream: Stream
    let setup: Setup
    let mutant: Mutant?
    var chance: SeededGenerator
    var now: Int64 = 0
    var bornAt: Int64 = 0
    var cursor: Cursor
    var bucket: TokenBucket
    var disk = Disk()
    var destination: ScriptedTrackAPI
    var oracle: Oracle
    var agenda = Agenda()
    var alarm: Int64?
    /// How many events are in the log.
    var visible = 0
    var steps = 0
    /// Events that are empty in the log, and those that were not yet when the read or the fetch under way began.
    var erased: Set<Int64> = []
    var erasedSinceRead: Set<Int64> = []
    var erasedSinceFetch: Set<Int64> = []
    /// Since when nothing goes wrong any more.
    var calmSince: Int64?
    /// What happened, if somebody wants to read it.
    var trace: [String]?

    /// After so many steps a run that has not come to its end never will.
    private static let mostSteps = 30_000

    /// Everything follows from the seed; what is left out of it serves to find what matters.
    convenience init(
        seed: UInt64,
        simpler: Simplification = Simplification(),
        mutant: Mutant? = nil,
        watchesInvariants: Bool = true,
        isTraced: Bool = false
    ) {
        var draw = SeededGenerator(seed: seed)
        let drawn = Setup(&draw)
        let stream = Stream(drawn, &draw).without(simpler.blanks)
        let setup = simpler.applied(to: drawn)
        self.init(setup, stream, &draw, mutant: mutant, watchesInvariants: watchesInvariants, isTraced: isTraced)
    }

    init(
        _ setup: Setup,
        _ stream: Stream,
        _ draw: inout SeededGenerator,
        mutant: Mutant? = nil,
        watchesInvariants: Bool = true,
        isTraced: Bool = false
    ) {
        self.setup = setup
        self.stream = stream
        self.mutant = mutant
        destination = ScriptedTrackAPI(setup, isReversed: mutant == .arrayReversed, &draw)
        oracle = Oracle(stream, setup, watchesInvariants: watchesInvariants)
        chance = draw
        let start = Moment(steady: 0, wall: Self.epoch)
        cursor = Cursor(id: 1, share: .live, position: 0, open: [], limits: setup.limits, at: start)
        bucket = TokenBucket(perSecond: setup.rate, at: 0)
        if isTraced { trace = [] }
        for (index, arrival) in stream.arrivals.enumerated() { agenda.add(.logGrows(to: index + 1), at: arrival) }
        if setup.poisonedUntil == Setup.longPoison { agenda.add(.poisonEnds, at: setup.poisonedUntil) }
    }

    /// When a run begins, by the calendar.
    static let epoch: Int64 = 1_700_000_000_000

    /// A steady clock begins anew with each process.
    var moment: Moment { Moment(steady: now - bornAt, wall: Self.epoch + now) }

    var isTroubled: Bool { calmSince == nil }

    /// For those who read what happened; costs nothing when nobody does.
    func note(_ words: @autoclosure () -> String) {
        if trace != nil { trace?.append("\(now) ms: \(words())") }
    }

    /// Runs to the end of everything.
    func run() throws(Violation) {
        try carryOut()
        while !isFinished {
            guard let next = agenda.next() else { throw Violation(rule: "standstill", words: standing) }
            steps += 1
            guard steps < Self.mostSteps else { throw Violation(rule: "standstill", words: "no end: \(standing)") }
            now = max(now, next.time)
            if isTroubled, steps > setup.troubledSteps { calmSince = now }
            if setup.script?.crash == steps {
                agenda.putBack(next.happening, at: now)
                try crash()
            } else if isTroubled, chance.next(below: 1_000) < setup.crashes {
                agenda.putBack(next.happening, at: now)
                try endProcess()
            } else {
                try happens(next.happening)
            }
            if isTroubled, chance.next(below: 1_000) < setup.drops { giveSomethingUp() }
            if isTroubled, chance.next(below: 1_000) < setup.erasures { eraseSomething() }
            try carryOut()
            try isBounded()
        }
        try oracle.finish(disk)
    }

    private var isFinished: Bool {
        visible == stream.events.count && disk.position >= stream.last && cursor.position == disk.position
            && cursor.entries.isEmpty && cursor.isQuiet
    }

    private func happens(_ happening: Happening) throws(Violation) {
        switch happening {
        case .logGrows(let count):
            visible = max(visible, count)
            cursor.logGrew()
        case .read(let count, let from):
            let events = mutated(stream.events[from..<(from + count)].map { asLogged($0, erasedSinceRead) })
            guard let last = events.last else { return cursor.readNothing(isAtEnd: true) }
            cursor.take(events, through: last.seq, at: moment)
        case .readFails: cursor.readNothing(isAtEnd: false)
        case .fetched(let seqs):
            var wanted = Set(seqs)
            if isTroubled, let lost = seqs.first, chance.chance(3) {
                note("event \(lost) has left the log")
                wanted.remove(lost)
                oracle.loses(lost)
            }
            let found = stream.events.filter { wanted.contains($0.seq) }.map { asLogged($0, erasedSinceFetch) }
            cursor.takeFetched(mutated(found), at: moment)
        case .fetchFails: cursor.fetchFailed()
        case .applied(let operations, _):
            note("applied \(named(operations))")
            oracle.takes(operations)
        case .answered(let number, let request, let reply, let sentAt):
            takeAnswer(to: number, request, reply, sentAt: sentAt)
        case .durable(let commit):
            try apply(commit)
            agenda.add(.recorded, at: now + Int64.random(in: 0...100, using: &chance))
        case .recorded: cursor.recorded(at: moment)
        case .wake: alarm = nil
        case .mended:
            note("the settings are mended")
            cursor.resume(at: moment)
            oracle.resumes()
        case .poisonEnds:
            note("what was poisonous is so no more")
            // Whoever has waited for something else may still have a quarter of an hour to go.
            if let calmSince, now - max(calmSince, stream.arrivals.last ?? 0) > 3_600_000 {
                try oracle.poisonHoldsUpNobodyElse(disk)
            }
        case .toldOfErasure(let seq):
            cursor.erase([seq], at: moment)
            oracle.mayNotSend(seq)
        case .stopNow: try crash()
        }
    }

    private func takeAnswer(
        to number: Int,
        _ request: [Int],
        _ reply: ScriptedTrackAPI.Reply,
        sentAt: Int64
    ) {
        note("request \(number) is answered: \(reply.answer)")
        oracle.answers(request, reply.answer, sentAt: sentAt, at: now)
        let spread = Double(chance.next(below: 1_000)) / 1_000
        let answer = mutated(reply.answer, for: request.count)
        cursor.take(answer, status: reply.status, to: number, chance: spread, at: moment)
        afterAnswer(reply.answer, to: request)
    }

    func apply(_ commit: CursorCommit) throws(Violation) {
        let before = disk.position
        try disk.apply(commit)
        try oracle.recorded(commit, from: before, disk)
    }

    // MARK: The process

    private func endProcess() throws(Violation) {
        guard chance.chance(25), !cursor.isStopping else { return try crash() }
        note("the process is asked to stop")
        cursor.stop()
        agenda.add(.stopNow, at: now + 10_000)
    }

    /// What was under way to the destination still arrives, or a part of it, but before the next process begins.
    private func crash() throws(Violation) {
        let left = agenda.crash()
        var cut: Set<Int> = []
        for (operations, request) in left.applied where !cut.contains(request) {
            guard chance.chance(50) else {
                cut.insert(request)
                continue
            }
            note("still applied: \(named(operations))")
            oracle.takes(operations)
        }
        if let commit = left.commit, chance.chance(50) { try apply(commit) }
        begin()
    }

    /// Opens the cursor as it is on the disk.
    private func begin() {
        oracle.crashes()
        for seq in erased { oracle.mayNotSend(seq) }
        now += Int64(chance.next(below: 3)) * 7_000
        bornAt = now - Int64(chance.next(below: 1_000_000))
        alarm = nil
        var rows = disk.open
        for index in rows.indices where erased.contains(rows[index].seq) { rows[index].isErased = true }
        note("a process begins at position \(disk.position) with the rows \(rows.map { "\($0.seq).\($0.place)" })")
        cursor = Cursor(
            id: 1,
            share: .live,
            position: disk.position,
            open: mutated(rows),
            limits: setup.limits,
            at: moment
        )
        bucket = TokenBucket(perSecond: setup.rate, at: moment.steady)
    }

    private func giveSomethingUp() {
        let ids = cursor.entries.filter { !$0.value.isEnded }.keys.sorted()
        guard !ids.isEmpty else { return }
        let id = chance.pick(ids)
        guard let index = oracle.index(of: id) else { return }
        note("\(id.seq).\(id.place) is given up")
        oracle.drops(index)
        drop(id, "given up by an operator")
    }

    // MARK: Erasing

    /// The event is empty in the log, and the cursor hears of it a little later.
    private func eraseSomething() {
        let candidates = stream.events.prefix(visible).map(\.seq).filter { !erased.contains($0) }
        guard !candidates.isEmpty else { return }
        let seq = chance.pick(candidates)
        note("\(seq) is erased")
        erased.insert(seq)
        erasedSinceRead.insert(seq)
        erasedSinceFetch.insert(seq)
        oracle.erases(seq)
        agenda.add(.toldOfErasure(seq), at: soon())
    }

    /// What a read finds, which may have looked before the event was erased.
    private func asLogged(_ event: PlannedEvent, _ lately: Set<Int64>) -> PlannedEvent {
        guard erased.contains(event.seq), !lately.contains(event.seq) || chance.chance(50) else { return event }
        return PlannedEvent(
            seq: event.seq,
            receivedAt: event.receivedAt,
            verdict: event.verdict == nil ? nil : .erased,
            operations: [],
            isErased: true
        )
    }

    // MARK: Carrying out

    /// As `Lane` does.
    private func carryOut() throws(Violation) {
        if cursor.isStopping, cursor.isQuiet {
            note("the process has stopped")
            _ = agenda.crash()
            begin()
        }
        beforeOrders()
        let orders = cursor.orders(at: moment, bucket: &bucket)
        afterOrders()
        if let read = orders.read { orderRead(after: read.after, limit: read.limit) }
        if !orders.fetch.isEmpty {
            erasedSinceFetch = []
            let fails = isTroubled && chance.chance(3)
            agenda.add(fails ? .fetchFails : .fetched(orders.fetch), at: soon())
        }
        for request in orders.requests { try send(request) }
        if let commit = orders.record {
            try oracle.isClean(commit)
            note(
                "commits position \(commit.position), "
                    + "rows \(commit.rows.map { "\($0.seq).\($0.place) \($0.state)" })"
            )
            agenda.add(.durable(mutated(commit)), at: now + Int64(chance.next(below: 200)))
        }
        if let wakeAt = orders.wakeAt, wakeAt < alarm ?? .max {
            alarm = wakeAt
            agenda.add(.wake, at: wakeAt + bornAt)
        }
    }

    private func soon() -> Int64 { now + Int64(chance.next(below: 20)) }

    private func orderRead(after seq: Int64, limit: Int) {
        if isTroubled, chance.chance(3) { return agenda.add(.readFails, at: now + 1_000) }
        erasedSinceRead = []
        let from = stream.events.firstIndex { $0.seq > seq } ?? stream.events.count
        agenda.add(.read(count: max(0, min(limit, visible - from)), from: from), at: soon())
    }

    private func send(_ request: Cursor.Request) throws(Violation) {
        let operations = try oracle.sends(request, disk, at: now)
        let reply = destination.receive(
            operations,
            of: stream.operations,
            at: now,
            isTroubled: isTroubled,
            &chance
        )
        note("request \(request.number) with \(named(operations))")
        for part in reply.applied { agenda.add(.applied(part.operations, of: request.number), at: now + part.after) }
        if let mended = reply.mended, mended.isTold { agenda.add(.mended, at: now + mended.after) }
        agenda.add(.answered(number: request.number, operations, reply, sentAt: now), at: now + reply.after)
    }

    // MARK: Looking

    private func isBounded() throws(Violation) {
        // What one read and one fetch brings may be more than there was room for.
        let slack = 3 * (setup.limits.readAhead + (setup.isTiny ? setup.limits.fetched : 0))
        let limits = setup.limits
        guard cursor.entries.count <= limits.operations + slack, cursor.bodies <= limits.bodies + slack,
            cursor.lastRead - cursor.position <= limits.span + Int64(4 * slack)
        else {
            let words =
                "\(cursor.entries.count) operations, \(cursor.bodies) bodies, "
                + "\(cursor.position) … \(cursor.lastRead)"
            throw Violation(rule: "I8", words: words)
        }
    }

    private func named(_ operations: [Int]) -> String {
        operations.map { index in
            let planned = stream.operations[index]
            return "\(planned.id.seq).\(planned.id.place)\(planned.isBad ? "!" : "")\(planned.isPoison ? "☠" : "")"
        }.joined(separator: " ")
    }

    private var standing: String {
        let held = cursor.entries.sorted { $0.key < $1.key }.map { id, entry in
            "\(id.seq).\(id.place) \(entry.phase)\(entry.dropped == nil ? "" : " dropped")"
        }
        return "step \(steps), position \(disk.position) of \(stream.last), read up to \(cursor.lastRead), "
            + "\(visible) of \(stream.events.count) events in the log, road \(cursor.road.condition), "
            + "\(cursor.flying.count) requests under way, held: \(held.joined(separator: ", "))"
    }
}

extension SeededGenerator {
    mutating func next(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
