import Events
package import LosslessJSON

/// How an operation names a person (actions.md §2).
package enum Identifier: Sendable {
    case id(String)
    case email(String)
    case cioId(String)
    case anonymous(String)

    /// The first rule of actions.md §2 that applies to the three values; `nil` when there is no identifier.
    package init?(personId: String?, email: String? = nil, anonymousId: String? = nil) {
        if let personId, !personId.isBlank {
            self.init(personId: personId)
        } else if let email, !email.isBlank {
            self = .email(email)
        } else if let anonymousId, !anonymousId.isBlank {
            self = .anonymous(anonymousId)
        } else {
            return nil
        }
    }

    /// Rules 1 to 3, for a person id that is there.
    private init(personId: String) {
        if let cioId = Self.cioId(in: personId) {
            self = .cioId(cioId)
        } else if Self.isEmailShaped(personId) {
            self = .email(personId)
        } else {
            self = .id(personId)
        }
    }

    package var json: JSON {
        switch self {
        case .id(let value): .object(JSON.Object(uniqueMembers: [.init(key: "id", value: .string(value))]))
        case .email(let value): .object(JSON.Object(uniqueMembers: [.init(key: "email", value: .string(value))]))
        case .cioId(let value): .object(JSON.Object(uniqueMembers: [.init(key: "cio_id", value: .string(value))]))
        case .anonymous(let value):
            .object(JSON.Object(uniqueMembers: [.init(key: "anonymous_id", value: .string(value))]))
        }
    }

    package var isAnonymous: Bool {
        if case .anonymous = self { true } else { false }
    }

    /// Whether both name the same person for certain; e-mail addresses are compared without case.
    func isSame(as other: Identifier) -> Bool {
        switch (self, other) {
        case (.id(let left), .id(let right)), (.cioId(let left), .cioId(let right)),
            (.anonymous(let left), .anonymous(let right)):
            left.hasSameBytes(as: right)
        case (.email(let left), .email(let right)): left.lowercased().hasSameBytes(as: right.lowercased())
        default: false
        }
    }

    /// `cio_` and lower-case hexadecimal digits behind it.
    private static func cioId(in text: String) -> String? {
        let prefix = "cio_"
        guard text.utf8.starts(with: prefix.utf8) else { return nil }
        let rest = text.utf8.dropFirst(prefix.utf8.count)
        guard !rest.isEmpty, rest.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }) else { return nil }
        return String(Substring(rest))
    }

    /// Atoms joined by single dots, `@`, then two or more dot-joined labels; ASCII only, nothing trimmed.
    private static func isEmailShaped(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let at = bytes.firstIndex(of: UInt8(ascii: "@")) else { return false }
        let atoms = bytes[..<at].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let labels = bytes[bytes.index(after: at)...].split(
            separator: UInt8(ascii: "."),
            omittingEmptySubsequences: false
        )
        return atoms.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAtomByte) }
            && labels.count >= 2 && labels.allSatisfy(isLabel)
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"), !label.isEmpty else { return false }
        return label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isAtomByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+/=?^_`{|}~-".utf8.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
    }
}
