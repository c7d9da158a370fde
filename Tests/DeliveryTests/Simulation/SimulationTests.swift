import Foundation
import Seeding
import Testing

@testable import Delivery

/// Delivery against a hostile world, as often as there is time for (delivery.md D).
@Suite struct `Delivery keeps its promises` {
    /// How many runs somebody asked for, who has the time.
    private static let asked = ProcessInfo.processInfo.environment["FERRY_SIMULATIONS"].flatMap(Int.init)
    /// And how many there are in `make test`.
    private static let runs = 1_500

    @Test func `whatever is answered and whenever the process ends`() {
        let chance = SeededGenerator(for: "Simulation")
        let isReplay = ProcessInfo.processInfo.environment["FERRY_SEED"] != nil
        for run in 0..<(isReplay ? 1 : Self.asked ?? Self.runs) {
            let seed = chance.seed &+ UInt64(run)
            guard let report = Report(seed: seed) else { continue }
            Issue.record("\(report)")
            return
        }
    }

    @Test func `every short stream, with every fault and a crash in every step`() {
        let exhaustive =
            Self.asked == nil
            ? Exhaustive(length: 3, requests: 2, steps: 8)
            : Exhaustive(length: 4, requests: 3, steps: 12)
        let (runs, broken) = exhaustive.run()
        print("Short streams: \(runs) runs")
        #expect(broken == nil)
    }

    @Test(arguments: Mutant.allCases) func `a planted bug is noticed`(mutant: Mutant) {
        expectNotice(of: mutant, within: 3_000, watchesInvariants: true)
    }

    /// Without a look at who is sent before whom: it takes longer, and shows that the promises need no help.
    @Test(.enabled(if: asked != nil), arguments: Mutant.allCases)
    func `a planted bug is noticed by what was promised alone`(mutant: Mutant) {
        expectNotice(of: mutant, within: 10_000, watchesInvariants: false)
    }

    private func expectNotice(of mutant: Mutant, within runs: Int, watchesInvariants: Bool) {
        let chance = SeededGenerator(for: "\(mutant)")
        for run in 0..<runs {
            let simulation = Simulation(
                seed: chance.seed &+ UInt64(run),
                mutant: mutant,
                watchesInvariants: watchesInvariants
            )
            do throws(Violation) {
                try simulation.run()
            } catch {
                return print("\(mutant) is noticed in run \(run + 1) by \(error.rule)")
            }
        }
        Issue.record("nobody notices the planted bug \(mutant)")
    }
}
