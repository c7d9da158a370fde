import LosslessJSON
import Mappings
import Testing

@Suite struct `Mapping explanations` {
    private func lines(
        _ mapping: String,
        on event: String,
        dialect: Mapping.Dialect = .standard
    ) throws -> [String] {
        let event = try #require(try json(event).objectValue)
        let mapping = try Mapping(try json(mapping), dialect: dialect)
        let explanation = mapping.explain(on: event)
        #expect(explanation.output == (try? mapping.apply(to: event)))
        #expect(explanation.description == explanation.lines.map(\.description).joined(separator: "\n"))
        return explanation.lines.map(\.description)
    }

    static let explained: [(mapping: String, lines: [String])] = [
        (
            #"{"name":{"@path":"event"},"url":{"@path":"$.properties.url"},"kind":"x"}"#,
            [
                #"/name: $.event = "Signed Up""#,
                "/url: $.properties.url: nothing there",
                #"/kind: the mapping itself = "x""#,
            ]
        ),
        (
            #"{"id":{"@if":{"exists":{"@path":"$.userId"},"then":{"@path":"$.userId"},"else":"none"}}}"#,
            [
                #"/id: @if, which exists: then = "u1""#,
                #"/id/@if/exists: $.userId = "u1""#,
                #"/id/@if/then: $.userId = "u1""#,
            ]
        ),
        (
            #"{"id":{"@if":{"blank":{"@path":"$.x"},"then":1}}}"#,
            ["/id: @if, which is blank: else, which is not given: nothing there", "/id/@if/blank: $.x: nothing there"]
        ),
        (
            #"{"a":[{"@template":"{{event}} {{x}}"}]}"#,
            [
                #"/a/0: @template "{{event}} {{x}}" = "Signed Up ""#,
                #"/a/0/@template: $.event = "Signed Up""#,
                "/a/0/@template: $.x: nothing there",
            ]
        ),
        (
            #"{"a":{"@case":{"operator":"lower","value":{"@path":"$.event"}}}}"#,
            [#"/a: @case lower = "signed up""#, #"/a/@case/value: $.event = "Signed Up""#]
        ),
        (#"{"a":{"@path":{"@path":"$.key"}}}"#, [#"/a: @path $.event = "Signed Up""#, #"/a/@path: $.key = "event""#]),
        (
            #"{"a":{"@arrayPath":["$.list",{"n":{"@path":"$.id"}}]}}"#,
            [
                #"/a: @arrayPath, a shape on 2 items = [{"n":1},{"n":2}]"#,
                #"/a/@arrayPath/0: $.list = [{"id":1},{"id":2}]"#,
            ]
        ),
        (
            #"{"a":{"@merge":{"direction":"right","objects":[{"x":{"@path":"$.userId"}},{"y":2}]}}}"#,
            [
                #"/a: @merge, the later object wins = {"x":"u1","y":2}"#,
                #"/a/@merge/objects/0/x: $.userId = "u1""#,
                #"/a/@merge/objects/1: the mapping itself = {"y":2}"#,
            ]
        ),
        (
            #"""
            {"__segment_internal_directive":{"@transform":{"apply":{"v":{"@path":"$.userId"}}}},
            "a":{"@path":"$.v"}}
            """#,
            [
                #"/: @transform = {"a":"u1"}"#,
                #"/__segment_internal_directive/@transform/apply/v: $.userId = "u1""#,
                #"/a: $.v = "u1""#,
            ]
        ),
        (
            #"{"a":{"@json":{"mode":"decode","value":"[1]"}},"b":{"@replace":{"pattern":"x","value":"xy"}}}"#,
            [
                "/a: @json decode = [1]",
                #"/a/@json/value: the mapping itself = "[1]""#,
                #"/b: @replace = "y""#,
                #"/b/@replace/value: the mapping itself = "xy""#,
            ]
        ),
        (
            #"""
            {"a":{"@flatten":{"separator":".","value":{"@path":"$.list[0]"}}},
            "b":{"@excludeWhenNull":{"@path":"$.nil"}}}
            """#,
            [
                #"/a: @flatten = {"id":1}"#,
                #"/a/@flatten/value: $.list[0] = {"id":1}"#,
                "/b: @excludeWhenNull: nothing there",
                "/b/@excludeWhenNull: $.nil = null",
            ]
        ),
        (
            #"{"a":{"@path":"$.event"},"b":{"@path":{"@path":"$.nil"}}}"#,
            [
                #"/a: $.event = "Signed Up""#,
                "/b: @path failed: /b/@path: must be a path, which is a string, not null",
                "/b/@path: $.nil = null",
            ]
        ),
    ]

    @Test(arguments: explained)
    func `each value names its source`(row: (mapping: String, lines: [String])) throws {
        let event = #"{"event":"Signed Up","userId":"u1","key":"event","nil":null,"list":[{"id":1},{"id":2}]}"#
        #expect(try lines(row.mapping, on: event) == row.lines)
    }

    @Test func `short forms are explained as what they are`() throws {
        let found = try lines(#"{"a":"$.event","b":"is {{event}}","c":"x"}"#, on: #"{"event":"E"}"#, dialect: .short)
        #expect(
            found == [
                #"/a: $.event = "E""#, #"/b: @template "is {{event}}" = "is E""#, #"/b: $.event = "E""#,
                #"/c: the mapping itself = "x""#,
            ]
        )
    }
}
