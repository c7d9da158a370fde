import LosslessJSON
import Seeding
import Testing
import Triggers

/// Random trees are printed as triggers, and what the compiled trigger answers is compared with what the tree itself
/// gives by brute force. `FERRY_SEED` repeats a run.
@Suite struct `Random triggers` {
    @Test func `matching and explaining agree with a brute-force evaluator`() throws {
        var chance = SeededGenerator(for: "Triggers")
        for round in 0..<4_000 {
            let model = Maker.condition(depth: 4, &chance)
            let source = model.printed(&chance)
            let trigger: Trigger
            do {
                trigger = try Trigger(source)
            } catch {
                Issue.record("round \(round): \(source)\n\(error)\n\(error.rendered())")
                continue
            }
            for _ in 0..<6 {
                let modelEvent = Maker.event(&chance)
                let text = modelEvent.json(&chance)
                let event = try event(text)
                let expected = model.isTrue(modelEvent)
                #expect(trigger.matches(event) == expected, "round \(round): \(source) on \(text)")
                let explanation = trigger.explain(event)
                #expect(explanation.outcome == expected, "round \(round): \(source) on \(text)")
                #expect(source.utf8.count >= explanation.clause.utf8.count)
                let clause = try? Trigger(explanation.clause)
                #expect(clause?.matches(event) == expected, "round \(round): \(explanation) of \(source) on \(text)")
            }
        }
    }

    @Test func `random garbage is accepted or refused with a place in it, and never crashes`() {
        var chance = SeededGenerator(for: "Triggers")
        let pieces = [
            "type", "event", "properties.a", "and", "or", "in", "not", "!", "(", ")", "[", "]", ",", "=", "==", "!=",
            "<",
            "<=", ">", "'", "\"", "\\", ".", "-", "+", "5", "1.5", "true", "null", "contains(", "match(", "length(",
            "nope(",
            " ", "\n", "\r", "\t", "é", "😀", "\u{301}", "“", "\u{A0}", "\0", "\u{1B}", "$", "&&", "*", "?", "a", "_",
            "'x'",
            "\"y\"", "\u{FEFF}", "%", "`", "~", "{", "}", ";", "\u{10FFFF}",
        ]
        let events: [JSON.Object] = [[:], ["type": "track", "event": "a", "a": true, "properties": ["a": [1, "x"]]]]
        var accepted = 0
        for _ in 0..<30_000 {
            let count = Int.random(in: 0...12, using: &chance)
            let source = (0..<count).map { _ in chance.pick(pieces) + (chance.chance(30) ? " " : "") }.joined()
            do {
                let trigger = try Trigger(source)
                accepted += 1
                for event in events {
                    #expect(trigger.matches(event) == trigger.explain(event).outcome, "\(source.debugDescription)")
                }
            } catch {
                #expect((0...source.utf8.count).contains(error.offset), "\(source.debugDescription)")
                #expect(error.line >= 1 && error.column >= 1, "\(source.debugDescription)")
                #expect(!error.message.isEmpty && error.rendered().hasSuffix("^"), "\(source.debugDescription)")
                let control = error.description.unicodeScalars.contains { $0.value < 0x20 }
                #expect(!control, "\(source.debugDescription): \(error.description.debugDescription)")
            }
        }
        #expect(accepted > 100)
    }

    @Test func `a trigger with one byte changed, lost or doubled never crashes`() throws {
        var chance = SeededGenerator(for: "Triggers")
        let event = try exampleEvent()
        for vector in try Vector.all(in: "examples") {
            for _ in 0..<100 {
                var bytes = Array(vector.trigger.utf8)
                guard !bytes.isEmpty else { continue }
                let position = Int.random(in: 0..<bytes.count, using: &chance)
                switch Int.random(in: 0..<3, using: &chance) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &chance)
                case 1: bytes.remove(at: position)
                default: bytes.insert(bytes[position], at: position)
                }
                let source = String(decoding: bytes, as: UTF8.self)
                guard let trigger = try? Trigger(source) else { continue }
                #expect(trigger.matches(event) == trigger.explain(event).outcome, "\(source.debugDescription)")
            }
        }
    }
}

