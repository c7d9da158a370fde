import LosslessJSON
import Storage

/// What only version 1 has, in the words that Customer.io has published for it (track-api.md §3.2).
extension ItemReader {
    /// The person whom a segment of the path names: `cio_` and a cio_id, an e-mail address, else an id (track-api.md
    /// §6.1). Where people are known by one of the two alone, it is that one.
    mutating func person(inPath text: String) -> PersonIdentifier? {
        guard !text.isBlank else {
            refuse(.invalid("", "id attribute cannot be an empty string"))
            return nil
        }
        let cioId = withoutPrefix(text)
        guard !cioId.isBlank, cioId.utf8.count <= TrackLimit.identifier else {
            refuse(.invalid("", "invalid identifier"))
            return nil
        }
        guard cioId.utf8.count == text.utf8.count else { return .cioId(cioId) }
        switch settings.identifiers {
        case .emailOrId: return text.isAddress ? .email(text) : .id(text)
        case .id: return .id(text)
        case .email:
            guard text.isAddress else {
                refuse(.invalid("", "invalid identifier"))
                return nil
            }
            return .email(text)
        }
    }

    /// An identifier among the attributes of an identify; absent, too, where it identifies nobody.
    mutating func identifierAttribute(_ name: String, mayBeEmpty: Bool) -> IdentifierChange {
        guard settings.identifies(by: name), let value = item[name] else { return .absent }
        if value.isNull { return .cleared }
        guard let text = value.stringValue ?? value.numberValue?.text else {
            refuse(.invalid("", "\(name) attribute must be a string value"))
            return .absent
        }
        guard !text.isEmpty else {
            if !mayBeEmpty { refuse(.invalid("", "\(name) attribute cannot be an empty string")) }
            return .cleared
        }
        guard !text.isBlank, text.utf8.count <= TrackLimit.identifier else {
            refuse(.invalid("", "\(name) attribute must have 1 to \(TrackLimit.identifier) bytes"))
            return .absent
        }
        return .value(text)
    }

    /// Holds a person's attributes against the limits (track-api.md §4).
    mutating func checkLimits(ofV1 attributes: JSON.Object) {
        checkCount(of: attributes, field: "")
        for attribute in attributes {
            if attribute.key.hasSameBytes(as: "_relationship") {
                refuse(.invalid("", "_relationship is a reserved attribute name"))
            }
            if attribute.key.utf8.count > TrackLimit.attributeName {
                refuse(.invalid("", "attribute name cannot be longer than \(TrackLimit.attributeName) bytes"))
            }
            if attribute.value.attributeBytes > TrackLimit.attributeValue {
                let limit = "cannot be longer than \(TrackLimit.attributeValue) bytes"
                refuse(.invalid("", "value for attribute '\(attribute.key)' \(limit)"))
            }
        }
    }

    /// Whether a form may be called so.
    mutating func checkForm(_ id: String) -> Bool {
        identifierText(.string(id), field: "form id") != nil
    }
}

extension String {
    /// Whether this looks like an e-mail address: one at sign with text before it, and a name with a dot behind it.
    var isAddress: Bool {
        let parts = utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !contains(where: \.isWhitespace) else { return false }
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count > 1 && labels.allSatisfy { !$0.isEmpty }
    }

    /// Whether this has the form of a delivery's id: base64 of about 11 to 30 bytes in the alphabet of URLs, with its
    /// padding or without (track-api.md §5). Some are longer and shorter here, since nobody knows where the bounds are.
    var isDeliveryId: Bool {
        let digits = utf8.prefix { $0 != UInt8(ascii: "=") }
        let padding = utf8[digits.endIndex...]
        return 11...86 ~= digits.count && digits.count % 4 != 1 && padding.count <= 2
            && padding.allSatisfy { $0 == UInt8(ascii: "=") } && digits.allSatisfy(\.isURLDigit)
    }
}

extension UInt8 {
    fileprivate var isURLDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension Refusal {
    /// The one mistake for which Customer.io shows another envelope than its neighbours have (track-api.md §3.2).
    package static let missingEventName = Refusal(reason: .invalid, field: "", message: "name cannot be blank")

    /// The mistake that a workspace may answer as something that is not there (track-api.md §9.14, §24).
    package static let unknownSegment = Refusal(
        reason: .invalid,
        field: "",
        message: "segment does not exist or is not a manual segment"
    )

    /// What is wrong, in one text, as version 1 says it.
    package var words: String { field.isEmpty ? message : "\(field) \(message)" }
}
