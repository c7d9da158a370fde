import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Delete Device.
    static let deleteDevice = ActionDefinition(
        title: "Delete Device",
        description: "Takes a mobile device away from a person.",
        trigger: #"event = "Application Uninstalled" or event = "Device Deleted""#,
        rank: .deleteDevice,
        isCommand: true,
        fields: [.personId, .email, .token]
    ) { values throws(IgnoreReason) in
        let person = try values.person()
        var body = EntityBody("person", "delete_device", identifiers: person.json)
        body.add("device", .object(["token": .string(try values.required(.token))]))
        return body.operation
    }
}
