package import LosslessJSON

/// The attributes of a person, an object or a relationship, each with the time of its newest change.
///
/// A removed attribute stays as an entry without a value, so that an older change that arrives later does not bring it
/// back (track-api.md §8).
package struct AttributeSet: Sendable {
    package struct Entry: Sendable {
        package let name: String
        /// `nil` when it was removed.
        package var value: JSON?
        /// Unix seconds.
        package var time: Int64

        package init(name: String, value: JSON?, time: Int64) {
            self.name = name
            self.value = value
            self.time = time
        }
    }

    /// In the order in which the names first came.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// The attributes that have a value.
    package var values: JSON.Object {
        JSON.Object(
            uniqueMembers: entries.compactMap { entry in
                entry.value.map { JSON.Object.Member(key: entry.name, value: $0) }
            }
        )
    }

    /// The number by which the person may be found; a text that is longer is nobody's number.
    var phone: String? {
        self["phone"]?.value?.stringValue.flatMap { $0.utf8.count <= 32 ? $0 : nil }
    }

    /// How many attributes have a value.
    package var count: Int {
        entries.reduce(0) { $0 + ($1.value == nil ? 0 : 1) }
    }

    package subscript(name: String) -> Entry? {
        entries.first { $0.name.hasSameBytes(as: name) }
    }

    /// Sets an attribute, at its old place or at the end.
    package mutating func set(_ entry: Entry) {
        if let position = entries.firstIndex(where: { $0.name.hasSameBytes(as: entry.name) }) {
            entries[position] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Forgets removed attributes, those removed longest ago first, until no more than `limit` are remembered.
    package mutating func forgetRemoved(beyond limit: Int) {
        let removed = entries.indices.filter { entries[$0].value == nil }
        guard removed.count > limit else { return }
        let oldestFirst = removed.sorted { (entries[$0].time, $0) < (entries[$1].time, $1) }
        let forgotten = Set(oldestFirst.prefix(removed.count - limit))
        entries = entries.indices.filter { !forgotten.contains($0) }.map { entries[$0] }
    }
}

extension AttributeSet {
    /// `{"name":[value,time]}`, `null` standing for a removed value. No attribute has the value `null`: it removes.
    var storedText: String {
        let members = entries.map { entry in
            JSON.Object.Member(
                key: entry.name,
                value: .array([entry.value ?? .null, .number(JSON.Number(entry.time))])
            )
        }
        return JSON.object(JSON.Object(uniqueMembers: members)).description
    }

    init(storedText: String) throws {
        let object = try JSON.Object(storedText: storedText)
        entries = try object.map { member in
            guard let pair = member.value.arrayValue, pair.count == 2, let time = pair[1].numberValue?.int64 else {
                throw StorageError.unreadable("attribute")
            }
            return Entry(name: member.key, value: pair[0].isNull ? nil : pair[0], time: time)
        }
    }
}

extension JSON.Object {
    var storedText: String {
        JSON.object(self).description
    }

    init(storedText: String) throws {
        guard case .object(let object) = try JSON(storedText: storedText) else {
            throw StorageError.unreadable("object")
        }
        self = object
    }
}

extension JSON {
    /// What was stored may be nested two levels deeper than what may arrive.
    private static let storedLimits = Limits(depth: 256)

    init(storedText: String) throws {
        guard let value = try? JSON(parsing: Array(storedText.utf8), limits: Self.storedLimits) else {
            throw StorageError.unreadable("JSON text")
        }
        self = value
    }
}
