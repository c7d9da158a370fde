import Integrations
import LosslessJSON
import Seeding
import Storage
import TrackAPI

@testable import Delivery

/// What is delivered in one run: events and what they became, with what the destination will make of each operation.
struct Stream: Sendable {
    struct Planned: Sendable {
        let id: OperationID
        let planned: PlannedEvent.Planned
        let bytes: [UInt8]
        /// The destination never takes it.
        let isBad: Bool
        /// The destination fails over it, for a while.
        let isPoison: Bool

        var operation: Operation { planned.item.operation }
        var isOversize: Bool { planned.item.isTooLarge }
    }

    /// In the order of the log; numbers that are missing have left it.
    var events: [PlannedEvent] = []
    /// When each of them comes into the log.
    var arrivals: [Int64] = []
    /// All of all events, in order.
    var operations: [Planned] = []

    var last: Int64 { events.last?.seq ?? 0 }

    init(_ setup: Setup, _ chance: inout SeededGenerator) {
        var maker = OperationMaker(setup)
        var seq: Int64 = 0
        var arrival: Int64 = 0
        while operations.count < setup.operations {
            seq += chance.chance(3) ? Int64.random(in: 2...4, using: &chance) : 1
            let several = chance.chance(15) ? Int.random(in: 2...3, using: &chance) : 1
            let count = chance.chance(10) ? 0 : several
            let planned = (0..<count).map { place in
                maker.next(OperationID(seq: seq, place: place), setup, &chance)
            }
            operations += planned
            append(planned, seq: seq, setup)
            if chance.chance(20) { arrival += Int64.random(in: 0...2_000, using: &chance) }
            if chance.chance(1) { arrival += Int64.random(in: 0...1_200_000, using: &chance) }
            arrivals.append(arrival)
        }
    }

    /// Of these operations, each of an event of its own, all there from the start.
    init(_ operations: [Operation], bad: Set<Int>, _ setup: Setup) {
        for (index, operation) in operations.enumerated() {
            let planned = Planned(
                id: OperationID(seq: Int64(index + 1), place: 0),
                planned: PlannedEvent.Planned(
                    place: 0,
                    action: operation.body["action"]?.stringValue ?? "",
                    item: Batch.Item(operation, batchSize: 50, batching: true),
                    claims: operation.claims(OperationMaker.keys)
                ),
                bytes: operation.encoded(),
                isBad: bad.contains(index),
                isPoison: false
            )
            self.operations.append(planned)
            append([planned], seq: Int64(index + 1), setup)
            arrivals.append(0)
        }
    }

    private mutating func append(_ planned: [Planned], seq: Int64, _ setup: Setup) {
        let verdict = planned.isEmpty ? .otherSource : Verdict(Plan(testing: planned.map(\.operation)))
        events.append(
            PlannedEvent(
                seq: seq,
                receivedAt: 1_700_000_000_000 + seq * 17_000,
                verdict: setup.counts ? verdict : nil,
                operations: planned.map(\.planned)
            )
        )
    }

    /// The same where these events became nothing.
    func without(_ seqs: Set<Int64>) -> Stream {
        var stream = self
        stream.operations.removeAll { seqs.contains($0.id.seq) }
        stream.events = events.map { event in
            guard seqs.contains(event.seq) else { return event }
            return PlannedEvent(
                seq: event.seq,
                receivedAt: event.receivedAt,
                verdict: event.verdict == nil ? nil : .otherSource,
                operations: []
            )
        }
        return stream
    }
}

/// Makes operations as the actions make them, about few people and things, so that they meet.
private struct OperationMaker {
    /// How each action is sent.
    private struct Batching {
        let size: Int
        let isOn: Bool
    }

    static let keys = OrderKeys(secret: Array(0..<16))
    private static let oversize = JSON.string(String(repeating: "x", count: 33_000))
    private static let actions = [
        "track-event", "create-or-update-person", "create-or-update-device", "delete-device", "delete-person",
        "suppress-person", "unsuppress-person", "merge-people", "create-or-update-object", "delete-object",
        "delete-relationship", "report-delivery-event",
    ]
    /// Of a hundred, so many of each.
    private static let shares = [36, 23, 6, 3, 5, 3, 2, 6, 7, 3, 4, 2]

    private let people: Int
    private let objects: Int
    private var batching: [String: Batching] = [:]
    private var number = 0
    /// What brings back or returns: it comes next, so that patterns that matter are frequent.
    private var planned: [Operation] = []

    init(_ setup: Setup) {
        people = setup.people
        objects = 1 + setup.operations % 3
        // The sizes follow from the setup, and so from the seed.
        var chance = SeededGenerator(seed: UInt64(setup.operations * 1_000 + setup.troubledSteps))
        for action in Self.actions {
            batching[action] = Batching(size: chance.pick([1, 2, 5, 50, 50]), isOn: !chance.chance(15))
        }
    }

    mutating func next(_ id: OperationID, _ setup: Setup, _ chance: inout SeededGenerator) -> Stream.Planned {
        number += 1
        let isHot = chance.chance(setup.hotShare)
        var action = draw(&chance)
        var operation = make(action, isHot: isHot, &chance)
        if let back = planned.popLast() {
            operation = back
            action = "merge-people"
        } else if action == "merge-people", chance.chance(40) {
            planned.append(reversed(operation))
        }
        if chance.chance(1) {
            var body = operation.body
            body["padding"] = Self.oversize
            operation = Operation(kind: operation.kind, body: body)
        }
        let batching = batching[action] ?? Batching(size: 1, isOn: false)
        let item = Batch.Item(operation, batchSize: batching.size, batching: batching.isOn)
        return Stream.Planned(
            id: id,
            planned: PlannedEvent.Planned(
                place: id.place,
                action: action,
                item: item,
                claims: operation.claims(Self.keys)
            ),
            bytes: operation.encoded(),
            isBad: !item.isTooLarge && chance.chance(6),
            isPoison: !item.isTooLarge && chance.chance(setup.poison)
        )
    }

