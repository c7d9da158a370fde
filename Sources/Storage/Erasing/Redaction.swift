/// Replaces texts that stand for a person by `[erased]`, wherever they stand by themselves and however JSON spells them.
///
/// `user-7f3a` stands by itself in `user-7f3a is unknown` and in `{"by":"user-7f3a"}`, and does not in `user-7f3a1` or
/// `user-7f3a@example.com`: that is somebody else. A short id, `9` or `u1`, may mean anything in what others have sent; there it is
/// replaced where a member says that it is a person's. Names of members stay, unless they are e-mail addresses.
package struct Redaction: Sendable {
    /// What kind of text is looked through.
    package enum Kind: Sendable {
        /// Words about what happened, in which an id stands for whom it was about.
        case words
        /// What somebody has sent.
        case json
        /// What a person is called, as JSON.
        case identifiers
        /// What something is called: an event, an object, a device.
        case name
    }

    private struct Needle {
        let scalars: [Unicode.Scalar]
        let isEmail: Bool
        /// Whether it can hardly mean anything else.
        let isUnmistakable: Bool
        /// Whether JSON writes it without quotes too.
        let isNumber: Bool

        init(_ text: String, isEmail: Bool) {
            scalars = Array(text.unicodeScalars)
            self.isEmail = isEmail
            isNumber = Double(text) != nil
            // A short one, or a word such as `premium`, may mean anything.
            let isTelling =
                isNumber
                ? scalars.count >= 9
                : scalars.count >= 16 || scalars.count >= 6 && text.utf8.contains { 0x30...0x39 ~= $0 }
            isUnmistakable = isEmail || isTelling && Needle.hasWord(text)
        }

        static func hasWord(_ text: String) -> Bool {
            text.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        }
    }

    /// Members whose value is a person's id end so, in lower case and without what joins words. It stays whole, whatever is a
    /// part of it: else somebody else would become a third one.
    private static let people = ["userid", "customerid", "personid", "profileid", "anonymousid", "previousid"]

    package static let replacement = "[erased]"

    private let needles: [Needle]
    /// Bytes with which one of them may begin.
    private let beginnings: [Bool]

    /// - Parameters:
    ///   - texts: are looked for as they are.
    ///   - emails: whatever their case.
    package init(texts: [String], emails: [String]) {
        let exact = texts.map { Needle($0, isEmail: false) }
        // As they stand in addresses of pages, too.
        let spelled = emails.map { $0.lowercased() }.flatMap { email in
            let encoded = email.replacing("@", with: "%40")
            return [email, encoded, encoded.replacing("+", with: "%2b")]
        }
        let addresses = Set(spelled).map { Needle($0, isEmail: true) }
        // The longest first, so that none is found within another.
        needles = (exact + addresses).filter { !$0.scalars.isEmpty }.sorted { $0.scalars.count > $1.scalars.count }
        var beginnings = [Bool](repeating: false, count: 256)
        for needle in needles {
            guard let first = needle.scalars.first.flatMap({ String($0).utf8.first }) else { continue }
            beginnings[Int(first)] = true
            beginnings[Int(UInt8(ascii: "\\"))] = true
            guard needle.isEmail else { continue }
            for byte in String(needle.scalars[0]).uppercased().utf8.prefix(1) { beginnings[Int(byte)] = true }
            // Letters beyond ASCII have more spellings than one.
            for byte in 0xC0...0xFF { beginnings[byte] = true }
        }
        self.beginnings = beginnings
    }

    /// Whether any of them is there at all, be it as a part of something longer.
    package func concerns(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            let text = SpelledText(bytes: buffer)
            var position = 0
            while position < buffer.count {
                if beginnings[Int(buffer[position])],
                    needles.contains(where: { text.end(of: $0.scalars, from: position, anyCase: $0.isEmail) != nil })
                {
                    return true
                }
                position += 1
            }
            return false
        }
    }

    /// The text without them, and how many there were; `nil` when there were none.
    package func redacted(_ bytes: [UInt8], _ kind: Kind) -> (bytes: [UInt8], count: Int)? {
        bytes.withUnsafeBufferPointer { buffer in
            let text = SpelledText(bytes: buffer)
            var result: [UInt8] = []
            var count = 0
            var copied = 0
            var position = 0
            while position < buffer.count {
                guard beginnings[Int(buffer[position])], let found = find(at: position, in: text, kind) else {
                    position += 1
                    continue
                }
                result += buffer[copied..<position]
                result += found.replacement.utf8
                count += 1
                position = found.end
                copied = position
            }
            guard count > 0 else { return nil }
            return (result + buffer[copied...], count)
        }
    }

    /// The text without them, and how many there were; `nil` when there were none.
    package func redacted(_ text: String, _ kind: Kind = .words) -> (text: String, count: Int)? {
        guard let (bytes, count) = redacted(Array(text.utf8), kind) else { return nil }
        guard kind == .words, text.utf8.contains(UInt8(ascii: "{")) else {
            return (String(decoding: bytes, as: UTF8.self), count)
        }
        // What echoes the person's data is not kept but for its beginning, the status.
        let status = bytes.prefix(5).prefix { $0 != UInt8(ascii: ":") }
        let beginning = status.count < 5 ? String(decoding: status, as: UTF8.self) + ": " : ""
        return (beginning + Self.replacement, count)
    }

    /// The text without them.
    package func clean(_ text: String) -> String { clean(text, .words) }
    func clean(_ text: String, _ kind: Kind) -> String { redacted(text, kind)?.text ?? text }

    private func find(at position: Int, in text: SpelledText, _ kind: Kind) -> (end: Int, replacement: String)? {
        for needle in needles {
            guard let end = text.end(of: needle.scalars, from: position, anyCase: needle.isEmail),
                text.isBoundary(before: position, joiners: needle.isEmail ? ".+-" : "-@.+"),
                text.isBoundary(after: end, joiners: needle.isEmail ? "." : "-@.")
            else { continue }
            // Another number.
            if needle.isNumber, position > 0, text.bytes[position - 1] == UInt8(ascii: "-") { continue }
            let isFound =
                switch kind {
                case .words: true
                case .name: needle.isUnmistakable
                case .json, .identifiers: isMeant(needle, position, end, text, kind)
                }
            guard isFound else { continue }
            let isBare = needle.isNumber && kind != .words && kind != .name && text.isLiteral(position, end)
            return (end, isBare ? "\"\(Self.replacement)\"" : Self.replacement)
        }
        return nil
    }

    private func isMeant(_ needle: Needle, _ position: Int, _ end: Int, _ text: SpelledText, _ kind: Kind) -> Bool {
        let isQuoted = text.isQuoted(position, end)
        if isQuoted {
            if text.isName(behind: end) { return needle.isEmail }
            if text.name(ofValueAt: position - 1) == "type" { return false }
        }
        if needle.isUnmistakable, !isQuoted, let member = text.member(around: position), Self.isIdentity(member) {
            return false
        }
        if needle.isUnmistakable { return true }
        guard isQuoted || needle.isNumber && text.isLiteral(position, end) else { return false }
        guard kind == .json else { return true }
        return text.name(ofValueAt: isQuoted ? position - 1 : position).map(Self.isPersons) ?? false
    }

    private static func isPersons(_ name: String) -> Bool {
        let plain = name.lowercased().filter(\.isLetter)
        return people.contains(where: plain.hasSuffix)
    }

    private static func isIdentity(_ name: String) -> Bool {
        isPersons(name) || ["groupid", "objectid"].contains(name.lowercased().filter(\.isLetter))
    }
}
