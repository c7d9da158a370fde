import LosslessJSON

/// Collects the members of an object in which a key may be set again, in time proportional to their number.
struct UniqueMembers {
    private var members: [(key: String, value: JSON?)] = []
    private var positions: [ExactText: Int] = [:]

    /// Sets a key, at its old place if it has one; `nil` stands for undefined.
    mutating func set(_ key: String, _ value: JSON?) {
        if let position = positions[ExactText(key)] {
            members[position].value = value
        } else {
            positions[ExactText(key)] = members.count
            members.append((key, value))
        }
    }

    /// Sets a key unless it was set before, be it to undefined.
    mutating func setIfNew(_ key: String, _ value: JSON?) {
        if positions[ExactText(key)] == nil { set(key, value) }
    }

    /// The object of the keys that have a value, and the other keys.
    var outcome: Outcome {
        var defined: [JSON.Object.Member] = []
        defined.reserveCapacity(members.count)
        var undefinedKeys: [String] = []
        for (key, value) in members {
            if let value {
                defined.append(JSON.Object.Member(key: key, value: value))
            } else {
                undefinedKeys.append(key)
            }
        }
        return Outcome(value: .object(JSON.Object(uniqueMembers: defined)), undefinedKeys: undefinedKeys)
    }
}