/// Makes random events and triggers out of few fields and values, so that they often meet.
private enum Maker {
    private static let keys = ["a", "b", "and", "in", "true", "0", "1", "x y", "p.q", "größe"]
    private static let texts = ["", "a", "ab", "AB c", "aab", "track", "page", "é", "'", "\"", "ア b", "x_y"]
    private static let patterns = ["*", "", "a*", "*b", "?", "a?", "[ab]*", "*[!a]", "*a*b", "ab", "??*", "*é*"]
    private static let numbers = [0, 100, -100, 150, 2_500, 199, 200, 300, 12_345_678_901_234]

    static func value(depth: Int, _ chance: inout SeededGenerator) -> ModelValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 8), using: &chance) {
        case 0: return .null
        case 1, 2: return .bool(chance.chance(60))
        case 3, 4: return .hundredths(chance.pick(numbers))
        case 5, 6, 7: return .text(Array(chance.pick(texts).unicodeScalars))
        case 8, 9:
            return .list((0..<Int.random(in: 0...3, using: &chance)).map { _ in value(depth: depth - 1, &chance) })
        default: return object(depth: depth - 1, &chance)
        }
    }

    private static func object(depth: Int, _ chance: inout SeededGenerator) -> ModelValue {
        var members: [String: ModelValue] = [:]
        for _ in 0..<Int.random(in: 0...5, using: &chance) { members[chance.pick(keys)] = value(depth: depth, &chance) }
        return .object(members)
    }

    static func event(_ chance: inout SeededGenerator) -> ModelValue {
        guard case .object(var members) = object(depth: 3, &chance) else { return .null }
        if chance.chance(80) {
            members["type"] = chance.chance(70) ? .text(Array("track".unicodeScalars)) : value(depth: 0, &chance)
        }
        if chance.chance(70) { members["event"] = value(depth: 1, &chance) }
        if chance.chance(50) { members["name"] = value(depth: 1, &chance) }
        return .object(members)
    }

    static func condition(depth: Int, _ chance: inout SeededGenerator) -> ModelTrigger {
        let operands = { (chance: inout SeededGenerator) in
            (0..<Int.random(in: 2...4, using: &chance)).map { _ in condition(depth: depth - 1, &chance) }
        }
        switch Int.random(in: 0..<(depth > 0 ? 15 : 9), using: &chance) {
        case 0...3:
            let sign = chance.pick(["=", "=", "!=", "!=", "<", "<=", ">", ">="])
            return .compare(sign, operand(depth: depth, &chance), operand(depth: depth, &chance))
        case 4: return .member(operand(depth: depth, &chance), operand(depth: depth, &chance))
        case 5:
            return .member(operand(depth: 0, &chance), .list([literal(&chance), literal(&chance), literal(&chance)]))
        case 6: return .call("contains", [operand(depth: 0, &chance), operand(depth: 0, &chance)])
        case 7: return .call("match", [operand(depth: 0, &chance), pattern(&chance)])
        case 8: return operand(depth: depth, &chance)
        case 9, 10: return .not(condition(depth: depth - 1, &chance))
        case 11, 12: return .and(operands(&chance))
        default: return .or(operands(&chance))
        }
    }

    private static func operand(depth: Int, _ chance: inout SeededGenerator) -> ModelTrigger {
        switch Int.random(in: 0..<(depth > 0 ? 14 : 10), using: &chance) {
        case 0...6: return .path(path(&chance))
        case 7, 8, 9: return literal(&chance)
        case 10:
            return .list((0..<Int.random(in: 0...3, using: &chance)).map { _ in operand(depth: depth - 1, &chance) })
        case 11, 12:
            let name = chance.pick(["length", "typeof", "lowercase", "snakecase"])
            return .call(name, [operand(depth: depth - 1, &chance)])
        default: return condition(depth: depth - 1, &chance)
        }
    }

    private static func path(_ chance: inout SeededGenerator) -> [String] {
        if chance.chance(40) { return [chance.pick(["type", "event", "name"])] }
        let first = chance.pick(keys.filter { $0 != "0" && $0 != "1" } + ["type", "event", "name"])
        return [first] + (0..<Int.random(in: 0...2, using: &chance)).map { _ in chance.pick(keys) }
    }

    private static func literal(_ chance: inout SeededGenerator) -> ModelTrigger {
        .constant(value(depth: 0, &chance))
    }

    private static func pattern(_ chance: inout SeededGenerator) -> ModelTrigger {
        .constant(.text(Array(chance.pick(patterns).unicodeScalars)))
    }
}
