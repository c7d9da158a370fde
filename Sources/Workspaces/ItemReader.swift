import LosslessJSON
import Storage

/// Limits of the Track API, in bytes of UTF-8 where nothing else is said (track-api.md §4).
enum TrackLimit {
    static let identifier = 150
    /// Ours, as there has to be one: the token of a device, as long as the value of an attribute.
    static let deviceToken = 1000
    static let attributeName = 150
    static let attributeValue = 1000
    /// Attributes of one call, and of one person, object or relationship.
    static let attributes = 300
    static let eventName = 100
    /// The data of an event of version 1, as JSON text.
    static let eventData = 100_000
    /// People of one call that changes a segment.
    static let segmentEntries = 1000
    /// All attributes of one object or relationship.
    static let objectAttributes = 100 << 10
}

/// Reads the fields of one item and collects what is wrong with them.
///
/// A method that returns `nil` has written down why; other fields are still read, so that all errors come at once.
struct ItemReader {
    let item: JSON.Object
    let settings: WorkspaceSettings
    private(set) var refusals: [Refusal] = []

    init(_ item: JSON.Object, _ settings: WorkspaceSettings) {
        self.item = item
        self.settings = settings
    }

    mutating func refuse(_ refusal: Refusal) {
        refusals.append(refusal)
    }

    // MARK: People

    /// The one identifier in an `identifiers`, `primary` or `secondary` object (track-api.md §6.1).
    mutating func subject(_ value: JSON?, field: String, allowsAnonymous: Bool) -> Subject? {
        guard let value, !value.isNull else {
            refuse(.required(field))
            return nil
        }
        guard let object = value.objectValue else {
            refuse(.invalid(field, "must be an object"))
            return nil
        }
        let given = ["id", "email", "cio_id", "phone", "anonymous_id"].filter { key in
            object[key].map { !$0.isNull } ?? false
        }
        guard given.count == 1, let kind = given.first else {
            refuse(.invalid(field, "must contain exactly one identifier"))
            return nil
        }
        guard settings.identifies(by: kind) || kind == "anonymous_id" && allowsAnonymous else {
            refuse(.invalid("\(field).\(kind)", "is not supported as an identifier here"))
            return nil
        }
        guard let text = identifierText(object[kind], field: "\(field).\(kind)") else { return nil }
        switch kind {
        case "id": return .person(.id(text))
        case "email": return .person(.email(text))
        case "cio_id": return .person(.cioId(withoutPrefix(text)))
        case "phone":
            guard text.isPhoneNumber else {
                refuse(.invalid("\(field).phone", "must be a phone number in E.164, like +14155552671"))
                return nil
            }
            return .person(.phone(text))
        default: return .anonymous(text)
        }
    }

    /// The one identifier of a person with a profile.
    mutating func person(_ key: String = "identifiers") -> PersonIdentifier? {
        guard case .person(let person) = subject(item[key], field: key, allowsAnonymous: false) else { return nil }
        return person
    }

    /// A text or number that is not blank and not too long; a number counts as its text.
    mutating func identifierText(_ value: JSON?, field: String) -> String? {
        guard let value, !value.isNull else {
            refuse(.required(field))
            return nil
        }
        guard let text = value.stringValue ?? value.numberValue?.text else {
            refuse(.invalid(field, "must be a string or a number"))
            return nil
        }
        guard !text.isBlank else {
            refuse(.invalid(field, "must not be blank"))
            return nil
        }
        guard text.utf8.count <= TrackLimit.identifier else {
            refuse(.invalid(field, "cannot be longer than \(TrackLimit.identifier) bytes"))
            return nil
        }
        return text
    }

    /// The attributes of an identify with the number of whom they are about, and that number, or the one among them.
    /// Where none identifies people, and where it is not in E.164, `phone` is an attribute as any other.
    func attributes(
        _ attributes: JSON.Object,
        of person: PersonIdentifier
    ) -> (attributes: JSON.Object, phone: String?) {
        guard settings.identifiesByPhone else { return (attributes, nil) }
        var attributes = attributes
        if case .phone(let phone) = person, attributes["phone"] == nil { attributes["phone"] = .string(phone) }
        let phone = attributes["phone"]?.stringValue.flatMap { $0.isPhoneNumber ? $0 : nil }
        return (attributes, phone)
    }

