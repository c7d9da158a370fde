import Storage
import TrackAPI

@testable import Delivery

/// Says whether delivery kept its promises (delivery.md C.4), from the stream, from what reached the destination and
/// from what is on the disk. It asks the cursor nothing.
struct Oracle: Sendable {
    private let stream: Stream
    private let relations: Relations
    private let indexes: [OperationID: Int]
    private let ids: [OperationID]
    private let setup: Setup
    /// Whether what is promised only by way of the invariants (I4) is looked at too.
    private let watchesInvariants: Bool

    /// What the destination took: each operation's first and last place in the whole sequence.
    private var taken = 0
    private var first: [Int?]
    private var last: [Int?]

    // What is known of each operation in this life of the process.
    private var flying: [Bool]
    private var settled: [Bool]
    private var heldUntil: [Int64]
    // And in all of them.
    private(set) var dropped: [Bool]
    /// When each failed alone for the first time.
    private var failedAloneAt: [Int64?]
    /// Whether its event has left the log while it waited.
    private var isGone: [Bool]
    /// Whether its event has been erased, and whether delivery has been told.
    private var erased: [Bool]
    private var isUntouchable: [Bool]
    private var erasedEvents: Set<Int64> = []
    /// Operations of events that were counted as erased themselves.
    private var neverPlanned = 0

    private var pausedAt: Int64?
    private var lastSent: Int64 = .min
    private var notBefore: Int64 = .min
    private var counted: [Disk.TallyKey: Int] = [:]

    init(_ stream: Stream, _ setup: Setup, watchesInvariants: Bool) {
        self.stream = stream
        self.setup = setup
        self.watchesInvariants = watchesInvariants
        relations = Relations(stream.operations.map(\.operation))
        indexes = Dictionary(uniqueKeysWithValues: stream.operations.enumerated().map { ($1.id, $0) })
        ids = stream.operations.map(\.id)
        let count = ids.count
        first = Array(repeating: nil, count: count)
        last = first
        flying = Array(repeating: false, count: count)
        settled = flying
        dropped = flying
        isGone = flying
        erased = flying
        isUntouchable = flying
        failedAloneAt = Array(repeating: nil, count: count)
        heldUntil = Array(repeating: .min, count: count)
    }

    func index(of id: OperationID) -> Int? { indexes[id] }

    private func name(_ index: Int) -> String {
        let planned = stream.operations[index]
        return "\(planned.id.seq).\(planned.id.place) (\(planned.planned.action))"
    }

    // MARK: What happens

    /// A request leaves.
    mutating func sends(_ request: Cursor.Request, _ disk: Disk, at now: Int64) throws(Violation) -> [Int] {
        var sent: [Int] = []
        for operation in request.operations {
            guard let index = indexes[operation.id] else {
                throw Violation(rule: "P4", words: "\(operation.id) was never planned")
            }
            try mayBeSent(index, as: operation.operation, in: request, behind: sent, disk, at: now)
            sent.append(index)
        }
        try fits(sent)
        try roadAllows(at: now)
        for index in sent { flying[index] = true }
        lastSent = now
        return sent
    }

    private func mayBeSent(
        _ index: Int,
        as operation: Operation,
        in request: Cursor.Request,
        behind sent: [Int],
        _ disk: Disk,
        at now: Int64
    ) throws(Violation) {
        let planned = stream.operations[index]
        func broken(_ rule: String, _ words: String) -> Violation {
            Violation(rule: rule, words: "\(name(index)) \(words), request \(request.number)")
        }
        if flying[index] || sent.contains(index) { throw broken("I5", "is sent while it is under way") }
        if operation.encoded() != planned.bytes { throw broken("P4", "is not sent as it was planned") }
        if planned.isOversize { throw broken("P1", "is too large and sent all the same") }
        if isUntouchable[index] { throw broken("F44", "is sent though it is erased") }
        if settled[index] { throw broken("duplicates", "is sent again though it is settled") }
        if disk.hasEnded(planned.id) { throw broken("duplicates", "is sent again though the disk knows that it ended") }
        if now < heldUntil[index] { throw broken("F23", "is repeated within 30 s of its time-out") }
        guard watchesInvariants else { return }
        for before in relations.earlier[index] {
            if sent.contains(before), !relations.isCut[before], setup.limits.trustsArrayOrder { continue }
            // It never comes back: it is empty in the log.
            if erased[before], !flying[before] { continue }
            let isRecorded = disk.hasEnded(stream.operations[before].id)
            if isRecorded || (settled[before] && !relations.isCut[before]) { continue }
            throw broken("I4", "is sent before \(name(before)) is settled")
        }
    }

