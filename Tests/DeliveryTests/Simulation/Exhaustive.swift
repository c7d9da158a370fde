import LosslessJSON
import Seeding
import TrackAPI

@testable import Delivery

/// Every short stream with every single fault and every single crash: what chance may leave out.
struct Exhaustive {
    /// What a stream is made of: of one person by two names, so that some share a key and some don't.
    private static let operations: [JSON.Object] = [
        ["type": "person", "action": "event", "identifiers": ["id": "1"], "name": "n"],
        ["type": "person", "action": "event", "identifiers": ["email": "a@x.co"], "name": "n"],
        [
            "type": "person", "action": "identify", "identifiers": ["id": "1"],
            "attributes": ["email": "a@x.co"],
        ],
        ["type": "person", "action": "delete", "identifiers": ["id": "1"]],
    ]

    let length: Int
    let requests: Int
    let steps: Int

    /// How many runs there were, and what was broken in the first bad one.
    func run() -> (runs: Int, broken: String?) {
        var runs = 0
        let streams = (0..<length).reduce(1) { count, _ in count * Self.operations.count }
        for stream in 0..<streams {
            let kinds = (0..<length).map { stream / powers($0) % Self.operations.count }
            // None is bad, or the one in the middle.
            for bad in [-1, length / 2] {
                for script in scripts {
                    runs += 1
                    if let broken = violation(kinds, bad: bad, script) { return (runs, broken) }
                }
            }
        }
        return (runs, nil)
    }

    private func powers(_ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { power, _ in power * Self.operations.count }
    }

    private var scripts: [Setup.Script] {
        var scripts: [Setup.Script] = []
        for crash in 0...steps {
            scripts.append(Setup.Script(request: 0, fault: .stalled, crash: crash))
            for request in 1...requests {
                scripts += ScriptedTrackAPI.Fault.allCases.map { fault in
                    Setup.Script(request: request, fault: fault, crash: crash)
                }
            }
        }
        return scripts
    }

    private func violation(_ kinds: [Int], bad: Int, _ script: Setup.Script) -> String? {
        let setup = Setup(script)
        let operations = kinds.enumerated().map { index, kind in
            var body = Self.operations[kind]
            if kind != 3 { body["timestamp"] = JSON(integerLiteral: Int64(index)) }
            return Operation(kind: .entity, body: body)
        }
        let stream = Stream(operations, bad: [bad], setup)
        // How long things take, and whether what was under way at the crash is applied, follows from the script.
        var chance = SeededGenerator(seed: UInt64(script.crash * 100 + script.request))
        let simulation = Simulation(setup, stream, &chance)
        do throws(Violation) {
            try simulation.run()
            return nil
        } catch {
            return "\(kinds), bad: \(bad), \(script): \(error)"
        }
    }
}
