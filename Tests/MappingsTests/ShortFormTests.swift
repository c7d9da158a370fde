import LosslessJSON
import Mappings
import Testing

@Suite struct `Short forms` {
    private static let event = """
        {"event":"Signed Up","userId":"u1","properties":{"plan":"pro","total":1.10,"items":[{"id":1},{"id":2}]}}
        """

    static let forms: [(mapping: String, output: String)] = [
        (#"{"name":"signup","attributes":"$.properties.plan"}"#, #"{"name":"signup","attributes":"pro"}"#),
        (#""$.properties.plan""#, #""pro""#),
        (#"{"a":"$.missing"}"#, "{}"),
        (#"{"a":"{{event}} by {{userId}}"}"#, #"{"a":"Signed Up by u1"}"#),
        (#"{"a":"{{{event}}}"}"#, #"{"a":"Signed Up"}"#),
        (#"{"a":"{{missing}}"}"#, #"{"a":""}"#),
        (#"{"a":"{{}} {{event"}"#, #"{"a":"{{}} {{event"}"#),
        (#"{"a":"$"}"#, #"{"a":"$"}"#),
        (#"{"a":"$5"}"#, #"{"a":"$5"}"#),
        (#"{"a":" $.event"}"#, #"{"a":" $.event"}"#),
        (#"{"a":"event"}"#, #"{"a":"event"}"#),
        (#"{"a":{"@path":"$.event"}}"#, #"{"a":"Signed Up"}"#),
        (#"{"a":{"@path":"event"}}"#, #"{"a":"Signed Up"}"#),
        (#"{"a":{"b":["$.event",{"c":"$.userId"},"$.missing"]}}"#, #"{"a":{"b":["Signed Up",{"c":"u1"},null]}}"#),
        (#"{"$.event":1}"#, #"{"$.event":1}"#),
        (#"{"a":5,"b":null,"c":true}"#, #"{"a":5,"b":null,"c":true}"#),
        (#"{"a":"$.userId with {{event}}"}"#, "{}"),
        (#"{"a":{"@if":{"exists":"$.userId","then":"$.event","else":"x"}}}"#, #"{"a":"Signed Up"}"#),
        (#"{"a":{"@if":{"blank":"$.nothing","then":"x","else":"{{userId}}!"}}}"#, #"{"a":"u1!"}"#),
        (#"{"a":{"@case":{"operator":"upper","value":"$.event"}}}"#, #"{"a":"SIGNED UP"}"#),
        (#"{"a":{"@replace":{"pattern":"$.","replacement":"$.x","value":"a$.b"}}}"#, #"{"a":"a$.xb"}"#),
        (
            #"""
            {"a":{"@merge":{"direction":"right","objects":["$.properties",{"plan":"$.userId","total":0,
            "items":0}]}}}
            """#,
            #"{"a":{"plan":"u1","total":0,"items":0}}"#
        ),
        (#"{"a":{"@merge":{"direction":"right","objects":"$.properties.items"}}}"#, #"{"a":{"id":2}}"#),
        (#"{"a":{"@arrayPath":["$.properties.items",{"n":"$.id"}]}}"#, #"{"a":[{"n":1},{"n":2}]}"#),
        (#"{"a":{"@arrayPath":["properties.items","$.id"]}}"#, #"{"a":[1,2]}"#),
        (
            #"{"a":{"@transform":{"apply":"$.properties","mapping":{"p":"$.plan","e":"$.event"}}}}"#,
            #"{"a":{"p":"pro"}}"#
        ),
        (#"{"a":{"@json":{"mode":"encode","value":"$.properties.items"}}}"#, #"{"a":"[{\"id\":1},{\"id\":2}]"}"#),
        (#"{"a":{"@flatten":{"separator":"$.","value":{"x":{"y":"$.userId"}}}}}"#, #"{"a":{"x$.y":"u1"}}"#),
        (#"{"a":{"@excludeWhenNull":"$.userId"}}"#, #"{"a":"u1"}"#),
        (#"{"a":{"@template":"$.event"}}"#, #"{"a":"$.event"}"#),
        (#"{"a":{"@literal":"$.event"}}"#, #"{"a":"$.event"}"#),
        (#"{"a":{"@literal":"{{event}}"}}"#, #"{"a":"{{event}}"}"#),
        (#"{"a":{"@literal":{"b":["$.event",{"@path":"$.event"}]}}}"#, #"{"a":{"b":["$.event","Signed Up"]}}"#),
        (#"{"a":{"@literal":{"@if":{"exists":"$.missing","then":"$.event"}}}}"#, #"{"a":"$.event"}"#),
    ]

    @Test(arguments: forms)
    func `a string of a short mapping is what it looks like`(form: (mapping: String, output: String)) throws {
        let found = try output(form.mapping, on: Self.event, dialect: .short)
        #expect(found == (try json(form.output)), "\(found?.description ?? "undefined")")
    }

    @Test(arguments: [#"{"a":"$.event"}"#, #"{"a":["{{event}}"]}"#, #""$.event""#])
    func `a string of a standard mapping is itself`(mapping: String) throws {
        #expect(try output(mapping, on: Self.event) == (try json(mapping)))
    }

    @Test func `errors of short mappings name the same places`() throws {
        let found = try problems(of: #"{"a":["$.x",{"@case":{"operator":"up","value":"$.x"}}]}"#, dialect: .short)
        #expect(found == [#"/a/1/@case/operator: must be "lower" or "upper""#])
    }

    static let shortened: [(standard: String, short: String)] = [
        (#"{"@path":"$.event"}"#, #""$.event""#), (#"{"@path":"event"}"#, #""$.event""#),
        (#"{"@path":"$"}"#, #"{"@path":"$"}"#), (#"{"@path":{"@path":"$.a"}}"#, #"{"@path":{"@path":"$.a"}}"#),
        (#"{"@template":"{{event}}!"}"#, #""{{event}}!""#), (#"{"@template":"$.event"}"#, #"{"@template":"$.event"}"#),
        (#""$.event""#, #"{"@literal":"$.event"}"#), (#""{{event}}""#, #"{"@literal":"{{event}}"}"#),
        (#"{"@literal":{"a":{"@path":"$.b"},"c":"$.d"}}"#, #"{"a":"$.b","c":{"@literal":"$.d"}}"#),
        (#"{"@path":"$.a","_metadata":{"label":"A"}}"#, #""$.a""#),
        (
            #"{"@if":{"exists":{"@path":"$.a"},"then":"{{x}}","else":{"@path":"$.b"}}}"#,
            #"{"@if":{"exists":"$.a","then":{"@literal":"{{x}}"},"else":"$.b"}}"#
        ),
        (
            #"{"@arrayPath":["$.items",{"id":{"@path":"$.sku"}}]}"#, #"{"@arrayPath":["$.items",{"id":"$.sku"}]}"#
        ),
        (#"{"@arrayPath":["$.items","$.sku"]}"#, #"{"@arrayPath":["$.items"]}"#),
        (
            #"{"@replace":{"pattern":"$.","replacement":"{{a}}","value":{"@path":"$.c"}}}"#,
            #"{"@replace":{"pattern":"$.","replacement":"{{a}}","value":"$.c"}}"#
        ),
        (#"{"@nope":"$.a"}"#, #"{"@nope":"$.a"}"#),
    ]

    @Test(arguments: shortened)
    func `a standard definition is written as a person would write it`(pair: (standard: String, short: String)) throws {
        let found = Mapping.shortForm(of: try json(pair.standard))
        #expect(found.description == (try json(pair.short)).description)
    }
}
