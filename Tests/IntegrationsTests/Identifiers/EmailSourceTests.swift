import Integrations
import LosslessJSON
import Testing

/// actions.md §2: where a call's e-mail comes from.
@Suite struct `Where an e-mail comes from` {
    /// A message without a userId whose e-mail stands in some of four places.
    private func message(_ call: String, _ places: [String]) -> String {
        func email(_ place: String) -> String {
            places.contains(place) ? #""email":"\#(place)@x.co","# : ""
        }
        return #"""
            {\#(call),"anonymousId":"a1",\#(email("top"))
            "properties":{\#(email("properties"))"token":"t","objectId":"o"},
            "traits":{\#(email("traits"))"k":1},
            "context":{"traits":{\#(email("context"))"k":1}}}
            """#
    }

    /// The e-mail that names the person of the first operation, `nil` where it is somebody else or nobody.
    private func email(_ call: String, _ places: String...) throws -> String? {
        let plan = try integration().plan(try event(message(call, places)))
        let body = plan.operations.first.map { $0.body }
        let person = body?["cio_relationships"]?.arrayValue?.first?["identifiers"] ?? body?["identifiers"]
        return person?["email"]?.stringValue
    }

    @Test func `identify: traits, else the top level, else context traits, never properties`() throws {
        let call = #""type":"identify""#
        #expect(try email(call, "traits", "top", "context", "properties") == "traits@x.co")
        #expect(try email(call, "top", "context", "properties") == "top@x.co")
        #expect(try email(call, "context", "properties") == "context@x.co")
        #expect(try email(call, "properties") == nil)
    }

    @Test(arguments: [
        #""type":"track","event":"X""#, #""type":"page","name":"X""#, #""type":"screen","name":"X""#,
        #""type":"group","groupId":"g1""#, #""type":"track","event":"Device Created or Updated""#,
        #""type":"track","event":"Device Deleted""#,
    ])
    func `track, page, screen, group and devices: the top level, else context traits`(call: String) throws {
        #expect(try email(call, "top", "context", "properties", "traits") == "top@x.co")
        #expect(try email(call, "context", "properties", "traits") == "context@x.co")
        #expect(try email(call, "properties", "traits") == nil)
    }

    @Test(arguments: ["User Deleted", "User Suppressed", "User Unsuppressed", "Relationship Deleted"])
    func `commands about a person: properties, else as track`(name: String) throws {
        let call = #""type":"track","event":"\#(name)""#
        #expect(try email(call, "properties", "top", "context", "traits") == "properties@x.co")
        #expect(try email(call, "top", "context", "traits") == "top@x.co")
        #expect(try email(call, "context", "traits") == "context@x.co")
        #expect(try email(call, "traits") == nil)
    }

    @Test(arguments: ["null", #""""#, #""  ""#, "true", "[]", #"{"a":1}"#])
    func `an absent e-mail in one place is looked for in the next`(absent: String) throws {
        let message = #"""
            {"type":"identify","anonymousId":"a1","traits":{"email":\#(absent)},"email":\#(absent),
            "context":{"traits":{"email":"c@x.co"}}}
            """#
        #expect(try body(message)["identifiers"]?.description == #"{"email":"c@x.co"}"#)
    }
}
