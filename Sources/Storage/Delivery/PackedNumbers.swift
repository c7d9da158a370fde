/// Numbers of 64 bits one behind the other, the highest byte first.
enum PackedNumbers {
    static func bytes(of numbers: [UInt64]) -> [UInt8] {
        numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) } }
    }

    static func numbers(in bytes: [UInt8]) -> [UInt64] {
        stride(from: 0, to: bytes.count & ~7, by: 8).map { start in
            bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

/// Numbers that are small for the most part, seven bits a byte.
enum VariableNumbers {
    static func bytes(of numbers: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(numbers.count)
        for var number in numbers {
            while number >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: number) | 0x80)
                number >>= 7
            }
            bytes.append(UInt8(number))
        }
        return bytes
    }

    /// `nil` when the last number has no end, or one is too large for a place in the log.
    static func numbers(in bytes: [UInt8]) -> [UInt64]? {
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift < 56 else { return nil }
            number |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            numbers.append(number)
            (number, shift) = (0, 0)
        }
        return shift == 0 ? numbers : nil
    }
}
