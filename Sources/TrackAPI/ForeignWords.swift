import LosslessJSON

/// What the other side says about an error, made fit to be stored and shown: no secrets that it echoes, no control
/// characters, a bounded length.
enum ForeignWords {
    /// The words of a body that speaks of the whole request: the v2 `errors`, the v1 `meta.error` or `meta.errors`
    /// (track-api.md §3), or a plain text; `nil` when it says nothing.
    static func explanation(in body: [UInt8], json: JSON.Object?, credentials: Credentials) -> String? {
        if let json {
            let found = errors(in: json).map(words(of:)) + metaErrors(in: json)
            return joined(found, credentials: credentials)
        }
        // A page is markup, and a proxy's.
        guard let text = String(validating: body, as: UTF8.self), !text.contains("<") else { return nil }
        return joined([text], credentials: credentials)
    }

    /// The entries of the v2 `errors`; an entry of another type than an object is an empty one.
    static func errors(in json: JSON.Object) -> [JSON.Object] {
        (json["errors"]?.arrayValue ?? []).map { $0.objectValue ?? [:] }
    }

    /// The words of several entries in one text; `nil` when none says anything.
    static func joined(_ words: [String], credentials: Credentials) -> String? {
        let text = words.filter { !$0.isEmpty }.joined(separator: "; ")
        let result = clean(credentials.redacting(text))
        return result.isEmpty ? nil : result
    }

    /// One v2 entry: `attributes.plan: property value cannot be longer than 1000 bytes (invalid)`. Every part may miss.
    static func words(of error: JSON.Object) -> String {
        let field = text(error["field"])
        let message = text(error["message"])
        let reason = text(error["reason"])
        let sentence = [field, message].filter { !$0.isEmpty }.joined(separator: ": ")
        guard !reason.isEmpty else { return sentence }
        return sentence.isEmpty ? reason : "\(sentence) (\(reason))"
    }

    /// A text from outside in one line of at most `TrackLimits.wordsBytes`, without control and direction characters.
    static func clean(_ text: String) -> String {
        let ellipsis = "…"
        var result = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            let scalar = isUnfit(scalar) ? " " : scalar
            if scalar == " ", result.isEmpty || result.unicodeScalars.last == " " { continue }
            bytes += UTF8.width(scalar)
            guard bytes <= TrackLimits.wordsBytes - ellipsis.utf8.count else { return result + ellipsis }
            result.unicodeScalars.append(scalar)
        }
        if result.unicodeScalars.last == " " { result.unicodeScalars.removeLast() }
        return result
    }

    private static func metaErrors(in json: JSON.Object) -> [String] {
        let meta = json["meta"]
        return [text(meta?["error"])] + (meta?["errors"]?.arrayValue ?? []).map { text($0) }
    }

    private static func text(_ value: JSON?) -> String {
        switch value {
        case .string(let text): text
        case .number(let number): number.text
        default: ""
        }
    }

    /// Control characters, line and paragraph separators, and the marks that reorder the text around them.
    private static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069, 0x200E...0x200F: true
        default: false
        }
    }
}