    private func fits(_ sent: [Int]) throws(Violation) {
        let items = sent.map { stream.operations[$0].planned.item }
        let size = items.map(\.batchSize).min() ?? 1
        let isAlone = items.contains { $0.operation.kind == .metric }
        guard !sent.isEmpty, sent.count <= (isAlone ? 1 : size) else {
            throw Violation(rule: "batch", words: "\(sent.map(name)) in one request, where \(size) is the most")
        }
    }

    private func roadAllows(at now: Int64) throws(Violation) {
        if now < notBefore { throw Violation(rule: "road", words: "sent before the Retry-After is over") }
        guard let pausedAt else { return }
        if flying.contains(true) { throw Violation(rule: "road", words: "a second request while delivery is paused") }
        if now - max(pausedAt, lastSent) < 30_000 {
            throw Violation(rule: "road", words: "another request so soon while delivery is paused")
        }
    }

    /// The destination takes operations.
    mutating func takes(_ operations: [Int]) {
        for index in operations {
            if first[index] == nil { first[index] = taken }
            last[index] = taken
            taken += 1
        }
    }

    mutating func answers(_ request: [Int], _ answer: Answer, sentAt: Int64, at now: Int64) {
        for index in request { flying[index] = false }
        let isNews = sentAt > pausedAt ?? .min
        switch answer {
        case .settled(let outcomes):
            for (index, outcome) in zip(request, outcomes) where outcome != .untried { settled[index] = true }
            if isNews { pausedAt = nil }
        case .unclear: if isNews { pausedAt = nil }
        case .unavailable(_, let wait): if let wait { notBefore = max(notBefore, now + wait.milliseconds) }
        case .suspicious(_, let wait, let isTimeout):
            if let wait { notBefore = max(notBefore, now + wait.milliseconds) }
            if request.count == 1, failedAloneAt[request[0]] == nil { failedAloneAt[request[0]] = now }
            for index in request where isTimeout && relations.isCut[index] { heldUntil[index] = now + 30_000 }
        case .settings: pausedAt = now
        }
    }

    mutating func drops(_ index: Int) { dropped[index] = true }

    /// An event has left the log.
    mutating func loses(_ seq: Int64) {
        for index in ids.indices where ids[index].seq == seq { isGone[index] = true }
    }

    /// An event is empty in the log.
    mutating func erases(_ seq: Int64) {
        erasedEvents.insert(seq)
        for index in ids.indices where ids[index].seq == seq { erased[index] = true }
    }

    /// Delivery knows that an event was erased.
    mutating func mayNotSend(_ seq: Int64) {
        for index in ids.indices where ids[index].seq == seq { isUntouchable[index] = true }
    }

    /// What is said of erased events is not written down.
    func isClean(_ commit: CursorCommit) throws(Violation) {
        for row in commit.rows {
            guard let index = indexes[row.id], isUntouchable[index], row.state == .failed || !row.words.isEmpty else {
                continue
            }
            throw Violation(rule: "F44", words: "\(name(index)) is erased, and gets a row: \(row.state), \(row.words)")
        }
    }

    mutating func resumes() {
        pausedAt = nil
        notBefore = .min
    }

    /// The process is gone, with all it had in mind.
    mutating func crashes() {
        for index in flying.indices {
            flying[index] = false
            settled[index] = false
            heldUntil[index] = .min
        }
        resumes()
        lastSent = .min
    }

    /// A commit has reached the disk.
    mutating func recorded(_ commit: CursorCommit, from position: Int64, _ disk: Disk) throws(Violation) {
        for place in commit.removed {
            let index = indexes[OperationID(seq: place.seq, place: place.place)]
            if let index { try isNotForgotten(index, disk) }
        }
        var index = ids.lastIndex { $0.seq <= disk.position } ?? -1
        while index >= 0, ids[index].seq > position {
            try isNotForgotten(index, disk)
            index -= 1
        }
        try counts(from: position, disk)
    }

    /// I1: what the disk knows as done has been taken, or has failed.
    private func isNotForgotten(_ index: Int, _ disk: Disk) throws(Violation) {
        guard last[index] == nil, !erased[index], !disk.isFailed(ids[index]), !disk.isOpen(ids[index]) else {
            return
        }
        throw Violation(rule: "I1", words: "\(name(index)) is forgotten: the position is \(disk.position)")
    }

