package import LosslessJSON

/// A person by the texts that stand for them, and which messages name one of these.
package struct NamedPerson: Sendable {
    private let texts: Set<ExactText>
    /// In lower case.
    private let emails: Set<ExactText>
    /// What is given in any case: compared with addresses.
    private let anyCase: Set<ExactText>

    /// - Parameters:
    ///   - texts: ids, compared as they are.
    ///   - emails: e-mail addresses, compared without case.
    package init(texts: [String], emails: [String]) {
        self.texts = Set(texts.map(ExactText.init))
        self.emails = Set(emails.map { ExactText($0.lowercased()) })
        anyCase = Set((texts + emails).map { ExactText($0.lowercased()) })
    }

    private static let ids = ["userId", "anonymousId", "previousId", "id"].map { JSON.Path($0) }
    private static let addresses = ["email", "traits.email", "context.traits.email", "properties.email"]
        .map { JSON.Path($0) }

    /// Whether a message names this person in one of the places where a message says whom it is about.
    package func isNamed(in message: JSON.Object) -> Bool {
        let message = JSON.object(message)
        return Self.ids.contains { path in
            guard let text = Self.text(message.value(at: path)) else { return false }
            return texts.contains(ExactText(text)) || emails.contains(ExactText(text.lowercased()))
        }
            || Self.addresses.contains { path in
                Self.text(message.value(at: path)).map { anyCase.contains(ExactText(Self.trimmed($0).lowercased())) }
                    ?? false
            }
    }

    /// The anonymous id that an identify of this person carries.
    package func anonymousId(tiedBy message: JSON.Object) -> String? {
        guard message["type"]?.stringValue == Event.Call.identify.rawValue, isNamed(in: message) else { return nil }
        return Self.text(message["anonymousId"])
    }

    /// As Customer.io takes an address.
    private static func trimmed(_ text: String) -> String {
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        let scalars = text.unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }

    /// Ids are the same as text and as number.
    private static func text(_ value: JSON?) -> String? {
        switch value {
        case .string(let text)? where !text.isEmpty: text
        case .number(let number)?: number.text
        default: nil
        }
    }
}
