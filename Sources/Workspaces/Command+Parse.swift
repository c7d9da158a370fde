import LosslessJSON
import Storage

/// Reads the items of the Track API v2 (track-api.md §11).
extension Command {
    enum Parsed {
        case command(Command)
        case refused([Refusal])
    }

    /// Checks one item and reads its fields; `now` (Unix seconds) stands in for the times that it does not have.
    static func parsed(_ item: JSON, settings: WorkspaceSettings, now: Int64) -> Parsed {
        guard let object = item.objectValue else {
            return .refused([.invalid("", "must be an object")])
        }
        var reader = ItemReader(object, settings)
        let command = command(&reader, now: now)
        guard let command, reader.refusals.isEmpty else { return .refused(reader.refusals) }
        return .command(command)
    }

    private static func command(_ reader: inout ItemReader, now: Int64) -> Command? {
        guard let type = word("type", &reader) else { return nil }
        switch type {
        case "person":
            guard let action = word("action", &reader) else { return nil }
            return person(action, &reader, now: now)
        case "object":
            guard let action = word("action", &reader) else { return nil }
            return object(action, &reader, now: now)
        case "delivery":
            guard let action = word("action", &reader) else { return nil }
            guard action == "event" else { return unsupported(&reader) }
            return delivery(&reader, now: now)
        default:
            reader.refuse(.invalid("type", "is not supported"))
            return nil
        }
    }

    static func word(_ field: String, _ reader: inout ItemReader) -> String? {
        guard let value = reader.item[field], !value.isNull else {
            reader.refuse(.required(field))
            return nil
        }
        guard let text = value.stringValue else {
            reader.refuse(.invalid(field, "must be a string"))
            return nil
        }
        return text
    }

    private static func unsupported(_ reader: inout ItemReader) -> Command? {
        reader.refuse(.invalid("action", "is not supported"))
        return nil
    }

    // MARK: People

    private static func person(_ action: String, _ reader: inout ItemReader, now: Int64) -> Command? {
        switch action {
        case "identify": return identify(&reader, now: now)
        case "event", "page", "screen", "viewed_content", "clicked_content":
            return event(action, &reader, now: now)
        case "merge":
            let primary = reader.person("primary")
            let secondary = reader.person("secondary")
            guard let primary, let secondary else { return nil }
            return .merge(primary: primary, secondary: secondary)
        case "add_relationships":
            let person = reader.person()
            let links = reader.objectLinks(isRequired: true)
            let time = reader.time(reader.item["timestamp"], field: "timestamp", default: now)
            return person.map { .addRelationships(of: $0, links, at: time) }
        case "delete_relationships":
            let person = reader.person()
            let links = reader.objectLinks(isRequired: true)
            return person.map { .deleteRelationships(of: $0, links) }
        case "add_device": return addDevice(&reader, now: now)
        case "delete_device": return deleteDevice(&reader)
        case "delete": return reader.person().map { .deletePerson($0) }
        case "suppress": return reader.person().map { .suppress($0) }
        case "unsuppress": return reader.person().map { .unsuppress($0) }
        default: return unsupported(&reader)
        }
    }

    private static func identify(_ reader: inout ItemReader, now: Int64) -> Command? {
        let subject = reader.subject(reader.item["identifiers"], field: "identifiers", allowsAnonymous: true)
        let given = reader.object(reader.item["attributes"], orEmpty: "attributes")
        let time = updateTime(given, &reader, now: now)
        let links = reader.objectLinks(isRequired: false)
        let id = reader.identifierChange("id", of: given)
        let email = reader.identifierChange("email", of: given)
        let cioId = reader.identifierChange("cio_id", of: given)
        let attributes = PersonAttribute.stored(given, reader.settings)
        reader.checkLimits(of: attributes, field: "attributes", reserved: "_relationship")
        switch subject {
        case nil: return nil
        case .anonymous: return .identifyAnonymous
        case .person(let person):
            let (attributes, phone) = reader.attributes(attributes, of: person)
            return .identifyPerson(
                PersonUpdate(
                    person: person,
                    id: id,
                    email: email,
                    cioId: cioId.text.map(reader.withoutPrefix),
                    phone: phone,
                    attributes: attributes,
                    anonymousId: attributes["anonymous_id"].flatMap(anonymousId),
                    isUpdateOnly: isTrue(given["_update"]),
                    links: links,
                    time: time
                )
            )
        }
    }

    /// The time that orders attribute values: the item's, else the control word `_timestamp`, else that of receipt
    /// (track-api.md §8).
    private static func updateTime(_ attributes: JSON.Object, _ reader: inout ItemReader, now: Int64) -> Int64 {
        let own = reader.time(attributes["_timestamp"], field: "attributes._timestamp", default: now)
        return reader.time(reader.item["timestamp"], field: "timestamp", default: own)
    }

    static func isTrue(_ value: JSON?) -> Bool {
        value?.boolValue ?? value?.stringValue.map { $0.hasSameBytes(as: "true") } ?? false
    }

    static func anonymousId(_ value: JSON) -> String? {
        guard let text = value.stringValue ?? value.numberValue?.text, !text.isBlank else { return nil }
        return text
    }

    private static func event(_ action: String, _ reader: inout ItemReader, now: Int64) -> Command? {
        let isContent = action == "viewed_content" || action == "clicked_content"
        let subject = reader.subject(reader.item["identifiers"], field: "identifiers", allowsAnonymous: true)
        let name = isContent ? action : eventName(limited: action == "event", &reader)
        let attributes = reader.object(reader.item["attributes"], orEmpty: "attributes")
        let time = reader.eventTime(now: now)
        let id = eventId(&reader)
        guard let subject, let name else { return nil }
        return .event(
            PersonEvent(subject: subject, type: action, name: name, id: id, attributes: attributes, time: time)
        )
    }

