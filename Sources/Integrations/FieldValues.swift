import Diagnostics
import Events
import LosslessJSON
import Mappings

/// The fields of one action for one event, read when the operation asks for them.
///
/// A mapping, where there is one, replaces a field's own source; what may stand in the field is decided here, for
/// mapped values too (actions.md §3).
struct FieldValues {
    let subject: Subject
    let action: Action
    private(set) var warnings: [String] = []

    init(_ subject: Subject, action: Action) {
        self.subject = subject
        self.action = action
    }

    /// The value that a field starts from, before its kind is looked at.
    func value(of bound: Action.BoundField) throws(MappingError) -> JSON? {
        if let mapping = bound.mapping { return try mapping.apply(to: subject.event.message) }
        switch bound.field.source {
        case .first(let paths): return firstPresent(paths, kind: bound.field.kind).map(\.value)
        case .earliest(let paths):
            let times = paths.compactMap { subject.message.value(at: $0).flatMap(Timestamp.init(callTime:)) }
            return times.filter(\.isInCalendar).min().map { .number(JSON.Number($0.seconds)) }
        case .object(let path, let keys, let adding, let overlaying):
            return object(at: path, without: keys, adding: adding, overlaying: overlaying)
        case .eventId: return subject.eventId(action: action.name).map(JSON.string)
        }
    }

    /// The first of some paths at which there is a value of the kind, and which of them it was.
    func firstPresent(_ paths: [JSON.Path], kind: Field.Kind) -> (value: JSON, position: Int)? {
        for position in paths.indices {
            guard let value = subject.message.value(at: paths[position]) else { continue }
            let isPresent =
                switch kind {
                case .text: value.presentText != nil
                case .time: !value.isAbsent
                case .object: value.objectValue != nil
                }
            if isPresent { return (value, position) }
        }
        return nil
    }

    private func object(
        at path: JSON.Path,
        without keys: [String],
        adding: [String],
        overlaying: String?
    ) -> JSON? {
        guard case .object(var object)? = subject.message.value(at: path) ?? .object(JSON.Object()) else { return nil }
        if object.members.contains(where: { member in keys.contains { $0.hasSameBytes(as: member.key) } }) {
            object = object.removing { key in keys.contains { $0.hasSameBytes(as: key) } }
        }
        if let overlaying, case .object(let upper)? = object[overlaying] {
            object[overlaying] = nil
            object = object.overlaid(with: upper)
        }
        for key in adding where !object.contains(key) {
            if let value = subject.event.message[key], value.presentText != nil { object.append(key, value) }
        }
        return .object(object)
    }

    private mutating func value(_ key: Field.Key) -> JSON? {
        guard let bound = action.fields.first(where: { $0.field.key == key }) else { return nil }
        do {
            return try value(of: bound)
        } catch {
            // Some fields are asked for twice.
            let warning = "the mapping of \(key.rawValue) failed: \(error)"
            if !warnings.contains(warning) { warnings.append(warning) }
            return nil
        }
    }

    // MARK: Kinds

    mutating func text(_ key: Field.Key) -> String? {
        value(key)?.presentText
    }

    mutating func required(_ key: Field.Key) throws(IgnoreReason) -> String {
        guard let text = text(key) else { throw .missing(key) }
        return text
    }

    /// Whole Unix seconds; a time that can't be read is left out with a warning.
    mutating func time(_ key: Field.Key) -> JSON? {
        guard let value = value(key), !value.isAbsent else { return nil }
        if let time = Timestamp(callTime: value) { return .number(JSON.Number(time.seconds)) }
        let standIn = key == .timestamp ? subject.receivedAt : nil
        let outcome = standIn == nil ? "it is left out" : "the time of receipt stands in"
        warnings.append("\(key.rawValue) can't be read as a time: \(value.description.onOneLine()); \(outcome)")
        return standIn.map { .number(JSON.Number($0.seconds)) }
    }

    /// An object as it comes, its dates converted if the action is set so.
    mutating func object(_ key: Field.Key) -> JSON.Object? {
        guard let value = value(key) else { return nil }
        guard case .object(let object) = value else {
            if !value.isNull { warnings.append("\(key.rawValue) must be an object, not \(value.kindName)") }
            return nil
        }
        return action.options.convertTimestamps ? ConvertTimestamps.convert(object) : object
    }

    mutating func attributes() -> JSON.Object {
        object(.attributes) ?? JSON.Object()
    }

    /// The attributes without the words by which the API takes orders; those that say something of their own are
    /// reported (actions.md §3).
    mutating func attributes(withoutControlWords words: [String], personId: String? = nil) -> JSON.Object {
        let attributes = attributes()
        let isControlWord: (String) -> Bool = { key in words.contains { $0.hasSameBytes(as: key) } }
        guard attributes.members.contains(where: { isControlWord($0.key) }) else { return attributes }
        for member in attributes where isControlWord(member.key) {
            if member.key == "id" {
                if member.value.isAbsent { continue }
                if let id = member.value.presentText, let personId, id.hasSameBytes(as: personId) { continue }
                warnings.append("the attribute id differs from the person's id and is not sent")
            } else {
                warnings.append("the attribute \(member.key) is a control word of the Track API and is not sent")
            }
        }
        return attributes.removing(where: isControlWord)
    }

    // MARK: References

    /// The person by actions.md §2, an anonymous one only where the API takes it.
    mutating func person(orAnonymous: Bool = false) throws(IgnoreReason) -> Identifier {
        if let personId = text(.personId), let person = Identifier(personId: personId) { return person }
        if let email = text(.email) { return .email(email) }
        if orAnonymous, let anonymousId = text(.anonymousId) { return .anonymous(anonymousId) }
        throw .noIdentifier
    }

    mutating func objectReference() throws(IgnoreReason) -> JSON {
        let id = try required(.objectId)
        return Self.objectReference(id: id, type: text(.objectTypeId))
    }

    /// An object by its id and type, which is `"1"` by default (actions.md §2).
    static func objectReference(id: String, type: String?) -> JSON {
        .object(
            JSON.Object(uniqueMembers: [
                .init(key: "object_type_id", value: .string(type ?? "1")),
                .init(key: "object_id", value: .string(id)),
            ])
        )
    }

    /// The list of one relationship, to an object or to a person.
    mutating func relationships(with identifiers: JSON) -> JSON {
        var relationship = JSON.Object()
        relationship.append("identifiers", identifiers)
        if let attributes = object(.relationshipAttributes), !attributes.isEmpty {
            relationship.append("relationship_attributes", .object(attributes))
        }
        return .array([.object(relationship)])
    }
}
