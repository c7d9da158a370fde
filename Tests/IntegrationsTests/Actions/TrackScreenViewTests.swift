import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Track Screen View.
@Suite struct `Track Screen View` {
    @Test func `a screen call becomes person screen with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"screen","name":"Cart","category":"Shop","userId":"u1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"items":3}}
            """#
        )
        let expected = try sends(
            "track-screen-view",
            #"""
            {"type":"person","action":"screen","identifiers":{"id":"u1"},"name":"Cart","timestamp":1709210096,
            "attributes":{"items":3,"category":"Shop"}}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""name":"n","properties":{"name":"p"}"#, "n"), (#""name":"","properties":{"name":"p"}"#, "p"),
        (#""name":null,"properties":{"name":"p"}"#, "p"), (#""properties":{"name":7}"#, "7"),
    ])
    func `the name is the call's, else that of properties`(members: String, name: String) throws {
        #expect(try body(#"{"type":"screen","userId":"u1",\#(members)}"#)["name"]?.stringValue == name)
    }

    @Test func `without one it is ignored`() throws {
        #expect(
            try plan(#"{"type":"screen","userId":"u1","properties":{"url":"u"}}"#)
                == Outcome(ignored: ["track-screen-view: name is missing"])
        )
    }

    @Test func `the category joins the attributes where properties have none, the name does not`() throws {
        let joined = try body(#"{"type":"screen","userId":"u1","name":"N","category":"C"}"#)
        #expect(joined["attributes"]?.description == #"{"category":"C"}"#)
        let own = try body(#"{"type":"screen","userId":"u1","name":"N","category":"C","properties":{"category":null}}"#)
        #expect(own["attributes"]?.description == #"{"category":null}"#)
        let none = try body(#"{"type":"screen","userId":"u1","name":"N"}"#)
        #expect(none["attributes"]?.description == "{}")
    }
}
