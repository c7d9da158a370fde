import LosslessJSON
import Storage

/// Reads the calls of the Track API v1 (track-api.md §9) into the same commands as the items of v2.
extension Command {
    /// Checks one call, whose body is `null` where it has none; `now` (Unix seconds) stands in for the times that it does
    /// not have.
    static func parsed(_ call: V1Call, body: JSON, settings: WorkspaceSettings, now: Int64) -> Parsed {
        // No body, `null` and `{}` are the same (§6.2, §9).
        guard let object = body.isNull ? JSON.Object() : body.objectValue else {
            return .refused([.invalid("", "request body must be an object")])
        }
        var reader = ItemReader(object, settings)
        let command = command(call, &reader, now: now)
        guard let command, reader.refusals.isEmpty else { return .refused(reader.refusals) }
        return .command(command)
    }

    private static func command(
        _ call: V1Call,
        _ reader: inout ItemReader,
        now: Int64
    ) -> Command? {
        switch call {
        case .identify(let person): return identify(person, &reader, now: now)
        case .delete(let person): return reader.person(inPath: person).map { .deletePerson($0) }
        case .addDevice(let person):
            let person = reader.person(inPath: person)
            guard let device = deviceUpdate(&reader, tokenKey: "id", now: now), let person else { return nil }
            return .addDevice(of: person, device)
        case .deleteDevice(let person, let token):
            return reader.person(inPath: person).map { .deleteDevice(of: $0, token: token) }
        case .suppress(let person): return reader.person(inPath: person).map { .suppress($0) }
        case .unsuppress(let person): return reader.person(inPath: person).map { .unsuppress($0) }
        case .event(let person):
            let person = reader.person(inPath: person)
            guard let event = event(of: person.map { .person($0) }, &reader, now: now), person != nil else {
                return nil
            }
            return .event(event)
        case .anonymousEvent: return anonymousEvent(&reader, now: now)
        case .submitForm(let id): return submitForm(id, &reader, now: now)
        case .merge:
            let (primary, secondary) = (reader.person("primary"), reader.person("secondary"))
            guard let primary, let secondary else { return nil }
            return .merge(primary: primary, secondary: secondary)
        case .metric: return metric(&reader, now: now)
        case .pushMetric: return pushMetric(&reader, now: now)
        case .inAppMetric: return inAppMetric(&reader, now: now)
        case .addToSegment(let segment, let idType):
            return changeSegment(segment, isAddition: true, idType, &reader)
        case .removeFromSegment(let segment, let idType):
            return changeSegment(segment, isAddition: false, idType, &reader)
        case .unsubscribe(let deliveryId): return unsubscribe(deliveryId, &reader)
        }
    }

    // MARK: Identify

    private static func identify(_ identifier: String, _ reader: inout ItemReader, now: Int64) -> Command? {
        let person = reader.person(inPath: identifier)
        let id = reader.identifierAttribute("id", mayBeEmpty: false)
        let email = reader.identifierAttribute("email", mayBeEmpty: true)
        let cioId = reader.identifierAttribute("cio_id", mayBeEmpty: true)
        let time = reader.time(reader.item["_timestamp"], field: "_timestamp", default: now)
        let attributes = PersonAttribute.stored(reader.item, reader.settings)
        reader.checkLimits(ofV1: attributes)
        let (links, endedLinks) = relationships(&reader)
        guard let person else { return nil }
        let (allAttributes, phone) = reader.attributes(attributes, of: person)
        return .identifyPerson(
            PersonUpdate(
                person: person,
                id: id,
                email: email,
                cioId: cioId.text.map(reader.withoutPrefix),
                phone: phone,
                attributes: allAttributes,
                anonymousId: attributes["anonymous_id"].flatMap(anonymousId),
                isUpdateOnly: isTrue(reader.item["_update"]),
                links: links,
                endedLinks: endedLinks,
                time: time
            )
        )
    }

    /// `{"action":…,"relationships":[…]}`, where version 2 has an array (track-api.md §9.2).
    private static func relationships(
        _ reader: inout ItemReader
    ) -> (added: [ObjectLink], ended: [ObjectLink]) {
        let field = "cio_relationships"
        let given = reader.object(reader.item[field], orEmpty: field)
        guard !given.isEmpty else { return ([], []) }
        let links = reader.objectLinks(given["relationships"], field: "\(field).relationships", isRequired: true)
        switch given["action"]?.stringValue {
        case "add_relationships": return (links, [])
        case "delete_relationships": return ([], links)
        default:
            reader.refuse(.invalid("\(field).action", "must be add_relationships or delete_relationships"))
            return ([], [])
        }
    }

    // MARK: Events

    /// track-api.md §9.9, §13: without an anonymous id, or with a blank one, an invite.
    private static func anonymousEvent(_ reader: inout ItemReader, now: Int64) -> Command? {
        var subject: Subject?
        switch reader.item["anonymous_id"] {
        case nil, .null: break
        case .string(let text) where text.isBlank: break
        case let value: subject = reader.identifierText(value, field: "anonymous_id").map { .anonymous($0) }
        }
        return event(of: subject, &reader, now: now).map { .event($0) }
    }

