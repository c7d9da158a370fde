import Events
package import LosslessJSON

/// The option *Convert Timestamps* (actions.md §4): strings that are ISO 8601 date-times with at most three digits of
/// fraction become whole Unix seconds, in nested objects too, never inside a list.
package enum ConvertTimestamps {
    package static func convert(_ object: JSON.Object) -> JSON.Object {
        converted(object) ?? object
    }

    /// `nil` when there is nothing to convert, so that an object without dates is not copied.
    private static func converted(_ object: JSON.Object) -> JSON.Object? {
        var result: [JSON.Object.Member]?
        // By position: a member taken out of the list is a copy of its key and its value.
        for position in object.members.indices {
            guard let value = converted(object.members[position].value) else { continue }
            result = result ?? object.members
            result?[position].value = value
        }
        return result.map { JSON.Object(uniqueMembers: $0) }
    }

    private static func converted(_ value: JSON) -> JSON? {
        switch value {
        case .string(let text):
            guard let time = ISO8601(text), time.hasTime, time.fractionDigits <= 3 else { return nil }
            return .number(JSON.Number(Timestamp(milliseconds: time.milliseconds).seconds))
        case .object(let object): return converted(object).map(JSON.object)
        default: return nil
        }
    }
}
