import LosslessJSON
import Mappings
import Testing

@Suite struct `Mapping errors` {
    static let refused: [(mapping: String, problems: [String])] = [
        (#"{"a":{"@nope":1}}"#, [#"/a/@nope: there is no directive "@nope""#]),
        (#"{"a":{"@Path":"$.a"}}"#, [#"/a/@Path: there is no directive "@Path"; did you mean "@path"?"#]),
        (#"{"a":{"@tempalte":"x"}}"#, [#"/a/@tempalte: there is no directive "@tempalte"; did you mean "@template"?"#]),
        (
            #"{"a":{"@excludeIfNull":1}}"#,
            [#"/a/@excludeIfNull: there is no directive "@excludeIfNull"; did you mean "@excludeWhenNull"?"#]
        ),
        (#"{"a":{"@":1}}"#, [#"/a/@: there is no directive "@""#]),
        (
            #"{"a":{"@path":"$.event","@template":"x"}}"#,
            [#"/a: holds several directives ("@path", "@template"); only one can stand here"#]
        ),
        (
            #"{"a":{"b":"x","@path":"$.event"}}"#,
            [#"/a/b: cannot stand next to a directive; only "_metadata" can"#]
        ),
        (#"{"@path":"$.event","b":1}"#, [#"/b: cannot stand next to a directive; only "_metadata" can"#]),
        (#"{"a":{"@path":5}}"#, ["/a/@path: must be a path, which is a string, not a number"]),
        (#"{"@path":null}"#, ["/@path: must be a path, which is a string, not null"]),
        (#"{"a":{"@path":{"b":1}}}"#, ["/a/@path: must be a path, which is a string, not an object"]),
        (#"{"a":{"@template":["x"]}}"#, ["/a/@template: must be a template, which is a string, not a list"]),
        (
            #"{"a":{"@template":{"@literal":4}}}"#,
            ["/a/@template: must be a template, which is a string, not a number"]
        ),
        (#"{"a":{"@if":{"then":1}}}"#, [#"/a/@if: needs "exists" or "blank""#]),
        (#"{"a":{"@if":"x"}}"#, ["/a/@if: takes an object of arguments, not a string"]),
        (
            #"{"a":{"@if":{"exists":1,"than":2}}}"#,
            [#"/a/@if/than: is not an argument here; they are exists, blank, then, else; did you mean "then"?"#]
        ),
        (
            #"{"a":{"@case":{"operator":"UPPER","value":{"@path":"x"}}}}"#,
            [#"/a/@case/operator: must be "lower" or "upper"; did you mean "upper"?"#]
        ),
        (
            #"{"a":{"@case":{"operator":1}}}"#,
            [#"/a/@case/operator: must be "lower" or "upper", not a number"#, #"/a/@case: needs "value""#]
        ),
        (
            #"{"a":{"@replace":{"pattern":"","value":"x"}}}"#,
            ["/a/@replace/pattern: must be a string of 1 to 10 characters"]
        ),
        (
            #"{"a":{"@replace":{"pattern":"x","replacement":"12345678901","value":"x"}}}"#,
            ["/a/@replace/replacement: must be a string of at most 10 characters"]
        ),
        (
            #"{"a":{"@replace":{"pattern":"x","pattern2":"12345678901","value":"x"}}}"#,
            ["/a/@replace/pattern2: must be a string of 1 to 10 characters"]
        ),
        (
            #"{"a":{"@replace":{"pattern":"x","value":"x","global":"true","ignorecase":0}}}"#,
            [
                "/a/@replace/global: must be true or false, not in quotes",
                "/a/@replace/ignorecase: must be true or false, not in quotes, not a number",
            ]
        ),
        (#"{"a":{"@replace":{"value":"x"}}}"#, [#"/a/@replace: needs "pattern""#]),
        (#"{"a":{"@arrayPath":"x"}}"#, ["/a/@arrayPath: takes a list of a path and, if wanted, a shape"]),
        (#"{"a":{"@arrayPath":[]}}"#, ["/a/@arrayPath: takes a list of a path and, if wanted, a shape"]),
        (#"{"a":{"@arrayPath":["x",{},1]}}"#, ["/a/@arrayPath: takes a list of a path and, if wanted, a shape"]),
        (#"{"a":{"@arrayPath":[1]}}"#, ["/a/@arrayPath/0: must be a path or a directive, not a number"]),
        (
            #"{"a":{"@arrayPath":["x",{"y":{"@nope":1}}]}}"#,
            [#"/a/@arrayPath/1/y/@nope: there is no directive "@nope""#]
        ),
        (#"{"a":{"@merge":{"objects":[{"x":1}]}}}"#, [#"/a/@merge: needs "direction""#]),
        (
            #"{"a":{"@merge":{"direction":"rigth","objects":["x",null,[1]]}}}"#,
            [
                #"/a/@merge/direction: must be "left" or "right"; did you mean "right"?"#,
                "/a/@merge/objects/0: must be an object, not a string",
                "/a/@merge/objects/2: must be an object, not a list",
            ]
        ),
        (
            #"{"a":{"@merge":{"direction":"left","objects":{}}}}"#,
            ["/a/@merge/objects: must be a list of objects, not an object"]
        ),
        (#"{"a":{"@merge":{"direction":"left"}}}"#, [#"/a/@merge: needs "objects""#]),
        (#"{"a":{"@transform":{"mapping":{}}}}"#, [#"/a/@transform: needs "apply""#]),
        (
            #"{"a":{"@transform":{"apply":1,"mapping":"x"}}}"#,
            [
                "/a/@transform/apply: must be an object, not a number",
                "/a/@transform/mapping: must be an object, not a string",
            ]
        ),
        (
            #"{"a":{"@json":{"mode":"enc","value":1}}}"#,
            [#"/a/@json/mode: must be "encode" or "decode"; did you mean "encode"?"#]
        ),
        (#"{"a":{"@json":{"mode":"encode"}}}"#, [#"/a/@json: needs "value""#]),
        (#"{"a":{"@flatten":{"value":1}}}"#, [#"/a/@flatten: needs "separator""#]),
        (
            #"{"a":{"@flatten":{"value":1,"separator":""}}}"#,
            ["/a/@flatten/separator: must be a string of at least one character"]
        ),
        (
            #"{"a":{"@liquid":"{{ event }}"}}"#,
            ["/a/@liquid: @liquid is not supported; use @template, @case, @replace and @if instead"]
        ),
        (#"{"a/b":{"c~d":[1,{"@nope":1}]}}"#, [#"/a~1b/c~0d/1/@nope: there is no directive "@nope""#]),
        (
            #"{"__segment_internal_directive":{"@path":"x"},"a":1}"#,
            ["/__segment_internal_directive: must hold one @transform"]
        ),
        (
            #"{"__segment_internal_directive":{"@transform":{}},"a":{"@nope":1}}"#,
            [
                #"/a/@nope: there is no directive "@nope""#,
                #"/__segment_internal_directive/@transform: needs "apply""#,
            ]
        ),
    ]

    @Test(arguments: refused)
    func `a wrong definition is refused with every place`(row: (mapping: String, problems: [String])) throws {
        #expect(try problems(of: row.mapping) == row.problems)
    }

    @Test func `all problems are collected, one line each`() throws {
        let definition = try json(
            #"{"a":{"@nope":1},"b":[{"@path":5},{"c":{"@case":{"operator":"x","value":{"@merge":1}}}}],"d":1}"#
        )
        let error = #expect(throws: MappingError.self) { try Mapping(definition) }
        #expect(
            error?.problems.map(\.place) == [
                "/a/@nope", "/b/0/@path", "/b/1/c/@case/operator",
                "/b/1/c/@case/value/@merge",
            ]
        )
        #expect(error?.description.split(separator: "\n").count == 4)
    }

    @Test(arguments: [(64, true), (65, false), (120, false)])
    func `definitions are at most 64 levels deep`(depth: Int, isAccepted: Bool) throws {
        let list = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try problems(of: list).isEmpty == isAccepted)
        let object = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        #expect(try problems(of: object).isEmpty == isAccepted)
        let nested = String(repeating: #"{"@literal":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let found = try problems(of: nested)
        #expect(found.isEmpty == isAccepted)
        #expect(found.allSatisfy { $0.hasSuffix("is more than 64 levels deep") } && found.count <= 1)
    }

    static let failing: [(mapping: String, problem: String)] = [
        (#"{"a":{"@path":{"@path":"$.number"}}}"#, "/a/@path: must be a path, which is a string, not a number"),
        (#"{"a":{"@path":{"@path":"$.missing"}}}"#, "/a/@path: must be a path, which is a string, not undefined"),
        (
            #"{"a":[{"@template":{"@path":"$.list"}}]}"#,
            "/a/0/@template: must be a template, which is a string, not a list"
        ),
        (
            #"{"a":{"@case":{"operator":{"@path":"$.text"},"value":1}}}"#,
            #"/a/@case/operator: must be "lower" or "upper""#
        ),
        (
            #"{"a":{"@replace":{"pattern":{"@path":"$.long"},"value":"x"}}}"#,
            "/a/@replace/pattern: must be a string of 1 to 10 characters"
        ),
        (
            #"{"a":{"@merge":{"direction":"right","objects":[{},{"@path":"$.text"}]}}}"#,
            "/a/@merge/objects/1: must be an object, not a string"
        ),
        (
            #"{"a":{"@merge":{"direction":"right","objects":{"@path":"$.missing"}}}}"#,
            "/a/@merge/objects: must be a list, not undefined"
        ),
        (
            #"{"a":{"@transform":{"apply":{"@path":"$.number"},"mapping":{}}}}"#,
            "/a/@transform/apply: must be an object, not a number"
        ),
        (
            #"{"a":{"@flatten":{"value":1,"separator":{"@path":"$.number"}}}}"#,
            "/a/@flatten/separator: must be a string of at least one character, not a number"
        ),
        (
            #"{"a":{"@flatten":{"value":1,"separator":".","omitArrays":{"@path":"$.text"}}}}"#,
            "/a/@flatten/omitArrays: must be true or false, not in quotes"
        ),
    ]

    @Test(arguments: failing)
    func `a directive that gives the wrong type fails when it runs`(row: (mapping: String, problem: String)) throws {
        let event = #"{"number":1,"text":"secret","list":[],"long":"aaaaaaaaaaaaaaaa"}"#
        let mapping = try Mapping(try json(row.mapping))
        let object = try #require(try json(event).objectValue)
        let error = #expect(throws: MappingError.self) { try mapping.apply(to: object) }
        #expect(error?.description == row.problem)
        #expect(mapping.explain(on: object).error == error)
    }
}
