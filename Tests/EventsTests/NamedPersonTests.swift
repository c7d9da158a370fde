import Events
import LosslessJSON
import Testing

@Suite struct `A person who is named` {
    private let person = NamedPerson(texts: ["u1", "a1", "42"], emails: ["Ann@Example.com"])

    @Test(
        arguments: [
            #"{"userId":"u1"}"#, #"{"userId":"a1"}"#, #"{"anonymousId":"a1"}"#, #"{"anonymousId":"u1"}"#,
            #"{"previousId":"u1","userId":"u2"}"#, #"{"id":"u1"}"#, #"{"id":42}"#, #"{"userId":"42"}"#,
            #"{"email":"ann@example.com"}"#, #"{"traits":{"email":"ANN@example.COM"}}"#,
            #"{"context":{"traits":{"email":"Ann@Example.com"}}}"#, #"{"properties":{"email":"ann@Example.com"}}"#,
            #"{"userId":"ANN@EXAMPLE.COM"}"#, #"{"properties":{"email":"u1"}}"#,
        ]
    ) func `is found in each place where a message says whom it is about`(message: String) throws {
        let message = try JSON(parsing: Array(message.utf8))
        #expect(person.isNamed(in: try #require(message.objectValue)))
    }

    @Test(
        arguments: [
            "{}", #"{"userId":"U1"}"#, #"{"userId":"u12"}"#, #"{"userId":"u2","properties":{"id":"u1"}}"#,
            #"{"email":"joann@example.com"}"#, #"{"userId":["u1"]}"#, #"{"groupId":"u1"}"#, #"{"traits":{"id":"u1"}}"#,
            #"{"properties":{"by":"ann@example.com"}}"#, #"{"id":4.2}"#,
        ]
    ) func `is nobody else, and not who is only spoken of`(message: String) throws {
        let message = try JSON(parsing: Array(message.utf8))
        #expect(!person.isNamed(in: try #require(message.objectValue)))
    }

    @Test func `is tied to the anonymous id of their identify, and to no other`() {
        #expect(person.anonymousId(tiedBy: ["type": "identify", "userId": "u1", "anonymousId": "b"]) == "b")
        #expect(person.anonymousId(tiedBy: ["type": "identify", "traits": ["email": "ANN@example.com"]]) == nil)
        #expect(person.anonymousId(tiedBy: ["type": "track", "userId": "u1", "anonymousId": "b"]) == nil)
        #expect(person.anonymousId(tiedBy: ["type": "identify", "userId": "u2", "anonymousId": "b"]) == nil)
    }
}
