import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Track Page View.
@Suite struct `Track Page View` {
    @Test func `a page call becomes person page with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"page","name":"Home","category":"Start","userId":"u1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"url":"https://example.com/","title":"Welcome"}}
            """#
        )
        let expected = try sends(
            "track-page-view",
            #"""
            {"type":"person","action":"page","identifiers":{"id":"u1"},"name":"https://example.com/",
            "timestamp":1709210096,
            "attributes":{"url":"https://example.com/","title":"Welcome","name":"Home","category":"Start"}}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""name":"n","properties":{"url":"p"},"context":{"page":{"url":"c"}}"#, "p"),
        (#""name":"n","properties":{"url":" "},"context":{"page":{"url":"c"}}"#, "c"),
        (#""name":"n","properties":{"url":false},"context":{"page":{"url":"c"}}"#, "c"),
        (#""name":"n","context":{"page":{"url":""}}"#, "n"),
        (#""name":5"#, "5"),
    ])
    func `the name is the URL of properties, else of the context, else the name`(members: String, name: String) throws {
        #expect(try body(#"{"type":"page","userId":"u1",\#(members)}"#)["name"]?.stringValue == name)
    }

    @Test(arguments: [
        #""properties":{}"#, #""properties":{"name":"n"}"#, #""properties":{"path":"/x"}"#,
        #""context":{"page":{"path":"/x"}}"#,
    ])
    func `without any of them it is ignored`(members: String) throws {
        #expect(
            try plan(#"{"type":"page","userId":"u1",\#(members)}"#)
                == Outcome(ignored: ["track-page-view: name is missing"])
        )
    }

    @Test(arguments: [
        (#""properties":{"url":"u","name":"p","category":"q"}"#, #"{"url":"u","name":"p","category":"q"}"#),
        (#""properties":{"url":"u","name":null}"#, #"{"url":"u","name":null,"category":"C"}"#),
        (#""properties":{"url":"u"}"#, #"{"url":"u","name":"N","category":"C"}"#),
        (#""k":1"#, #"{"name":"N","category":"C"}"#),
    ])
    func `top-level name and category join the attributes where properties have none`(
        members: String,
        attributes: String
    ) throws {
        let body = try body(#"{"type":"page","userId":"u1","name":"N","category":"C",\#(members)}"#)
        #expect(body["attributes"]?.description == attributes)
    }

    @Test(arguments: ["null", #""""#, #"" ""#])
    func `a blank name or category does not join them`(blank: String) throws {
        let body = try body(
            #"{"type":"page","userId":"u1","name":\#(blank),"category":\#(blank),"properties":{"url":"u"}}"#
        )
        #expect(body["attributes"]?.description == #"{"url":"u"}"#)
    }
}