    /// An identifier among the attributes of an identify; absent, too, where it identifies nobody.
    mutating func identifierChange(_ name: String, of attributes: JSON.Object) -> IdentifierChange {
        guard settings.identifies(by: name), let value = attributes[name] else { return .absent }
        let field = "attributes.\(name)"
        if value.isNull || value.isEmptyText { return .cleared }
        return identifierText(value, field: field).map { .value($0) } ?? .absent
    }

    /// `cio_` in front of a cio_id is no part of it (track-api.md §6.1).
    func withoutPrefix(_ cioId: String) -> String {
        let prefix = "cio_".utf8
        guard cioId.utf8.starts(with: prefix) else { return cioId }
        return String(decoding: cioId.utf8.dropFirst(prefix.count), as: UTF8.self)
    }

    // MARK: Objects

    /// The identifiers of an object (track-api.md §11).
    mutating func object(_ value: JSON?, field: String) -> ObjectReference? {
        guard let value, !value.isNull else {
            refuse(.required(field))
            return nil
        }
        guard let object = value.objectValue else {
            refuse(.invalid(field, "must be an object"))
            return nil
        }
        if let cioId = object["cio_object_id"], !cioId.isNull {
            return identifierText(cioId, field: "\(field).cio_object_id").map { .cioId($0) }
        }
        let type = objectType(object["object_type_id"], field: "\(field).object_type_id")
        let id = identifierText(object["object_id"], field: "\(field).object_id")
        guard let type, let id else { return nil }
        return .typed(type: type, id: id)
    }