    private func draw(_ chance: inout SeededGenerator) -> String {
        var roll = Int.random(in: 0..<Self.shares.reduce(0, +), using: &chance)
        for (action, share) in zip(Self.actions, Self.shares) {
            if roll < share { return action }
            roll -= share
        }
        return Self.actions[0]
    }

    private mutating func make(_ action: String, isHot: Bool, _ chance: inout SeededGenerator) -> Operation {
        switch action {
        case "create-or-update-person": identify(isHot, &chance)
        case "create-or-update-device":
            person("add_device", isHot, &chance, ["device": ["token": device(&chance), "platform": "ios", "n": count]])
        case "delete-device": person("delete_device", isHot, &chance, ["device": ["token": device(&chance)]])
        case "delete-person": person("delete", isHot, &chance)
        case "suppress-person": person("suppress", isHot, &chance)
        case "unsuppress-person": person("unsuppress", isHot, &chance)
        case "merge-people":
            Operation(
                kind: .entity,
                body: [
                    "type": "person", "action": "merge", "primary": identifier(isHot, &chance),
                    "secondary": identifier(false, &chance),
                ]
            )
        case "create-or-update-object": object(isHot, &chance)
        case "delete-object":
            Operation(
                kind: .entity,
                body: ["type": "object", "action": "delete", "identifiers": thing(isHot, &chance)]
            )
        case "delete-relationship":
            Operation(
                kind: .entity,
                body: [
                    "type": "object", "action": "delete_relationships", "identifiers": thing(isHot, &chance),
                    "cio_relationships": [["identifiers": identifier(isHot, &chance)]],
                ]
            )
        case "report-delivery-event":
            Operation(kind: .metric, body: ["delivery_id": .string("d\(number % 3)"), "metric": "opened", "n": count])
        default:
            person(chance.pick(["event", "event", "page", "screen"]), isHot, &chance, ["name": "n", "id": count])
        }
    }

    private var count: JSON { .string("01HV\(number)") }

    private func person(
        _ action: String,
        _ isHot: Bool,
        _ chance: inout SeededGenerator,
        _ more: JSON.Object = [:]
    ) -> Operation {
        var body: JSON.Object = [
            "type": "person", "action": .string(action), "identifiers": identifier(isHot, &chance),
        ]
        for member in more { body.append(member.key, member.value) }
        return Operation(kind: .entity, body: body)
    }

    private func identify(_ isHot: Bool, _ chance: inout SeededGenerator) -> Operation {
        var attributes: JSON.Object = ["n": count]
        if chance.chance(50) { attributes.append("email", email(&chance)) }
        if chance.chance(50) { attributes.append("anonymous_id", anonymous(&chance)) }
        var body: JSON.Object = [
            "type": "person", "action": "identify", "identifiers": identifier(isHot, &chance),
            "attributes": .object(attributes),
        ]
        if chance.chance(30) { body.append("cio_relationships", [["identifiers": thing(isHot, &chance)]]) }
        return Operation(kind: .entity, body: body)
    }

    private func object(_ isHot: Bool, _ chance: inout SeededGenerator) -> Operation {
        let isAnonymous = chance.chance(20)
        var body: JSON.Object = [
            "type": "object", "action": isAnonymous ? "identify_anonymous" : "identify",
            "identifiers": thing(isHot, &chance), "attributes": ["n": count],
        ]
        if isAnonymous {
            body.append("cio_relationships", [["identifiers": ["anonymous_id": anonymous(&chance)]]])
        } else if chance.chance(70) {
            body.append("cio_relationships", [["identifiers": identifier(isHot, &chance)]])
        }
        return Operation(kind: .entity, body: body)
    }

    private func reversed(_ merge: Operation) -> Operation {
        var body = merge.body
        body["primary"] = merge.body["secondary"]
        body["secondary"] = merge.body["primary"]
        return Operation(kind: .entity, body: body)
    }

    // MARK: Names

    private func identifier(_ isHot: Bool, _ chance: inout SeededGenerator) -> JSON {
        let who = isHot ? 1 : Int.random(in: 1...people, using: &chance)
        switch Int.random(in: 0..<20, using: &chance) {
        case 0: return ["email": email(&chance)]
        case 1: return ["anonymous_id": anonymous(&chance)]
        case 2: return ["cio_id": .string(chance.pick(["cio_0\(who)", "0\(who)"]))]
        // As number and as text it is the same.
        case 3: return ["id": JSON(integerLiteral: Int64(who))]
        default: return ["id": .string("\(who)")]
        }
    }

    private func email(_ chance: inout SeededGenerator) -> JSON {
        .string(chance.pick(["test@test.com", "Test@test.com", "a@x.co", "b@x.co"]))
    }

    private func anonymous(_ chance: inout SeededGenerator) -> JSON {
        .string(chance.pick(["kiosk", "anon-2", "anon-3"]))
    }

    private func device(_ chance: inout SeededGenerator) -> JSON {
        .string(chance.pick(["token-1", "token-2"]))
    }

    private func thing(_ isHot: Bool, _ chance: inout SeededGenerator) -> JSON {
        let which = isHot ? 1 : Int.random(in: 1...objects, using: &chance)
        return ["object_type_id": "1", "object_id": .string("acme-\(which)")]
    }
}