    /// P6: every event that the position has passed is counted once.
    private mutating func counts(from position: Int64, _ disk: Disk) throws(Violation) {
        var before = position
        var passed: [(PlannedEvent, Disk.TallyKey)] = []
        for event in stream.events where event.seq > position {
            let minute = event.receivedAt / 60_000
            // Numbers that are missing before it go with it or earlier.
            guard disk.position >= event.seq || disk.position == event.seq - 1 else { break }
            if let verdict = event.verdict {
                let missing = Int(event.seq - before - 1)
                if missing > 0 {
                    let expired = Disk.TallyKey(minute: minute, verdict: #"{"skipped":"expired"}"#)
                    counted[expired, default: 0] += missing
                }
                if disk.position >= event.seq {
                    let key = Disk.TallyKey(minute: minute, verdict: verdict.text)
                    if erasedEvents.contains(event.seq) {
                        passed.append((event, key))
                    } else {
                        counted[key, default: 0] += 1
                    }
                }
            }
            before = event.seq
        }
        countErased(passed, disk)
        guard counted == disk.tallies else {
            let words =
                "counted \(disk.tallies.values.reduce(0, +)) events up to \(disk.position), "
                + "not \(counted.values.reduce(0, +))"
            throw Violation(rule: "P6", words: words)
        }
    }

    /// An erased event counts as what was made of it, if it was read before, and as erased else.
    private mutating func countErased(_ events: [(PlannedEvent, Disk.TallyKey)], _ disk: Disk) {
        for (event, key) in events {
            if counted[key, default: 0] < disk.tallies[key, default: 0] {
                counted[key, default: 0] += 1
            } else {
                neverPlanned += event.operations.count
                counted[Disk.TallyKey(minute: key.minute, verdict: Verdict.erased.text), default: 0] += 1
            }
        }
    }

    // MARK: What is true

    /// Whoever shares no chain of conflicts with what is poisonous is done long before that is cured.
    func poisonHoldsUpNobodyElse(_ disk: Disk) throws(Violation) {
        let poison = stream.operations.indices.filter { stream.operations[$0].isPoison }
        let behind = relations.followers(of: poison)
        for (index, planned) in stream.operations.enumerated() where !behind.contains(index) {
            guard settled[index] || disk.hasEnded(planned.id) || erased[index] else {
                throw Violation(rule: "isolation", words: "\(name(index)) waits for a poison that it has no part in")
            }
        }
    }

    /// At the end, when everything is done.
    func finish(_ disk: Disk) throws(Violation) {
        try countsErased(disk)
        for (index, planned) in stream.operations.enumerated() {
            let row = disk.rows[planned.id]
            if erased[index] {
                try keepsOrder(index, disk)
                continue
            }
            let mayFail =
                planned.isBad || planned.isOversize || dropped[index] || isGone[index] || isGivenUp(index, row)
            if planned.isOversize, row == nil { throw Violation(rule: "P1", words: "\(name(index)) is too large") }
            if row == nil, last[index] == nil { throw Violation(rule: "P1", words: "\(name(index)) is lost") }
            if let row, !mayFail { throw Violation(rule: "P1", words: "\(name(index)) failed: \(row.words)") }
            if let row, row.words.isEmpty { throw Violation(rule: "P1", words: "\(name(index)) failed without words") }
            try keepsOrder(index, disk)
        }
    }

    /// Of what was planned and erased then, all that is neither delivered nor failed is counted.
    private func countsErased(_ disk: Disk) throws(Violation) {
        guard setup.counts else { return }
        let own = ids.indices.filter { erased[$0] }
        let known = own.count { last[$0] != nil || disk.isFailed(ids[$0]) }
        let planned = own.count - neverPlanned
        guard max(0, planned - known)...planned ~= disk.erasedOperations else {
            let words = "\(disk.erasedOperations) operations counted as erased, of \(planned) of erased events"
            throw Violation(rule: "P6", words: words)
        }
    }

    /// Only who has failed alone is given up: after its time (P5), or when there was room for nobody else.
    private func isGivenUp(_ index: Int, _ row: StoredOperation?) -> Bool {
        guard let row, let since = failedAloneAt[index] else { return false }
        if setup.isTiny, row.words.hasPrefix("given up early") { return true }
        return row.words.hasPrefix("given up after") && row.at - Simulation.epoch - since >= setup.limits.giveUpAfter
    }

    /// P2 and P3.
    private func keepsOrder(_ index: Int, _ disk: Disk) throws(Violation) {
        guard let first = first[index], let last = last[index] else { return }
        // It was taken, the process crashed before that was known, and then it was given up: what comes before it is
        // repeated, and it is not.
        let isRepeated = !disk.isFailed(stream.operations[index].id) && !erased[index]
        for before in relations.earlier[index] {
            guard let firstBefore = self.first[before], let lastBefore = self.last[before] else { continue }
            if firstBefore > first || (isRepeated && lastBefore > last) {
                throw Violation(rule: "P2", words: "\(name(index)) came before \(name(before))")
            }
            if relations.isCut[before], lastBefore > first {
                throw Violation(rule: "P3", words: "\(name(before)) came again after \(name(index))")
            }
        }
    }
}
