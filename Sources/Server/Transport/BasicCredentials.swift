/// The token of a Basic `Authorization` header: base64 of a name, a colon and a password (track-api.md §2).
struct BasicCredentials: Sendable {
    let user: [UInt8]
    /// `nil` where there is no colon.
    let password: [UInt8]?

    /// Splits the decoded pair at the first colon. `nil` if the token is not base64.
    init?(token: Substring) {
        guard let bytes = decodedBase64(token.utf8) else { return nil }
        let user = bytes.prefix { $0 != UInt8(ascii: ":") }
        self.user = Array(user)
        password = user.count < bytes.count ? Array(bytes.dropFirst(user.count + 1)) : nil
    }
}

/// An `Authorization` header: a scheme and what follows it.
struct Authorization: Sendable {
    enum Scheme: Sendable { case basic, bearer }

    let scheme: Scheme
    let token: Substring

    /// `nil` for a missing header, another scheme, and a scheme without a token. Scheme names ignore case.
    init?(_ header: String?) {
        guard let header else { return nil }
        let space = UInt8(ascii: " ")
        let name = header.utf8.prefix { $0 != space }
        let token = header.utf8[name.endIndex...].drop { $0 == space }
        guard !token.isEmpty else { return nil }
        if name.isWord("basic") {
            scheme = .basic
        } else if name.isWord("bearer") {
            scheme = .bearer
        } else {
            return nil
        }
        self.token = Substring(token)
    }
}

extension Substring.UTF8View {
    /// Whether this is a word of small letters, in whatever case.
    fileprivate func isWord(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { letters in
            count == letters.count && zip(self, letters).allSatisfy { $0 | 0x20 == $1 }
        }
    }
}

/// Decodes base64 in either alphabet, with or without its padding, as clients send both. `nil` for anything else.
func decodedBase64(_ text: Substring.UTF8View) -> [UInt8]? {
    let digits = text.prefix { $0 != UInt8(ascii: "=") }
    let padding = text[digits.endIndex...]
    guard padding.count <= 2, padding.allSatisfy({ $0 == UInt8(ascii: "=") }), digits.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var count = 0
    for digit in digits {
        guard let value = base64Value(digit) else { return nil }
        bits = bits << 6 | value
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return bytes
}

private func base64Value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
}

/// Compares a secret in a time that depends on the length of what was given and on nothing else. An empty secret is
/// none: nothing is the same as it.
func isSameSecret(_ given: [UInt8], as secret: [UInt8]) -> Bool {
    guard !secret.isEmpty else { return false }
    var difference = given.count ^ secret.count
    for position in given.indices {
        difference |= Int(given[position] ^ secret[position % secret.count])
    }
    return difference == 0
}