    /// A whole number from 1 on, as a text or a number.
    private mutating func objectType(_ value: JSON?, field: String) -> Int64? {
        guard let text = identifierText(value, field: field) else { return nil }
        guard let type = Int64(text), type >= 1, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            refuse(.invalid(field, "must be a whole number from 1 on"))
            return nil
        }
        guard settings.objectTypes.contains(type) else {
            refuse(.invalid(field, "there is no such object type"))
            return nil
        }
        return type
    }

    // MARK: Attributes

    /// An object, or an empty one where there is none (`null` included).
    mutating func object(_ value: JSON?, orEmpty field: String) -> JSON.Object {
        guard let value, !value.isNull else { return JSON.Object() }
        guard let object = value.objectValue else {
            refuse(.invalid(field, "must be an object"))
            return JSON.Object()
        }
        return object
    }

    /// Holds attributes of a person, an object or a relationship against the limits (track-api.md §4).
    mutating func checkLimits(of attributes: JSON.Object, field: String, reserved: String? = nil) {
        checkCount(of: attributes, field: field)
        for attribute in attributes {
            let path = "\(field).\(attribute.key)"
            if let reserved, attribute.key.hasSameBytes(as: reserved) {
                refuse(.invalid(path, "is a reserved attribute name"))
            }
            if attribute.key.utf8.count > TrackLimit.attributeName {
                refuse(.invalid(path, "attribute name cannot be longer than \(TrackLimit.attributeName) bytes"))
            }
            if attribute.value.attributeBytes > TrackLimit.attributeValue {
                refuse(.invalid(path, "property value cannot be longer than \(TrackLimit.attributeValue) bytes"))
            }
        }
    }

    mutating func checkCount(of attributes: JSON.Object, field: String) {
        guard attributes.count > TrackLimit.attributes else { return }
        refuse(.invalid(field, "cannot identify more than \(TrackLimit.attributes) attributes in one request"))
    }

    // MARK: Relationships

    /// The entries of `cio_relationships` on a person.
    mutating func objectLinks(isRequired: Bool) -> [ObjectLink] {
        objectLinks(item[Self.relationships], field: Self.relationships, isRequired: isRequired)
    }

    mutating func objectLinks(_ value: JSON?, field: String, isRequired: Bool) -> [ObjectLink] {
        var links: [ObjectLink] = []
        for (field, entry) in relationshipEntries(value, field: field, isRequired: isRequired) {
            let attributes = relationshipAttributes(entry, field: field)
            if let object = object(entry["identifiers"], field: "\(field).identifiers") {
                links.append(ObjectLink(object: object, attributes: attributes))
            }
        }
        return links
    }

    /// The entries of `cio_relationships` on an object.
    mutating func personLinks(isRequired: Bool, allowsAnonymous: Bool) -> [PersonLink] {
        var links: [PersonLink] = []
        let field = Self.relationships
        for (field, entry) in relationshipEntries(item[field], field: field, isRequired: isRequired) {
            let attributes = relationshipAttributes(entry, field: field)
            var identifiers = entry["identifiers"]
            // The description's own sample has the anonymous id beside the other keys (track-api.md §17.4).
            if allowsAnonymous, identifiers == nil, let anonymousId = entry["anonymous_id"] {
                identifiers = ["anonymous_id": anonymousId]
            }
            let subject = subject(identifiers, field: "\(field).identifiers", allowsAnonymous: allowsAnonymous)
            if let subject {
                links.append(PersonLink(subject: subject, attributes: attributes))
            }
        }
        return links
    }

    private static let relationships = "cio_relationships"

    private mutating func relationshipEntries(
        _ value: JSON?,
        field: String,
        isRequired: Bool
    ) -> [(field: String, entry: JSON.Object)] {
        guard let value, !value.isNull else {
            if isRequired { refuse(.required(field)) }
            return []
        }
        guard let entries = value.arrayValue else {
            refuse(.invalid(field, "must be an array"))
            return []
        }
        var objects: [(field: String, entry: JSON.Object)] = []
        for (position, entry) in entries.enumerated() {
            if let object = entry.objectValue {
                objects.append(("\(field).\(position)", object))
            } else {
                refuse(.invalid("\(field).\(position)", "must be an object"))
            }
        }
        return objects
    }

    private mutating func relationshipAttributes(_ entry: JSON.Object, field: String) -> JSON.Object {
        let field = "\(field).relationship_attributes"
        let attributes = object(entry["relationship_attributes"], orEmpty: field)
        checkLimits(of: attributes, field: field)
        return attributes
    }

    // MARK: Times

    /// When an event happened.
    mutating func eventTime(now: Int64) -> Int64 {
        let time = time(item["timestamp"], field: "timestamp", default: now)
        if let days = settings.futureDays, time > now.addingReportingOverflow(days * 86_400).partialValue {
            refuse(.invalid("timestamp", "cannot lie more than \(days) days ahead"))
        }
        return time
    }

    /// Whole Unix seconds, as a number or a numeric text, its fraction dropped; `default` when absent (track-api.md
    /// §8).
    mutating func time(_ value: JSON?, field: String, default: Int64) -> Int64 {
        guard let value, !value.isNull else { return `default` }
        let number = value.numberValue ?? value.stringValue.flatMap { JSON.Number($0) }
        guard let seconds = number?.truncatedInt64 else {
            refuse(.invalid(field, "must be an integer"))
            return `default`
        }
        return seconds
    }
}

extension WorkspaceSettings {
    /// Whether people of the workspace are found by this key of an `identifiers` object.
    func identifies(by kind: String) -> Bool {
        switch kind {
        case "id": takesIds
        case "email": takesAddresses
        case "phone": identifiesByPhone
        default: kind == "cio_id"
        }
    }
}

extension JSON {
    /// `null` and the empty text remove an attribute (track-api.md §7.1).
    var removesAttribute: Bool {
        isNull || isEmptyText
    }

    var isEmptyText: Bool {
        stringValue.map { $0.isEmpty } ?? false
    }

    /// The size of an attribute's value: of the text itself, or of the JSON text.
    var attributeBytes: Int {
        stringValue.map { $0.utf8.count } ?? encodedCount
    }
}

extension String {
    /// Whether this is a number in E.164: a plus sign and up to 15 digits.
    fileprivate var isPhoneNumber: Bool {
        let digits = utf8.dropFirst()
        return utf8.first == UInt8(ascii: "+") && 2...15 ~= digits.count && digits.first != UInt8(ascii: "0")
            && digits.allSatisfy { 0x30...0x39 ~= $0 }
    }

    var isBlank: Bool {
        allSatisfy(\.isWhitespace)
    }
}
