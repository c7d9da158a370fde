extension JSON {
    /// A way into a value: keys, and whole numbers that index a list.
    package struct Path: Sendable, Equatable, CustomStringConvertible {
        /// A key, or a position in a list.
        package struct Step: Sendable {
            package let key: String
            /// The position in a list that the key spells, if it spells one.
            package let index: Int?
            @usableFromInline let fingerprint: KeyFingerprint

            package init(_ key: String) {
                self.key = key
                fingerprint = KeyFingerprint(key)
                let isPosition = !key.isEmpty && key.utf8.count <= 9 && key.utf8.allSatisfy { 0x30...0x39 ~= $0 }
                index = isPosition ? Int(key) : nil
            }
        }

        package let steps: [Step]

        package init(steps: [String]) {
            self.steps = steps.map(Step.init)
        }

        /// A path in its dotted form, `context.page.url`. No step may hold a dot; use `init(steps:)` for those. Dots at
        /// the ends and doubled ones make no step.
        package init(_ dotted: String) {
            // Split by scalar: to Swift, a dot and an accent behind it are one character that is not a dot.
            self.init(steps: dotted.unicodeScalars.split(separator: ".").map(String.init))
        }

        package var description: String {
            steps.map(\.key).joined(separator: ".")
        }
    }

    /// The value at the end of the path; `nil` when a step is missing or meets something that has no such part.
    package func value(at path: Path) -> JSON? {
        var current = self
        for step in path.steps {
            guard let next = current.value(of: step) else { return nil }
            current = next
        }
        return current
    }

    /// One step of a path.
    package func value(of step: Path.Step) -> JSON? {
        switch self {
        case .object(let object): return object[step]
        case .array(let items):
            guard let index = step.index, items.indices.contains(index) else { return nil }
            return items[index]
        default: return nil
        }
    }
}

extension JSON.Object {
    /// The value of the key that a step names; faster than the key itself, because the step is prepared for it.
    package subscript(step: JSON.Path.Step) -> JSON? {
        guard let position = position(of: step.key, step.fingerprint) else { return nil }
        return members[position].value
    }
}

extension JSON.Path.Step: Equatable {
    package static func == (left: JSON.Path.Step, right: JSON.Path.Step) -> Bool {
        left.key.hasSameBytes(as: right.key)
    }
}
