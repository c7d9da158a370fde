/// Replaces texts that stand for a person by `[erased]`, wherever they stand by themselves and however JSON spells them.
///
/// `u1` stands by itself in `user u1 is unknown` and in `{"by":"u1"}`, and does not in `u12`, `u1-b` or `u1@example.com`:
/// that is somebody else. In JSON, names of members stay, unless they are e-mail addresses, and what JSON also writes
/// without quotes, `42` or `true`, is replaced where it is a whole text or an id, for else it may mean anything.
package struct Redaction: Sendable {
    /// What kind of text is looked through.
    package enum Kind: Sendable {
        case plain, json
    }

    private struct Needle {
        let scalars: [Unicode.Scalar]
        let isEmail: Bool
        /// Whether it is replaced only where it is a whole JSON text.
        let isWhole: Bool

        init(_ text: String, isEmail: Bool) {
            scalars = Array(text.unicodeScalars)
            self.isEmail = isEmail
            let isLiteral = ["true", "false", "null"].contains(text) || Double(text) != nil
            isWhole = isLiteral || !Needle.hasWord(text)
        }

        static func hasWord(_ text: String) -> Bool {
            text.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        }
    }

    package static let replacement = "[erased]"

    private let needles: [Needle]
    /// Bytes with which one of them may begin.
    private let beginnings: [Bool]

    /// - Parameters:
    ///   - texts: are looked for as they are.
    ///   - emails: whatever their case.
    package init(texts: [String], emails: [String]) {
        let exact = texts.map { Needle($0, isEmail: false) }
        let addresses = emails.map { Needle($0.lowercased(), isEmail: true) }
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
    package func redacted(_ text: String, _ kind: Kind = .plain) -> (text: String, count: Int)? {
        redacted(Array(text.utf8), kind).map { (String(decoding: $0.bytes, as: UTF8.self), $0.count) }
    }

    /// The text without them.
    package func clean(_ text: String) -> String { redacted(text)?.text ?? text }

    private func find(at position: Int, in text: SpelledText, _ kind: Kind) -> (end: Int, replacement: String)? {
        for needle in needles {
            guard let end = text.end(of: needle.scalars, from: position, anyCase: needle.isEmail),
                text.isBoundary(before: position, joiners: needle.isEmail ? ".+-" : "-@.+"),
                text.isBoundary(after: end, joiners: needle.isEmail ? "." : "-@.")
            else { continue }
            if kind == .plain { return (end, Self.replacement) }
            if text.isQuoted(position, end) {
                if text.isName(behind: end), !needle.isEmail { continue }
                if text.isValue(of: "type", at: position - 1) { continue }
                return (end, Self.replacement)
            }
            guard needle.isWhole else { return (end, Self.replacement) }
            if text.isValue(of: "id", at: position) { return (end, "\"\(Self.replacement)\"") }
        }
        return nil
    }
}
