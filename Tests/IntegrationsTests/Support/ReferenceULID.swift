/// The event id of actions.md §5, computed from the text of that section alone: it shares no code with the product, not
/// even the hash.
enum ReferenceULID {
    static func text(milliseconds: Int64, _ names: String...) -> String {
        let time = UInt64(min(max(milliseconds, 0), (1 << 48) - 1))
        var bits: [Bool] = (0..<48).map { time >> (47 - $0) & 1 == 1 }
        let input: [UInt8] = names.flatMap { (name: String) -> [UInt8] in Array(name.utf8) + [0] }
        for byte in SHA256.hash(input).prefix(10) {
            bits += (0..<8).map { byte >> (7 - $0) & 1 == 1 }
        }
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        let padded = [false, false] + bits
        return String(
            stride(from: 0, to: 130, by: 5).map { start in
                alphabet[padded[start..<start + 5].reduce(0) { $0 * 2 + ($1 ? 1 : 0) }]
            }
        )
    }
}

/// FIPS 180-4, as the standard writes it.
enum SHA256 {
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = firstPrimes(8).map { fraction(of: Double($0).squareRoot()) }
        let constants: [UInt32] = firstPrimes(64).map { fractionOfCubeRoot(of: UInt64($0)) }
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let length = UInt64(message.count) * 8
        padded += (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * UInt64($0))) }
        for start in stride(from: 0, to: padded.count, by: 64) {
            compress(Array(padded[start..<start + 64]), into: &state, constants)
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
    }

    private static func compress(_ block: [UInt8], into state: inout [UInt32], _ constants: [UInt32]) {
        var words: [UInt32] = (0..<16).map { word in
            (0..<4).reduce(0) { $0 << 8 | UInt32(block[word * 4 + $1]) }
        }
        for t in 16..<64 {
            let small0 = rotate(words[t - 15], 7) ^ rotate(words[t - 15], 18) ^ words[t - 15] >> 3
            let small1 = rotate(words[t - 2], 17) ^ rotate(words[t - 2], 19) ^ words[t - 2] >> 10
            words.append(words[t - 16] &+ small0 &+ words[t - 7] &+ small1)
        }
        var v = state
        for t in 0..<64 {
            let big1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let choice = v[4] & v[5] ^ ~v[4] & v[6]
            let first = v[7] &+ big1 &+ choice &+ constants[t] &+ words[t]
            let big0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
            v = [first &+ big0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
        }
        for position in 0..<8 { state[position] &+= v[position] }
    }

    private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word >> count | word << (32 - count)
    }

    private static func firstPrimes(_ count: Int) -> [Int] {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < count {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes
    }

    /// The first 32 bits of the fractional part; a double holds them for the small roots that are asked for.
    private static func fraction(of root: Double) -> UInt32 {
        UInt32((root - root.rounded(.down)) * 4_294_967_296)
    }

    /// The same for the cube root, in whole numbers: the largest x with x³ ≤ n · 2⁹⁶.
    private static func fractionOfCubeRoot(of number: UInt64) -> UInt32 {
        let target = UInt128(number) << 96
        var root: UInt128 = 0
        for bit in (0..<36).reversed() {
            let candidate = root | 1 << UInt128(bit)
            if candidate * candidate * candidate <= target { root = candidate }
        }
        return UInt32(truncatingIfNeeded: root)
    }
}
