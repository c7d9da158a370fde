import LosslessJSON
import Mappings
import Seeding
import Testing

/// Definitions are grown from the language's own words, so that about half of them compile; whatever comes out, nothing
/// may crash, and two runs must agree with each other and with their explanation.
@Suite struct `Random mappings` {
    @Test(.timeLimit(.minutes(2)), arguments: [Mapping.Dialect.standard, .short])
    func `never crash and always say the same`(dialect: Mapping.Dialect) throws {
        var random = SeededGenerator(for: "Mappings")
        let seed = random.seed
        var compiled = 0
        var applied = 0
        for _ in 0..<4_000 {
            let definition = random.definition(depth: 5)
            let event = random.event()
            guard let mapping = try? Mapping(definition, dialect: dialect) else { continue }
            compiled += 1
            let first = Result { try mapping.apply(to: event) }
            let second = Result { try Mapping(definition, dialect: dialect).apply(to: event) }
            let explanation = mapping.explain(on: event)
            switch (first, second) {
            case (.success(let left), .success(let right)):
                applied += 1
                #expect(left?.description == right?.description, "seed \(seed): \(definition)")
                #expect(left?.description == explanation.output?.description, "seed \(seed): \(definition)")
            case (.failure(let left as MappingError), .failure(let right as MappingError)):
                #expect(left == right && left == explanation.error, "seed \(seed): \(definition)")
            default: Issue.record("seed \(seed): \(definition) fails only sometimes")
            }
        }
        #expect(compiled > 400 && applied > 300, "seed \(seed): \(compiled) compiled, \(applied) applied")
    }

    @Test(.timeLimit(.minutes(2))) func `mean the same in short form`() throws {
        var random = SeededGenerator(for: "Short forms")
        let seed = random.seed
        var applied = 0
        for _ in 0..<4_000 {
            let definition = random.definition(depth: 5)
            let event = random.event()
            guard let mapping = try? Mapping(definition) else { continue }
            let shortForm = Mapping.shortForm(of: definition)
            let short = try Mapping(shortForm, dialect: .short)
            let expected = try? mapping.apply(to: event)
            #expect(
                (try? short.apply(to: event))?.description == expected?.description,
                "seed \(seed): \(definition) as \(shortForm)"
            )
            if expected != nil { applied += 1 }
        }
        #expect(applied > 300, "seed \(seed): \(applied) applied")
    }
}

/// Events and definitions out of few words, so that they often meet.
extension SeededGenerator {
    fileprivate mutating func event() -> JSON.Object {
        var event = JSON.Object()
        for key in ["a", "b", "c", "list", "x.y"] where Bool.random(using: &self) {
            event[key] = value(depth: 3)
        }
        return event
    }

    private mutating func value(depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &self) {
        case 0: .null
        case 1: .bool(.random(using: &self))
        case 2: .number(JSON.Number(Int.random(in: -3...3, using: &self)))
        case 3: .number(JSON.Number(validText: pick(["1.10", "0.0", "-0", "1e400", "12345678901234567890"])))
        case 4...6: .string(text())
        case 7: .array((0..<Int.random(in: 0...3, using: &self)).map { _ in value(depth: depth - 1) })
        default: object { generator in generator.value(depth: depth - 1) }
        }
    }

    private mutating func object(_ part: (inout SeededGenerator) -> JSON) -> JSON {
        var object = JSON.Object()
        for key in ["a", "b", "c", "", "length", "_metadata"] where Int.random(in: 0..<3, using: &self) == 0 {
            object[key] = part(&self)
        }
        return .object(object)
    }

    private mutating func text() -> String {
        pick([
            "", "a", "b", "$", "$.a", "$.a.b", "$.list[0]", "list[0].a", "$.list.length", "['x.y']", "[", "{{a}}", "{{",
            "{{ list }} {{{b.c}}}", "upper", "lower", "left", "right", "encode", "decode", "[1,{\"a\":null}]", "É",
            "e\u{301}", "😀", "$&$1", ".",
        ])
    }

    fileprivate mutating func definition(depth: Int) -> JSON {
        guard depth > 0 else { return value(depth: 0) }
        switch Int.random(in: 0..<12, using: &self) {
        case 0: return value(depth: 1)
        case 1: return .array((0..<Int.random(in: 0...2, using: &self)).map { _ in definition(depth: depth - 1) })
        case 2, 3: return object { generator in generator.definition(depth: depth - 1) }
        default:
            let name = pick([
                "@path", "@path", "@template", "@literal", "@if", "@case", "@replace", "@arrayPath", "@merge",
                "@transform", "@json", "@flatten", "@excludeWhenNull", "@liquid",
            ])
            return .object([name: argument(of: name, depth: depth - 1)])
        }
    }

    private mutating func argument(of name: String, depth: Int) -> JSON {
        if Int.random(in: 0..<20, using: &self) == 0 { return definition(depth: depth) }
        let part = { (generator: inout SeededGenerator) in generator.definition(depth: depth) }
        switch name {
        case "@path", "@template": return Int.random(in: 0..<4, using: &self) == 0 ? part(&self) : .string(text())
        case "@if": return ["exists": part(&self), "then": part(&self), "else": part(&self)]
        case "@case": return ["operator": .string(pick(["upper", "lower"])), "value": part(&self)]
        case "@replace":
            return [
                "pattern": .string(pick(["a", "$", "é", "[", "1"])), "replacement": .string(pick(["", "$&", "aa"])),
                "value": part(&self), "ignorecase": .bool(.random(using: &self)),
                "global": .bool(.random(using: &self)),
            ]
        case "@arrayPath": return [.string(text()), part(&self)]
        case "@merge":
            return [
                "direction": .string(pick(["left", "right"])),
                "objects": [object(part), ["@path": .string(text())], object(part)],
            ]
        case "@transform": return ["apply": object(part), "mapping": object(part)]
        case "@json": return ["mode": .string(pick(["encode", "decode"])), "value": part(&self)]
        case "@flatten": return ["separator": .string(pick([".", "__"])), "value": part(&self)]
        default: return part(&self)
        }
    }
}
