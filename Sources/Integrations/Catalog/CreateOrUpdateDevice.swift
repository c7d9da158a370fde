import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Create or Update Device.
    static let createOrUpdateDevice = ActionDefinition(
        title: "Create or Update Device",
        description: "Gives a person a mobile device to send push notifications to, or updates one.",
        trigger: """
            event = "Application Installed" or event = "Application Opened" or event = "Device Created or Updated"
            """,
        rank: .addDevice,
        fields: [
            .personId, .email, .token,
            Field(
                .platform,
                "Platform",
                from: "properties.platform",
                "context.device.type",
                "context.os.name",
                help: "ios or android. iPhone OS and iPadOS count as ios."
            ),
            Field(.lastUsed, "Last used", .time, from: "timestamp", help: "When the device was used last."),
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object("properties", without: ["device_id", "token", "platform"]),
                help: "What is known of the device."
            ),
            Field(
                .appVersion,
                "App Version",
                from: "context.app.version",
                help: "The version of the app on the device."
            ),
        ]
    ) { values throws(IgnoreReason) in
        let person = try values.person()
        var device = JSON.Object()
        device.append("token", .string(try values.required(.token)))
        if let platform = values.text(.platform)?.lowercased() {
            device.append("platform", .string(["iphone os", "ipados"].contains(platform) ? "ios" : platform))
        }
        if let lastUsed = values.time(.lastUsed) { device.append("last_used", lastUsed) }
        var attributes = values.attributes()
        if let version = values.text(.appVersion) { attributes["app_version"] = .string(version) }
        if !attributes.isEmpty { device.append("attributes", .object(attributes)) }

        var body = EntityBody("person", "add_device", identifiers: person.json)
        body.add("device", .object(device))
        return body.operation
    }
}