    /// The ULID by which a repetition is known; by the settings any other text is no mistake (track-api.md §12).
    static func eventId(_ reader: inout ItemReader) -> String? {
        guard let value = reader.item["id"], !value.isNull else { return nil }
        guard let text = value.stringValue ?? value.numberValue?.text else {
            reader.refuse(.invalid("id", "must be a string"))
            return nil
        }
        let id = ULID.canonical(text)
        if id == nil, reader.settings.asksForULIDs { reader.refuse(.invalid("id", "must be a ULID")) }
        return id
    }

    /// Trimmed; its length is limited for events alone (track-api.md §12).
    private static func eventName(limited: Bool, _ reader: inout ItemReader) -> String? {
        guard let text = word("name", &reader) else { return nil }
        let name = reader.settings.trimsEventNames ? text.trimmed : text
        guard !name.isBlank else {
            reader.refuse(.invalid("name", "event name must not be blank"))
            return nil
        }
        guard !limited || name.utf8.count <= TrackLimit.eventName else {
            reader.refuse(.invalid("name", "event name cannot be longer than \(TrackLimit.eventName) bytes"))
            return nil
        }
        return name
    }

    private static func addDevice(_ reader: inout ItemReader, now: Int64) -> Command? {
        let person = reader.person()
        guard let update = deviceUpdate(&reader, tokenKey: "token", now: now), let person else { return nil }
        return .addDevice(of: person, update)
    }

    /// The device of a call; version 1 calls its token `id`, version 2 `token` (track-api.md §16).
    static func deviceUpdate(_ reader: inout ItemReader, tokenKey: String, now: Int64) -> DeviceUpdate? {
        guard let device = device(&reader) else { return nil }
        let token = deviceText(device, tokenKey, &reader)
        let platform = deviceText(device, "platform", &reader)
        let lastUsed = reader.time(device["last_used"], field: "device.last_used", default: now)
        // Some clients put their own keys beside the token instead of under `attributes`.
        let known = [tokenKey, "platform", "last_used", "attributes"]
        let attributes = reader.object(device["attributes"], orEmpty: "device.attributes")
            .overlaid(with: device.removing { known.contains($0) })
            .removing { $0 == "_last_status" }
        reader.checkCount(of: attributes, field: "device.attributes")
        if let token, token.utf8.count > TrackLimit.deviceToken {
            reader.refuse(.invalid("device.\(tokenKey)", "cannot be longer than \(TrackLimit.deviceToken) bytes"))
        }
        guard let token, let platform else { return nil }
        return DeviceUpdate(token: token, platform: platform, lastUsed: lastUsed, attributes: attributes)
    }

    private static func deleteDevice(_ reader: inout ItemReader) -> Command? {
        let person = reader.person()
        guard let device = device(&reader) else { return nil }
        let token = deviceText(device, "token", &reader)
        guard let person, let token else { return nil }
        return .deleteDevice(of: person, token: token)
    }

    private static func device(_ reader: inout ItemReader) -> JSON.Object? {
        guard let value = reader.item["device"], !value.isNull else {
            reader.refuse(.required("device"))
            return nil
        }
        guard let device = value.objectValue else {
            reader.refuse(.invalid("device", "must be an object"))
            return nil
        }
        return device
    }

    private static func deviceText(_ device: JSON.Object, _ key: String, _ reader: inout ItemReader) -> String? {
        guard let value = device[key], !value.isNull else {
            reader.refuse(.required("device.\(key)"))
            return nil
        }
        guard let text = value.stringValue ?? value.numberValue?.text else {
            reader.refuse(.invalid("device.\(key)", "must be a string"))
            return nil
        }
        guard !text.isBlank else {
            reader.refuse(.invalid("device.\(key)", "must not be blank"))
            return nil
        }
        return text
    }

    // MARK: Objects

    private static func object(_ action: String, _ reader: inout ItemReader, now: Int64) -> Command? {
        switch action {
        case "identify", "identify_anonymous":
            return identifyObject(&reader, allowsAnonymous: action == "identify_anonymous", now: now)
        case "add_relationships":
            let object = reader.object(reader.item["identifiers"], field: "identifiers")
            let links = reader.personLinks(isRequired: true, allowsAnonymous: false)
            let time = reader.time(reader.item["timestamp"], field: "timestamp", default: now)
            return object.map {
                .identifyObject(ObjectUpdate(object: $0, attributes: JSON.Object(), links: links, time: time))
            }
        case "delete_relationships":
            let object = reader.object(reader.item["identifiers"], field: "identifiers")
            let links = reader.personLinks(isRequired: true, allowsAnonymous: false)
            return object.map { .deleteObjectRelationships(of: $0, links) }
        case "delete":
            return reader.object(reader.item["identifiers"], field: "identifiers").map { .deleteObject($0) }
        default: return unsupported(&reader)
        }
    }

    private static func identifyObject(
        _ reader: inout ItemReader,
        allowsAnonymous: Bool,
        now: Int64
    ) -> Command? {
        let object = reader.object(reader.item["identifiers"], field: "identifiers")
        let given = reader.object(reader.item["attributes"], orEmpty: "attributes")
        let time = updateTime(given, &reader, now: now)
        let attributes = given.removing { ObjectAttribute.isNotStored($0) }
        reader.checkLimits(of: attributes, field: "attributes", reserved: "relationship")
        let links = reader.personLinks(isRequired: false, allowsAnonymous: allowsAnonymous)
        return object.map {
            .identifyObject(ObjectUpdate(object: $0, attributes: attributes, links: links, time: time))
        }
    }
}

extension IdentifierChange {
    var text: String? {
        if case .value(let text) = self { text } else { nil }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
