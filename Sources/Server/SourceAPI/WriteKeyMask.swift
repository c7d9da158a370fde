/// A refused message is kept as it came, for people to read; the key that let it in, or may yet, is not theirs to read.
enum WriteKeyMask {
    private static let name = Array(#""writeKey""#.utf8)
    private static let mask = Array("••••".utf8)
    private static let quote = UInt8(ascii: "\"")

    /// The bytes of a body, which may be cut or no JSON at all, with `••••` for what stands as `writeKey` in it.
    static func masked(_ body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var (position, copied) = (0, 0)
        while position < body.count {
            guard body[position] == quote, body[position...].starts(with: name) else {
                position += 1
                continue
            }
            position += name.count
            guard let start = textBegins(behind: position, in: body) else { continue }
            position = textEnds(behind: start, in: body)
            result += body[copied..<start]
            result += mask
            copied = position
        }
        return copied == 0 ? body : result + body[copied...]
    }

    /// Behind the quote of a member's value that is a text.
    private static func textBegins(behind name: Int, in body: [UInt8]) -> Int? {
        let isSpace = { (byte: UInt8) in byte == 0x20 || 0x09...0x0D ~= byte }
        guard let colon = body[name...].firstIndex(where: { !isSpace($0) }), body[colon] == UInt8(ascii: ":"),
            let value = body[(colon + 1)...].firstIndex(where: { !isSpace($0) }), body[value] == quote
        else { return nil }
        return value + 1
    }

    private static func textEnds(behind start: Int, in body: [UInt8]) -> Int {
        var position = start
        while position < body.count, body[position] != quote {
            position += body[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position, body.count)
    }
}
