import Storage

@testable import Delivery

/// What is left out of a run, to find what matters.
struct Simplification: Sendable {
    /// Events that become nothing.
    var blanks: Set<Int64> = []
    var hasCrashes = true
    var hasDrops = true
    var hasErasures = true
    var hasFaults = true
    var hasOutage = true
    /// Nothing goes wrong after so many steps.
    var troubledSteps = Int.max

    func applied(to drawn: Setup) -> Setup {
        var setup = drawn
        if !hasCrashes { setup.crashes = 0 }
        if !hasDrops { setup.drops = 0 }
        if !hasErasures { setup.erasures = 0 }
        if !hasFaults { setup.faults = 0 }
        if !hasOutage { setup.hasOutage = false }
        setup.troubledSteps = min(setup.troubledSteps, troubledSteps)
        return setup
    }
}

/// A run that broke a promise, made as simple as still breaks it.
struct Report: CustomStringConvertible {
    let seed: UInt64
    let violation: Violation
    private let mutant: Mutant?
    private var simpler = Simplification()
    private var trace: [String] = []
    private var things: [String] = []

    /// How much of a long run is told.
    private static let told = 80

    /// `nil` when the run of this seed breaks nothing.
    init?(seed: UInt64, mutant: Mutant? = nil) {
        guard let violation = Self.violation(of: seed, Simplification(), mutant) else { return nil }
        self.seed = seed
        self.violation = violation
        self.mutant = mutant
        // What comes last may make others needless that were needed.
        for _ in 0..<2 { simplify() }
        let simplest = Simulation(seed: seed, simpler: simpler, mutant: mutant, isTraced: true)
        if let last = Self.violation(in: simplest) { trace = (simplest.trace ?? []) + ["\(last)"] }
        things = simplest.stream.operations.map { planned in
            let things = Relations.things(in: planned.operation).map { "\($0)\($1 ? "" : " (read)")" }
            return "\(planned.id.seq).\(planned.id.place) \(planned.planned.action): "
                + things.sorted().joined(separator: ", ")
        }
    }

    private mutating func simplify() {
        leaveOut { $0.hasCrashes = false }
        leaveOut { $0.hasDrops = false }
        leaveOut { $0.hasErasures = false }
        leaveOut { $0.hasOutage = false }
        leaveOut { $0.hasFaults = false }
        for steps in [10, 20, 40, 80, 160] where steps < simpler.troubledSteps {
            if leaveOut({ $0.troubledSteps = steps }) { break }
        }
        // Halves of the events first, then quarters, and so on.
        let seqs = Simulation(seed: seed).stream.events.map(\.seq)
        var size = max(1, seqs.count / 2)
        while true {
            for start in stride(from: 0, to: seqs.count, by: size) {
                leaveOut { $0.blanks.formUnion(seqs[start...].prefix(size)) }
            }
            guard size > 1 else { return }
            size /= 2
        }
    }

    /// Keeps a simplification if the same is still broken.
    @discardableResult private mutating func leaveOut(_ change: (inout Simplification) -> Void) -> Bool {
        var changed = simpler
        change(&changed)
        guard Self.violation(of: seed, changed, mutant)?.rule == violation.rule else { return false }
        simpler = changed
        return true
    }

    private static func violation(of seed: UInt64, _ simpler: Simplification, _ mutant: Mutant?) -> Violation? {
        let simulation = Simulation(seed: seed, simpler: simpler, mutant: mutant)
        return violation(in: simulation)
    }

    private static func violation(in simulation: Simulation) -> Violation? {
        do throws(Violation) {
            try simulation.run()
            return nil
        } catch {
            return error
        }
    }

    var description: String {
        """
        FERRY_SEED=\(seed) breaks \(violation)
        Simplified:
        \(things.joined(separator: "\n"))
        \(trace.count > Self.told ? "…\n" : "")\(trace.suffix(Self.told).joined(separator: "\n"))
        """
    }
}
