import Seeding

@testable import Delivery

/// How one run is: drawn from its seed.
struct Setup: Sendable {
    var limits = Cursor.Limits()
    /// Whether the bounds are so tight that everything runs into them.
    let isTiny: Bool
    /// How many operations the stream has, at least.
    let operations: Int
    let people: Int
    /// How many of a hundred operations are about the same person and object.
    let hotShare: Int
    /// Requests a second; `nil` for no limit.
    let rate: Int?
    /// Whether the cursor counts events, as the first of an integration does.
    let counts: Bool
    /// During so many steps things go wrong, of a hundred requests so many, and of a thousand steps so many crash.
    var troubledSteps: Int
    var faults: Int
    var crashes: Int
    /// Of a thousand steps, an operator gives an operation up in so many.
    var drops: Int
    /// And an event is erased in so many.
    var erasures: Int
    /// Until when the poisonous operations are not taken.
    let poisonedUntil: Int64
    /// Of a hundred operations, so many are poisonous.
    let poison: Int

    /// Whether there is a time in which the destination can't be reached.
    var hasOutage: Bool

    /// What goes wrong, and when, where that is not left to chance.
    var script: Script?

    /// One fault and one crash, in a run in which nothing else goes wrong.
    struct Script: Sendable {
        /// Which request fails, from 1; 0 for none.
        let request: Int
        let fault: ScriptedTrackAPI.Fault
        /// In which step the process crashes; 0 for in none.
        let crash: Int
    }

    /// A poison that is there for so long outlasts every wait of everybody else.
    static let longPoison: Int64 = 3 * 60 * 60_000

    /// Of a run that follows a script.
    init(_ script: Script) {
        isTiny = false
        operations = 0
        people = 0
        hotShare = 0
        rate = nil
        counts = true
        troubledSteps = .max
        faults = 0
        crashes = 0
        drops = 0
        erasures = 0
        hasOutage = false
        poisonedUntil = 0
        poison = 0
        self.script = script
    }

    init(_ chance: inout SeededGenerator) {
        isTiny = chance.chance(33)
        operations = chance.chance(80) ? 20 + chance.next(below: 21) : 40 + chance.next(below: 111)
        people = 2 + chance.next(below: 11)
        hotShare = chance.pick([0, 50, 95])
        rate = chance.chance(25) ? chance.pick([5, 20, 100]) : nil
        counts = !chance.chance(10)
        troubledSteps = 20 + chance.next(below: 230)
        faults = chance.pick([0, 15, 30, 60])
        crashes = chance.pick([0, 20, 40, 80])
        drops = chance.pick([0, 0, 15, 50])
        erasures = chance.pick([0, 0, 15, 50])
        hasOutage = chance.chance(30)
        poison = chance.pick([0, 0, 4, 8])
        poisonedUntil = chance.chance(50) ? Self.longPoison : Int64.random(in: 500...60_000, using: &chance)
        limits.concurrency = chance.pick([1, 2, 4, 32])
        limits.trustsArrayOrder = !chance.chance(10)
        limits.readAhead = chance.pick([5, 20, 500])
        limits.recordedAtOnce = chance.pick([3, 1_000])
        if chance.chance(20) { limits.giveUpAfter = 200_000 }
        if isTiny {
            limits.operations = 8
            limits.bodies = 4
            limits.span = 20
            limits.readAhead = 5
            limits.fetched = 2
        }
    }
}
