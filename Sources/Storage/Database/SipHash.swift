extension [UInt8] {
    /// A text behind its length, so that no two lists of fields are the same bytes.
    mutating func append(field: String) {
        let bytes = field.utf8
        var length = UInt64(bytes.count)
        for _ in 0..<8 {
            append(UInt8(truncatingIfNeeded: length))
            length >>= 8
        }
        append(contentsOf: bytes)
    }
}

/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein).
enum SipHash128 {
    /// The hash. A secret shorter than 16 bytes counts as followed by zeros.
    static func hash(_ input: [UInt8], secret: [UInt8]) -> MessageKey {
        let k0 = word(secret, at: 0)
        let k1 = word(secret, at: 8)
        var state = State(
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573
        )
        let tail = input.count & ~7
        var offset = 0
        while offset < tail {
            state.absorb(word(input, at: offset))
            offset += 8
        }
        state.absorb(word(input, at: tail) | UInt64(truncatingIfNeeded: input.count) << 56)
        state.v2 ^= 0xee
        for _ in 0..<4 { state.round() }
        let first = state.v0 ^ state.v1 ^ state.v2 ^ state.v3
        state.v1 ^= 0xdd
        for _ in 0..<4 { state.round() }
        let second = state.v0 ^ state.v1 ^ state.v2 ^ state.v3
        // The hash is these two words with the lowest byte first.
        return MessageKey(head: first.byteSwapped, tail: second.byteSwapped)
    }

    /// Up to eight bytes as a little-endian number.
    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        var position = min(offset + 8, bytes.count)
        while position > offset {
            position -= 1
            value = value << 8 | UInt64(bytes[position])
        }
        return value
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func round() {
            v0 &+= v1
            v1 = v1.rotated(13) ^ v0
            v0 = v0.rotated(32)
            v2 &+= v3
            v3 = v3.rotated(16) ^ v2
            v0 &+= v3
            v3 = v3.rotated(21) ^ v0
            v2 &+= v1
            v1 = v1.rotated(17) ^ v2
            v2 = v2.rotated(32)
        }
    }
}

extension UInt64 {
    fileprivate func rotated(_ bits: UInt64) -> UInt64 {
        self << bits | self >> (64 - bits)
    }
}