    /// track-api.md §12, in the words of §3.2.
    private static func event(of subject: Subject?, _ reader: inout ItemReader, now: Int64) -> PersonEvent? {
        let type = eventType(&reader)
        let name = eventName(of: type, &reader)
        let data = reader.item["data"] ?? .null
        if !data.isNull, data.objectValue == nil {
            reader.refuse(.invalid("", "event data must be a hash"))
        } else if !data.isEncoded(within: TrackLimit.eventData) {
            reader.refuse(.invalid("", "event data cannot be longer than \(TrackLimit.eventData) bytes"))
        }
        let time = reader.eventTime(now: now)
        let id = eventId(&reader)
        return name.map { name in
            PersonEvent(
                subject: subject,
                type: type,
                name: name,
                id: id,
                attributes: data.objectValue ?? JSON.Object(),
                time: time
            )
        }
    }

    /// What is neither a page nor a screen is an event (§9.8).
    private static func eventType(_ reader: inout ItemReader) -> String {
        guard let value = reader.item["type"], !value.isNull else { return "event" }
        guard let type = value.stringValue else {
            reader.refuse(.invalid("", "event type must be a string"))
            return "event"
        }
        return ["page", "screen"].contains(type) ? type : "event"
    }

    private static func eventName(of type: String, _ reader: inout ItemReader) -> String? {
        guard let value = reader.item["name"], !value.isNull else {
            reader.refuse(.missingEventName)
            return nil
        }
        guard let text = value.stringValue else {
            reader.refuse(.invalid("", "event name must be a string"))
            return nil
        }
        let name = reader.settings.trimsEventNames ? text.trimmed : text
        guard !name.isBlank else {
            reader.refuse(.invalid("", "event name must not be blank"))
            return nil
        }
        guard type != "event" || name.utf8.count <= TrackLimit.eventName else {
            reader.refuse(.invalid("", "event name cannot be longer than \(TrackLimit.eventName) bytes"))
            return nil
        }
        return name
    }

    // MARK: Forms

    /// Keys of an answer that are about the form (track-api.md §9.10).
    private static let formKeys = ["form_id", "form_name", "form_type", "form_url", "form_url_param"]

    private static func submitForm(_ id: String, _ reader: inout ItemReader, now: Int64) -> Command? {
        guard reader.checkForm(id) else { return nil }
        guard let data = reader.item["data"]?.objectValue else {
            reader.refuse(.invalid("data", "must be an object"))
            return nil
        }
        let answer = data.removing { formKeys.contains($0) }
        for member in answer where member.value.stringValue == nil {
            reader.refuse(.invalid("data.\(member.key)", "must be a string"))
        }
        let kinds = ["email", "id"].filter(reader.settings.identifies)
        let texts = kinds.compactMap { key in
            answer[key]?.stringValue.flatMap { $0.isBlank ? nil : (key, $0) }
        }
        guard texts.count == 1, let (kind, text) = texts.first else {
            let words = kinds.count == 1 ? "" : "exactly one of "
            reader.refuse(.invalid("data", "must contain \(words)\(kinds.joined(separator: " and "))"))
            return nil
        }
        guard let text = reader.identifierText(.string(text), field: "data.\(kind)") else { return nil }
        let attributes = PersonAttribute.stored(answer, reader.settings)
        reader.checkLimits(ofV1: attributes)
        let update = PersonUpdate(
            person: kind == "id" ? .id(text) : .email(text),
            id: .absent,
            email: .absent,
            cioId: nil,
            attributes: attributes,
            anonymousId: attributes["anonymous_id"].flatMap(anonymousId),
            isUpdateOnly: false,
            links: [],
            time: now
        )
        return .submitForm(id, update)
    }

    // MARK: Segments

    private static func changeSegment(
        _ segment: String,
        isAddition: Bool,
        _ idType: String?,
        _ reader: inout ItemReader
    ) -> Command? {
        let number = Int64(segment).flatMap { $0 > 0 ? $0 : nil }
        if !(number.map(reader.settings.segments.contains) ?? false) { reader.refuse(.unknownSegment) }
        let kinds = ["id", "email", "cio_id"].filter(reader.settings.identifies)
        let kind = idType ?? kinds.first ?? "id"
        if !kinds.contains(kind) {
            let words = kinds.dropLast().joined(separator: ", ")
            reader.refuse(.invalid("id_type", "must be \(words) or cio_id"))
        }
        let entries = reader.item["ids"]?.arrayValue ?? []
        guard 1...TrackLimit.segmentEntries ~= entries.count else {
            reader.refuse(.invalid("ids", "must be an array of 1 to \(TrackLimit.segmentEntries) entries"))
            return nil
        }
        let texts = entries.compactMap { $0.stringValue ?? $0.numberValue?.text }
        guard texts.count == entries.count else {
            reader.refuse(.invalid("ids", "must hold strings or numbers"))
            return nil
        }
        guard let number else { return nil }
        let people = texts.map { text -> PersonIdentifier in
            switch kind {
            case "email": .email(text)
            case "cio_id": .cioId(reader.withoutPrefix(text))
            default: .id(text)
            }
        }
        return .changeSegment(number, isAddition: isAddition, people)
    }

    // MARK: Unsubscribing

    private static func unsubscribe(_ deliveryId: String, _ reader: inout ItemReader) -> Command? {
        if !deliveryId.isDeliveryId { reader.refuse(.invalid("", "invalid delivery id")) }
        guard let isUnsubscribed = reader.item["unsubscribe"]?.boolValue else {
            reader.refuse(.invalid("unsubscribe", "must be true or false"))
            return nil
        }
        return .unsubscribe(deliveryId: deliveryId, isUnsubscribed: isUnsubscribed)
    }
}
