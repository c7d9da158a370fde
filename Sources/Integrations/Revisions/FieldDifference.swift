package import LosslessJSON

extension JSON {
    /// A place of two values at which they differ, as a JSON pointer.
    package struct FieldDifference: Sendable, Equatable {
        package let path: String
        /// `nil` where it is not there.
        package let present: JSON?
        package let proposed: JSON?
    }

    /// Nobody reads more of them.
    private static let maximumDifferences = 100

    /// All places at which two values differ, in the order of the first, then of the second. Numbers that are written
    /// differently differ: Customer.io gets their text.
    package static func differences(_ present: JSON?, _ proposed: JSON?) -> [FieldDifference] {
        var found: [FieldDifference] = []
        collect(present, proposed, "", &found)
        return found
    }

    private static func collect(_ old: JSON?, _ new: JSON?, _ path: String, _ found: inout [FieldDifference]) {
        guard found.count < maximumDifferences else { return }
        switch (old, new) {
        case (.object(let old)?, .object(let new)?):
            for member in old { collect(member.value, new[member.key], path + step(member.key), &found) }
            for member in new where old[member.key] == nil {
                collect(nil, member.value, path + step(member.key), &found)
            }
        case (.object(let old)?, nil) where !old.isEmpty:
            for member in old { collect(member.value, nil, path + step(member.key), &found) }
        case (nil, .object(let new)?) where !new.isEmpty:
            for member in new { collect(nil, member.value, path + step(member.key), &found) }
        case (.array(let old)?, .array(let new)?) where old.count == new.count:
            for (position, item) in old.enumerated() { collect(item, new[position], "\(path)/\(position)", &found) }
        default:
            guard old?.description != new?.description else { return }
            found.append(FieldDifference(path: path, present: old, proposed: new))
        }
    }

    private static func step(_ key: String) -> String {
        "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
