import Integrations
import LosslessJSON
import Testing

/// Whole lines, written by hand from actions.md: everything behind `integration` of what a preview prints.
@Suite struct `Previews written by hand` {
    /// 2024-02-29T12:34:56.789Z, the time of most events of the vectors.
    private static let time: Int64 = 1_709_210_096_789

    private func id(_ messageId: String, _ type: String, _ name: String, _ action: String) -> String {
        ReferenceULID.text(milliseconds: Self.time, "", messageId, type, name, action)
    }

    /// An operation as JSON text.
    private func operation(_ action: String, _ body: String, path: String = "/api/v2/entity") -> String {
        #"{"action":"\#(action)","method":"POST","path":"\#(path)","body":\#(body)}"#
    }

    private func check(
        _ messageId: String,
        operations: [String] = [],
        ignored: String = "",
        warnings: String = "",
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let lines = try vectorLines("preview-events.ndjson").filter { $0.contains(#""messageId":"\#(messageId)""#) }
        let line = try #require(lines.first, sourceLocation: location)
        let expected = #"""
            {"line":7,"messageId":"\#(messageId)","integration":"default",
            "operations":[\#(operations.joined(separator: ","))],
            "ignored":[\#(ignored)],"warnings":[\#(warnings)],"error":null}
            """#
        let (text, isValid) = preview(line, in: try defaultIntegration(), number: 7)
        #expect(text == (try json(expected).description), sourceLocation: location)
        #expect(isValid, sourceLocation: location)
    }

    private func ignoring(_ action: String, _ reason: String) -> String {
        #"{"action":"\#(action)","reason":"\#(reason)"}"#
    }

    @Test func `identify with id, e-mail, anonymous id, dates and lists`() throws {
        try check(
            "h1",
            operations: [
                operation(
                    "create-or-update-person",
                    #"""
                    {"type":"person","action":"identify","identifiers":{"id":"u1"},"timestamp":1709210096,
                    "attributes":{"email":"anna@example.com","plan":"pro","birthday":"1990-05-17",
                    "nested":{"at":1609459200,"list":["2021-01-01",{"d":"2021-01-01"}]},
                    "created_at":1577836800,"anonymous_id":"a1"}}
                    """#
                )
            ]
        )
    }

    @Test func `identify by e-mail beside an anonymous id`() throws {
        try check(
            "h2",
            operations: [
                operation(
                    "create-or-update-person",
                    #"""
                    {"type":"person","action":"identify","identifiers":{"email":"anna@example.com"},
                    "timestamp":1709210096,"attributes":{"email":"anna@example.com","anonymous_id":"a1"}}
                    """#
                )
            ]
        )
    }

    @Test func `identify of a visitor`() throws {
        try check("h3", ignored: ignoring("create-or-update-person", "anonymous identify"))
    }

    @Test func `identify by a userId that is an e-mail address, created_at in seconds already`() throws {
        try check(
            "h4",
            operations: [
                operation(
                    "create-or-update-person",
                    #"""
                    {"type":"person","action":"identify","identifiers":{"email":"anna@example.com"},
                    "timestamp":1709210096,"attributes":{"email":"other@example.com","created_at":1577836800}}
                    """#
                )
            ]
        )
    }

    @Test func `identify by a cio_id, the e-mail being removed`() throws {
        try check(
            "h5",
            operations: [
                operation(
                    "create-or-update-person",
                    #"""
                    {"type":"person","action":"identify","identifiers":{"cio_id":"0a1b"},"timestamp":1709210096,
                    "attributes":{"email":""}}
                    """#
                )
            ]
        )
    }

    @Test func `identify with an object and relationship attributes`() throws {
        try check(
            "h6",
            operations: [
                operation(
                    "create-or-update-person",
                    #"""
                    {"type":"person","action":"identify","identifiers":{"id":"u1"},"timestamp":1709210096,
                    "attributes":{},"cio_relationships":[{"identifiers":{"object_type_id":"2","object_id":"acme"},
                    "relationship_attributes":{"role":"admin","since":"2021-01-01"}}]}
                    """#
                )
            ]
        )
    }

    @Test func `track of a person and of a visitor`() throws {
        try check(
            "h9",
            operations: [
                operation(
                    "track-event",
                    #"""
                    {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Order Completed",
                    "id":"01HQTDRN4N1CXXSFDT8GZ4YTCB","timestamp":1709210096,
                    "attributes":{"total":12.5,"at":1704067200}}
                    """#
                )
            ]
        )
        try check(
            "h10",
            operations: [
                operation(
                    "track-event",
                    #"""
                    {"type":"person","action":"event","identifiers":{"anonymous_id":"a1"},"name":"Order Completed",
                    "id":"01HQTDRN4NZ6J1CG3SXAMTA51H","timestamp":1709210096,"attributes":{}}
                    """#
                )
            ]
        )
    }

    @Test func `page with a URL and a name, and without either`() throws {
        try check(
            "h13",
            operations: [
                operation(
                    "track-page-view",
                    #"""
                    {"type":"person","action":"page","identifiers":{"id":"u1"},"name":"https://example.com/",
                    "id":"01HQTDRN4NV2D17CV3NGNZ69BM","timestamp":1709210096,
                    "attributes":{"url":"https://example.com/","title":"Home","name":"Home"}}
                    """#
                )
            ]
        )
        try check("h15", ignored: ignoring("track-page-view", "name is missing"))
    }

    @Test func `screen with and without a name`() throws {
        try check(
            "h16",
            operations: [
                operation(
                    "track-screen-view",
                    #"""
                    {"type":"person","action":"screen","identifiers":{"id":"u1"},"name":"Cart",
                    "id":"01HQTDRN4NVTVDFVMYT06ADZ20","timestamp":1709210096,"attributes":{"items":3}}
                    """#
                )
            ]
        )
        try check("h17", ignored: ignoring("track-screen-view", "name is missing"))
    }

    @Test func `group with object attributes laid over traits`() throws {
        try check(
            "h18",
            operations: [
                operation(
                    "create-or-update-object",
                    #"""
                    {"type":"object","action":"identify","identifiers":{"object_type_id":"2","object_id":"acme"},
                    "attributes":{"name":"Acme","since":"2020-01-01","created_at":1577836800},
                    "cio_relationships":[{"identifiers":{"id":"u1"},
                    "relationship_attributes":{"role":"owner","since":"2021-01-01"}}]}
                    """#
                )
            ]
        )
    }

    @Test func `group of a visitor, and of nobody`() throws {
        try check(
            "h19",
            operations: [
                operation(
                    "create-or-update-object",
                    #"""
                    {"type":"object","action":"identify_anonymous",
                    "identifiers":{"object_type_id":"1","object_id":"acme"},"attributes":{"name":"Acme"},
                    "cio_relationships":[{"identifiers":{"anonymous_id":"a1"}}]}
                    """#
                )
            ]
        )
        try check(
            "h20",
            operations: [
                operation(
                    "create-or-update-object",
                    #"""
                    {"type":"object","action":"identify","identifiers":{"object_type_id":"1","object_id":"acme"},
                    "attributes":{}}
                    """#
                )
            ]
        )
    }

    @Test func `alias of an e-mail address`() throws {
        try check(
            "h22",
            operations: [
                operation(
                    "merge-people",
                    #"""
                    {"type":"person","action":"merge","primary":{"id":"u1"},"secondary":{"email":"old@example.com"}}
                    """#
                )
            ]
        )
    }

    @Test(arguments: [
        ("User Deleted", "delete-person", "delete"), ("User Suppressed", "suppress-person", "suppress"),
        ("User Unsuppressed", "unsuppress-person", "unsuppress"),
    ])
    func `commands about a person, and about a visitor`(name: String, action: String, verb: String) throws {
        let body = #"{"type":"person","action":"\#(verb)","identifiers":{"id":"u1"}}"#
        try check("hs-\(name)", operations: [operation(action, body)])
        try check("hn-\(name)", ignored: ignoring(action, "no identifier"))
    }

    @Test func `commands about an object`() throws {
        let object = #""identifiers":{"object_type_id":"2","object_id":"acme"}"#
        try check(
            "hs-Object Deleted",
            operations: [operation("delete-object", #"{"type":"object","action":"delete",\#(object)}"#)]
        )
        try check("hn-Object Deleted", ignored: ignoring("delete-object", "object_id is missing"))
        let body = #"""
            {"type":"object","action":"delete_relationships",\#(object),
            "cio_relationships":[{"identifiers":{"id":"u1"}}]}
            """#
        try check("hs-Relationship Deleted", operations: [operation("delete-relationship", body)])
        try check("hn-Relationship Deleted", ignored: ignoring("delete-relationship", "no identifier"))
    }

    @Test func `a device, and an event that is one too`() throws {
        let properties = #"""
            "objectId":"acme","objectTypeId":"2","deliveryId":"dl_1","metric":"clicked","href":"https://example.com",
            "actionType":"clicked_content","color":"red"
            """#
        let device = operation(
            "create-or-update-device",
            #"""
            {"type":"person","action":"add_device","identifiers":{"id":"u1"},"device":{"token":"tok1",
            "platform":"ios","last_used":1709210096,"attributes":{\#(properties),"app_version":"1.2.3"}}}
            """#
        )
        try check("hs-Device Created or Updated", operations: [device])
        let event = operation(
            "track-event",
            #"""
            {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Application Opened",
            "id":"\#(id("hs-Application Opened", "track", "Application Opened", "track-event"))",
            "timestamp":1709210096,"attributes":{\#(properties)}}
            """#
        )
        try check("hs-Application Opened", operations: [device, event])
    }

    @Test func `a device that goes, after its event, and one of a visitor`() throws {
        try check(
            "hs-Device Deleted",
            operations: [
                operation(
                    "delete-device",
                    #"""
                    {"type":"person","action":"delete_device","identifiers":{"id":"u1"},"device":{"token":"tok1"}}
                    """#
                )
            ]
        )
        try check(
            "hn-Application Uninstalled",
            operations: [
                operation(
                    "track-event",
                    #"""
                    {"type":"person","action":"event","identifiers":{"anonymous_id":"a1"},
                    "name":"Application Uninstalled","id":"01HQTDRN4NBAMN3HR3BSM7GAEM","timestamp":1709210096,
                    "attributes":{}}
                    """#
                )
            ],
            ignored: ignoring("delete-device", "no identifier")
        )
    }

    @Test func `reports of delivery and content`() throws {
        try check(
            "hs-Report Delivery Event",
            operations: [
                operation(
                    "report-delivery-event",
                    #"""
                    {"delivery_id":"dl_1","metric":"clicked","href":"https://example.com","timestamp":1709210096}
                    """#,
                    path: "/api/v1/metrics"
                )
            ]
        )
        try check("hn-Report Delivery Event", ignored: ignoring("report-delivery-event", "delivery_id is missing"))
        try check(
            "hs-Report Content Event",
            operations: [
                operation(
                    "report-content-event",
                    #"""
                    {"type":"person","action":"clicked_content","identifiers":{"anonymous_id":"a1"},
                    "name":"clicked_content","timestamp":1709210096,
                    "attributes":{"objectId":"acme","objectTypeId":"2","deliveryId":"dl_1","metric":"clicked",
                    "href":"https://example.com","color":"red"}}
                    """#
                )
            ]
        )
        try check("hn-Report Content Event", ignored: ignoring("report-content-event", "content_action is missing"))
    }

    @Test func `fractions of a second: four digits convert in the call's own times alone`() throws {
        try check(
            "hf4",
            operations: [
                operation(
                    "track-event",
                    #"""
                    {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Frac 4",
                    "id":"01EZXT1ZFKXW3VCA7FCRMBDG9A","timestamp":1614834367,
                    "attributes":{"a":"2021-03-04T05:06:07.9876+02:00","b":"1969-12-31T23:59:58.9876Z"}}
                    """#
                )
            ]
        )
    }

    @Test func `a time that can't be read`() throws {
        try check(
            "hd",
            operations: [
                operation(
                    "track-event",
                    #"""
                    {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Date",
                    "attributes":{"d":"2021-02-29"}}
                    """#
                )
            ],
            warnings: #"""
                {"action":null,"message":"timestamp can't be read as a time: \"2021-02-29\"; it is left out"}
                """#
        )
    }
}
