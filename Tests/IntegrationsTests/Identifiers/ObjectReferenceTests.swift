import Integrations
import LosslessJSON
import Testing

/// actions.md §2, Objects.
@Suite struct `Object references` {
    @Test(arguments: [
        (#""acme""#, #""2""#, #"{"object_type_id":"2","object_id":"acme"}"#),
        (#""acme""#, "2", #"{"object_type_id":"2","object_id":"acme"}"#),
        (#""acme""#, "0", #"{"object_type_id":"0","object_id":"acme"}"#),
        ("0", #""2""#, #"{"object_type_id":"2","object_id":"0"}"#),
        ("1.50", "1.0", #"{"object_type_id":"1.0","object_id":"1.50"}"#),
        ("12345678901234567890", #""2""#, #"{"object_type_id":"2","object_id":"12345678901234567890"}"#),
        (#""a@b.co""#, #""2""#, #"{"object_type_id":"2","object_id":"a@b.co"}"#),
    ])
    func `both ids are text, a number its exact text, 0 included`(id: String, type: String, expected: String) throws {
        let message = #"""
            {"type":"track","event":"Object Deleted","properties":{"objectId":\#(id),"objectTypeId":\#(type)}}
            """#
        #expect(try body(message)["identifiers"]?.description == expected)
    }

    @Test(arguments: ["null", #""""#, #"" ""#, "true", "{}", "[1]"])
    func `the type is "1" where there is none`(type: String) throws {
        let none = #"{"type":"track","event":"Object Deleted","properties":{"objectId":"acme"}}"#
        #expect(try body(none)["identifiers"]?["object_type_id"] == "1")
        let absent = #"""
            {"type":"track","event":"Object Deleted","properties":{"objectId":"acme","objectTypeId":\#(type)}}
            """#
        #expect(try body(absent)["identifiers"]?["object_type_id"] == "1")
    }

    @Test(arguments: ["null", #""""#, #"" ""#, "true", "{}", "[1]"])
    func `an object id that is absent is missing`(id: String) throws {
        let message = #"{"type":"track","event":"Object Deleted","properties":{"objectId":\#(id)}}"#
        #expect(try plan(message) == Outcome(ignored: ["delete-object: object_id is missing"]))
    }
}
