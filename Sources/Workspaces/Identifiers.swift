/// The identifiers that a workspace makes: hexadecimal text of consecutive unsigned LEB128 numbers, the first being the
/// number of the workspace (track-api.md §5).
enum MadeIdentifier {
    static func person(workspace: Int64, number: Int64) -> String {
        hexadecimal([workspace, 0, 0, number])
    }

    static func object(workspace: Int64, type: Int64, number: Int64) -> String {
        "ob" + hexadecimal([workspace, type, number])
    }

    private static func hexadecimal(_ numbers: [Int64]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for number in numbers {
            for byte in leb128(UInt64(bitPattern: number)) {
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 0x0f)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func leb128(_ number: UInt64) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        repeat {
            let low = UInt8(truncatingIfNeeded: rest & 0x7f)
            rest >>= 7
            bytes.append(rest == 0 ? low : low | 0x80)
        } while rest != 0
        return bytes
    }
}

/// 26 characters of Crockford's base 32, the first of them 0 to 7 (track-api.md §12).
enum ULID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// The text in capitals; `nil` when it is no ULID.
    static func canonical(_ text: String) -> String? {
        let capitals = text.utf8.map { 0x61...0x7a ~= $0 ? $0 - 0x20 : $0 }
        guard capitals.count == 26, capitals[0] <= UInt8(ascii: "7"), capitals.allSatisfy(alphabet.contains) else {
            return nil
        }
        return String(decoding: capitals, as: UTF8.self)
    }

    /// The ULID of a time (Unix seconds) whose other bits are a number: rising as the numbers rise.
    static func of(seconds: Int64, number: Int64) -> String {
        let milliseconds = UInt64(clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue) & (1 << 48 - 1)
        // 48 bits of time, 16 of zeros and 64 of number are 26 characters of 5 bits with two zero bits in front.
        let value = UInt128(milliseconds) << 80 | UInt128(UInt64(clamping: number))
        var text: [UInt8] = []
        for position in (0..<26).reversed() {
            text.append(alphabet[Int(truncatingIfNeeded: value >> (5 * position) & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
