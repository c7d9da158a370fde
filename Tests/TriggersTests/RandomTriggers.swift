import LosslessJSON
import Seeding

/// A value of the model that random triggers are checked against. It shares no code with the language: numbers are
/// whole hundredths, texts are lists of scalars.
indirect enum ModelValue: Equatable {
    case null
    case bool(Bool)
    case hundredths(Int)
    case text([Unicode.Scalar])
    case list([ModelValue])
    case object([String: ModelValue])

    /// The value as a JSON text, numbers in a random one of their spellings.
    func json(_ chance: inout SeededGenerator) -> String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .hundredths(let value): return spelling(of: value, &chance, allowsExponent: true)
        case .text(let scalars):
            return "\"" + scalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
        case .list(let items):
            return "[" + items.map { $0.json(&chance) }.joined(separator: ",") + "]"
        case .object(let members):
            return "{" + members.map { "\"\($0.key)\":\($0.value.json(&chance))" }.joined(separator: ",") + "}"
        }
    }
}

func spelling(of hundredths: Int, _ chance: inout SeededGenerator, allowsExponent: Bool) -> String {
    let sign = hundredths < 0 ? "-" : ""
    let digits = "\(hundredths.magnitude % 100)"
    let fraction = digits.count == 1 ? "0" + digits : digits
    let whole = "\(hundredths.magnitude / 100)"
    if allowsExponent, chance.chance(15) { return "\(hundredths)e-2" }
    if fraction == "00", chance.chance(60) { return sign + whole }
    if fraction.hasSuffix("0"), chance.chance(40) { return "\(sign)\(whole).\(fraction.prefix(1))" }
    return "\(sign)\(whole).\(fraction)" + (chance.chance(10) ? "000" : "")
}

/// A trigger as a tree of the model: printed with random spacing, quotes and parentheses, evaluated by brute force.
indirect enum ModelTrigger {
    case constant(ModelValue)
    case path([String])
    case list([ModelTrigger])
    case call(String, [ModelTrigger])
    case compare(String, ModelTrigger, ModelTrigger)
    case member(ModelTrigger, ModelTrigger)
    case not(ModelTrigger)
    case and([ModelTrigger])
    case or([ModelTrigger])
}

// MARK: - Brute force

extension ModelTrigger {
    func isTrue(_ event: ModelValue) -> Bool {
        value(event) == .bool(true)
    }

    func value(_ event: ModelValue) -> ModelValue {
        switch self {
        case .constant(let value): return value
        case .path(let parts): return Self.look(parts, in: event)
        case .list(let items): return .list(items.map { $0.value(event) })
        case .call(let name, let arguments): return Self.call(name, arguments.map { $0.value(event) })
        case .compare(let sign, let left, let right):
            return .bool(Self.compare(sign, left.value(event), right.value(event)))
        case .member(let item, let list):
            guard case .list(let items) = list.value(event) else { return .bool(false) }
            let item = item.value(event)
            return .bool(items.filter { $0 == item }.count > 0)
        case .not(let operand): return .bool(!operand.isTrue(event))
        case .and(let operands): return .bool(operands.filter { !$0.isTrue(event) }.isEmpty)
        case .or(let operands): return .bool(!operands.filter { $0.isTrue(event) }.isEmpty)
        }
    }

    private static func look(_ parts: [String], in event: ModelValue) -> ModelValue {
        guard case .object(let fields) = event else { return .null }
        if parts[0] == "event", fields["type"] != .text(Array("track".unicodeScalars)) { return .null }
        return parts.reduce(event) { value, part in
            switch value {
            case .object(let members): return members[part] ?? .null
            case .list(let items):
                guard let index = Int(part), index >= 0, index < items.count else { return .null }
                return items[index]
            default: return .null
            }
        }
    }

    private static func compare(_ sign: String, _ left: ModelValue, _ right: ModelValue) -> Bool {
        if sign == "=" { return left == right }
        if sign == "!=" { return left != right }
        guard case .hundredths(let left) = left, case .hundredths(let right) = right else { return false }
        switch sign {
        case "<": return left < right
        case "<=": return left <= right
        case ">": return left > right
        default: return left >= right
        }
    }

    private static func call(_ name: String, _ arguments: [ModelValue]) -> ModelValue {
        switch (name, arguments[0]) {
        case ("contains", .text(let text)):
            guard case .text(let part) = arguments[1] else { return .bool(false) }
            let starts = 0...max(0, text.count - part.count)
            return .bool(starts.contains { Array(text.dropFirst($0).prefix(part.count)) == part })
        case ("match", .text(let text)):
            guard case .text(let pattern) = arguments[1] else { return .bool(false) }
            return .bool(glob(text[...], pattern[...]))
        case ("contains", _), ("match", _): return .bool(false)
        case ("length", .null): return .hundredths(0)
        case ("length", .list(let items)): return .hundredths(items.count * 100)
        case ("length", .text(let text)):
            return .hundredths(text.map { $0.value < 0x80 ? 100 : $0.value < 0x800 ? 200 : 300 }.reduce(0, +))
        case ("typeof", let value):
            let name =
                switch value {
                case .null: "null"
                case .bool: "bool"
                case .hundredths: "number"
                case .text: "string"
                case .list: "list"
                case .object: "map"
                }
            return .text(Array(name.unicodeScalars))
        case ("lowercase", .text(let text)):
            return .text(text.flatMap(\.properties.lowercaseMapping.unicodeScalars))
        case ("snakecase", .text(let text)): return .text(text.map { $0 == " " ? "_" : $0 })
        default: return .null
        }
    }

