import Postgres

/// PostgreSQL's texts hold no NUL, and those of senders may. So a NUL is written as U+10FFFF, which nobody uses, with a `0`
/// behind it, and U+10FFFF itself with a `1`: two texts stay the same exactly if they were.
extension String {
    private static let mark: [UInt8] = [0xF4, 0x8F, 0xBF, 0xBF]

    /// As PostgreSQL keeps it.
    var postgresBytes: [UInt8] {
        var text = self
        return text.withUTF8 { bytes in
            // No other scalar has this byte and then a byte of 0x8F or more.
            guard bytes.contains(where: { $0 == 0 || $0 == 0xF4 }) else { return Array(bytes) }
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count + 16)
            for (index, byte) in bytes.enumerated() {
                if byte == 0 {
                    result += Self.mark + [UInt8(ascii: "0")]
                } else {
                    result.append(byte)
                    let isMark = index >= 3 && bytes[(index - 3)...index].elementsEqual(Self.mark)
                    if isMark { result.append(UInt8(ascii: "1")) }
                }
            }
            return result
        }
    }

    /// What PostgreSQL kept as these bytes.
    init(postgresBytes bytes: [UInt8]) {
        guard bytes.contains(0xF4) else {
            self.init(decoding: bytes, as: UTF8.self)
            return
        }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: Self.mark), index + 4 < bytes.count {
                result += bytes[index + 4] == UInt8(ascii: "0") ? [0] : Self.mark
                index += 5
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        self.init(decoding: result, as: UTF8.self)
    }
}

/// `$1` for `?1`, and `$1`, `$2` … for one `?` after the other. What stands in quotes stays.
func postgresStatement(_ sql: String) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(sql.utf8.count + 16)
    var (number, isQuoted) = (0, false)
    var bytes = sql.utf8.makeIterator()
    var next = bytes.next()
    while let byte = next {
        next = bytes.next()
        if byte == UInt8(ascii: "'") { isQuoted.toggle() }
        guard byte == UInt8(ascii: "?"), !isQuoted else {
            result.append(byte)
            continue
        }
        result.append(UInt8(ascii: "$"))
        if let digit = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit { continue }
        number += 1
        result += Array(String(number).utf8)
    }
    return String(decoding: result, as: UTF8.self)
}
