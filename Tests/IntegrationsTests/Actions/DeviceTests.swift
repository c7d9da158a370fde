import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Create or Update Device.
@Suite struct `Create or Update Device` {
    private func device(_ members: String, _ settings: Setting...) throws -> JSON? {
        let message = #"{"type":"track","event":"Device Created or Updated","userId":"u1",\#(members)}"#
        return try integration(settings).plan(try event(message)).operations.first?.body["device"]
    }

    @Test func `it becomes person add_device with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"track","event":"Device Created or Updated","userId":"u1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"device_id":"tok","platform":"iOS","token":"x","color":"red","gone":null},
            "context":{"app":{"version":"1.2.3"}}}
            """#
        )
        let expected = try sends(
            "create-or-update-device",
            #"""
            {"type":"person","action":"add_device","identifiers":{"id":"u1"},
            "device":{"token":"tok","platform":"ios","last_used":1709210096,
            "attributes":{"color":"red","gone":null,"app_version":"1.2.3"}}}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test(arguments: ["Application Installed", "Application Opened", "Device Created or Updated"])
    func `it is true for three names`(name: String) throws {
        let message = #"{"type":"track","event":"\#(name)","userId":"u1","properties":{"token":"t"}}"#
        let plan = try integration([.off("track-event")]).plan(try event(message))
        #expect(plan.operations.map(\.action) == ["create-or-update-device"])
    }

    @Test(arguments: [
        (#""properties":{"device_id":"d","token":"t"},"context":{"device":{"token":"c"}}"#, "d"),
        (#""properties":{"device_id":"","token":"t"},"context":{"device":{"token":"c"}}"#, "t"),
        (#""properties":{"device_id":{},"token":[]},"context":{"device":{"token":"c"}}"#, "c"),
        (#""context":{"device":{"token":"c","id":"i"}}"#, "c"), (#""properties":{"token":12.0}"#, "12.0"),
    ])
    func `the token comes from properties, else from the context`(members: String, token: String) throws {
        #expect(try device(members)?["token"]?.stringValue == token)
    }

    @Test(arguments: [
        #""properties":{}"#, #""context":{"device":{"token":" "}}"#, #""context":{"device":{"id":"i"}}"#,
        #""properties":{"token":null}"#,
    ])
    func `without a token it is ignored`(members: String) throws {
        let message = #"{"type":"track","event":"Device Created or Updated","userId":"u1",\#(members)}"#
        #expect(try plan(message) == Outcome(ignored: ["create-or-update-device: token is missing"]))
    }

    @Test(arguments: [
        (#""properties":{"token":"t","platform":"p"},"context":{"device":{"type":"d"},"os":{"name":"o"}}"#, "p"),
        (#""properties":{"token":"t","platform":""},"context":{"device":{"type":"d"},"os":{"name":"o"}}"#, "d"),
        (#""properties":{"token":"t"},"context":{"device":{"type":null},"os":{"name":"o"}}"#, "o"),
        (#""properties":{"token":"t","platform":"Android"}"#, "android"),
        (#""properties":{"token":"t","platform":"iOS"}"#, "ios"),
        (#""properties":{"token":"t"},"context":{"os":{"name":"iPhone OS"}}"#, "ios"),
        (#""properties":{"token":"t"},"context":{"os":{"name":"iPadOS"}}"#, "ios"),
        (#""properties":{"token":"t","platform":"IPADOS"}"#, "ios"),
        (#""properties":{"token":"t","platform":"Web"}"#, "web"),
        (#""properties":{"token":"t","platform":7}"#, "7"),
    ])
    func `the platform is lower-cased, iPhone OS and iPadOS are ios`(members: String, platform: String) throws {
        #expect(try device(members)?["platform"]?.stringValue == platform)
    }

    @Test func `without a platform it is sent without one`() throws {
        #expect(try device(#""properties":{"token":"t"}"#)?.description == #"{"token":"t"}"#)
    }

    @Test(
        arguments: [
            (#""properties":{"token":"t","device_id":"d","platform":"p"}"#, nil),
            (#""properties":{"token":"t","a":1}"#, #"{"a":1}"#),
            (#""properties":{"token":"t"},"context":{"app":{"version":"1"}}"#, #"{"app_version":"1"}"#),
            (#""properties":{"token":"t"},"context":{"app":{"version":3}}"#, #"{"app_version":"3"}"#),
            (#""properties":{"token":"t"},"context":{"app":{"version":" "}}"#, nil),
            (
                #""properties":{"token":"t","app_version":"0","a":""},"context":{"app":{"version":"1"}}"#,
                #"{"app_version":"1","a":""}"#
            ),
        ] as [(String, String?)]
    )
    func `its attributes are properties and the app's version, there only when non-empty`(
        members: String,
        attributes: String?
    ) throws {
        #expect(try device(members)?["attributes"]?.description == attributes)
    }

    @Test func `its person is known by id or e-mail, never anonymous`() throws {
        let message = #"""
            {"type":"track","event":"Device Created or Updated","anonymousId":"a1","email":"e@x.co",
            "properties":{"token":"t"}}
            """#
        #expect(try body(message)["identifiers"]?.description == #"{"email":"e@x.co"}"#)
    }

    @Test func `the person is missing before the token is`() throws {
        let message = #"{"type":"track","event":"Device Created or Updated","anonymousId":"a1"}"#
        #expect(try plan(message) == Outcome(ignored: ["create-or-update-device: no identifier"]))
    }
}

/// actions.md §3, Delete Device.
@Suite struct `Delete Device` {
    @Test(arguments: ["Application Uninstalled", "Device Deleted"])
    func `it becomes person delete_device`(name: String) throws {
        let message = #"""
            {"type":"track","event":"\#(name)","userId":"u1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"device_id":"d","token":"t","platform":"ios","color":"red"}}
            """#
        let expected = try sends(
            "delete-device",
            #"{"type":"person","action":"delete_device","identifiers":{"id":"u1"},"device":{"token":"d"}}"#
        )
        #expect(try plan(message, .off("track-event")) == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""properties":{"token":"t"},"context":{"device":{"token":"c"}}"#, "t"),
        (#""context":{"device":{"token":"c"}}"#, "c"),
    ])
    func `its token comes from where that of an added one does`(members: String, token: String) throws {
        let body = try body(#"{"type":"track","event":"Device Deleted","userId":"u1",\#(members)}"#)
        #expect(body[at: "device.token"]?.stringValue == token)
    }

    @Test func `person, then token are required`() throws {
        #expect(
            try plan(#"{"type":"track","event":"Device Deleted","anonymousId":"a1"}"#)
                == Outcome(ignored: ["delete-device: no identifier"])
        )
        #expect(
            try plan(#"{"type":"track","event":"Device Deleted","userId":"u1"}"#)
                == Outcome(ignored: ["delete-device: token is missing"])
        )
    }
}