    /// By trying everything. Patterns of the model hold `*`, `?`, `[ab]`, `[!a]` and plain characters.
    private static func glob(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return (0...text.count).contains { glob(text.dropFirst($0), pattern.dropFirst()) }
        }
        guard let scalar = text.first else { return false }
        if first == "[" {
            let members = pattern.dropFirst().prefix { $0 != "]" }
            let isMember = members.first == "!" ? !members.dropFirst().contains(scalar) : members.contains(scalar)
            return isMember && glob(text.dropFirst(), pattern.dropFirst(members.count + 2))
        }
        return (first == "?" || first == scalar) && glob(text.dropFirst(), pattern.dropFirst())
    }
}

// MARK: - Printing

/// How tightly the grammar binds: an operand must be parenthesised where a tighter one is called for.
private enum Tightness: Int {
    case or, and, not, compare, operand
}

extension ModelTrigger {
    func printed(_ chance: inout SeededGenerator) -> String {
        let space = Self.space(&chance)
        return space + printed(.or, &chance, isInside: false) + Self.space(&chance)
    }

    private var tightness: Tightness {
        switch self {
        case .or: .or
        case .and: .and
        case .not: .not
        case .compare, .member: .compare
        case .constant, .path, .list, .call: .operand
        }
    }

    private func printed(_ needed: Tightness, _ chance: inout SeededGenerator, isInside: Bool) -> String {
        if tightness.rawValue < needed.rawValue || chance.chance(10) {
            let space = Self.space(&chance)
            return "(" + space + printed(.or, &chance, isInside: true) + Self.space(&chance) + ")"
        }
        switch self {
        case .constant(let value): return Self.literal(value, &chance)
        case .path(let parts): return Self.pathText(parts, &chance)
        case .list(let items): return "[" + Self.arguments(items, &chance) + "]"
        case .call(let name, let arguments): return "\(name)(" + Self.arguments(arguments, &chance) + ")"
        case .compare(let sign, let left, let right):
            let shown = sign == "=" && chance.chance(20) ? "==" : sign
            let leftText = left.printed(.operand, &chance, isInside: isInside)
            let joined = leftText + Self.space(&chance) + shown + Self.space(&chance)
            return joined + right.printedOnTheRight(&chance, isInside: isInside)
        case .member(let item, let list):
            let itemText = item.printed(.operand, &chance, isInside: isInside)
            return itemText + " " + Self.space(&chance) + "in " + list.printed(.operand, &chance, isInside: isInside)
        case .not(let operand):
            return "!" + Self.space(&chance) + operand.printed(.not, &chance, isInside: isInside)
        case .and(let operands):
            let joint = isInside ? ["and", "AND"] : ["and", "AND", ","]
            return Self.joined(operands, .not, joint, &chance, isInside: isInside)
        case .or(let operands):
            return Self.joined(operands, .and, ["or", "OR"], &chance, isInside: isInside)
        }
    }

    /// A field of one part that is none of the listed ones would be a text here; a text may be a bare word.
    private func printedOnTheRight(_ chance: inout SeededGenerator, isInside: Bool) -> String {
        if case .path(let parts) = self, parts.count == 1, !["type", "event", "name"].contains(parts[0]) {
            return "(" + printed(.or, &chance, isInside: true) + ")"
        }
        if case .constant(.text(let scalars)) = self, chance.chance(50) {
            let word = String(String.UnicodeScalarView(scalars))
            if ["track", "page", "ab"].contains(word) { return word }
        }
        return printed(.operand, &chance, isInside: isInside)
    }

    private static func joined(
        _ operands: [ModelTrigger],
        _ needed: Tightness,
        _ joints: [String],
        _ chance: inout SeededGenerator,
        isInside: Bool
    ) -> String {
        var text = operands[0].printed(needed, &chance, isInside: isInside)
        for operand in operands.dropFirst() {
            text += " " + space(&chance) + chance.pick(joints) + " " + space(&chance)
            text += operand.printed(needed, &chance, isInside: isInside)
        }
        return text
    }

    private static func arguments(_ arguments: [ModelTrigger], _ chance: inout SeededGenerator) -> String {
        arguments.map { argument in
            let space = space(&chance)
            return space + argument.printed(.operand, &chance, isInside: true) + Self.space(&chance)
        }.joined(separator: ",")
    }

    private static func literal(_ value: ModelValue, _ chance: inout SeededGenerator) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .hundredths(let value):
            let text = spelling(of: value, &chance, allowsExponent: false)
            return value > 0 && chance.chance(20) ? chance.pick(["+", "00", "+0"]) + text : text
        case .text(let scalars):
            let quote: Unicode.Scalar = chance.chance(50) ? "'" : "\""
            let content = scalars.map { $0 == quote ? "\\\($0)" : "\($0)" }.joined()
            return "\(quote)\(content)\(quote)"
        case .list, .object: return "null"
        }
    }

    private static func pathText(_ parts: [String], _ chance: inout SeededGenerator) -> String {
        parts.enumerated().map { index, part in
            let isKeyword = index == 0 && ["and", "in", "true"].contains(part)
            return part.unicodeScalars.enumerated().map { position, scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                let mustEscape = !isPlain || isKeyword && position == 0
                return mustEscape || chance.chance(3) ? "\\\(scalar)" : "\(scalar)"
            }.joined()
        }.joined(separator: ".")
    }

    private static func space(_ chance: inout SeededGenerator) -> String {
        chance.chance(60) ? "" : chance.pick([" ", "  ", "\t", "\n", "\r\n", " \n\t "])
    }
}
