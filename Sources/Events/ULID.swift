import Crypto

/// The event id that Customer.io deduplicates by: the same on every retry and after every crash, different between
/// actions and sources (actions.md §5).
package enum ULID {
    /// The id of one action's operation for one event: 48 bits of time (clamped to 0…2⁴⁸−1) and 80 bits of a hash over
    /// the names (source, messageId, type, event, action), each followed by a zero byte. 26 characters, upper case.
    package static func text(milliseconds: Int64, names: [String]) -> String {
        var hash = SHA256()
        // On the stack: an array that grows with the names took a third of the time.
        let length = names.reduce(names.count) { $0 + $1.utf8.count }
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 1) { input in
            var end = 0
            for name in names {
                let count = name.utf8.count
                UnsafeMutableRawBufferPointer(rebasing: input[end..<end + count]).copyBytes(from: name.utf8)
                input[end + count] = 0
                end += count + 1
            }
            hash.update(bufferPointer: UnsafeRawBufferPointer(input))
        }
        let time = UInt64(min(max(milliseconds, 0), 0xFFFF_FFFF_FFFF))
        return hash.finalize().withUnsafeBytes { digest in
            let upper = time << 16 | UInt64(digest[0]) << 8 | UInt64(digest[1])
            let lower = UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            return text(upper: upper, lower: lower)
        }
    }

    /// Crockford's base 32: 128 bits as 26 characters of 5 bits, the first of which holds 3.
    private static func text(upper: UInt64, lower: UInt64) -> String {
        String(unsafeUninitializedCapacity: 26) { buffer in
            var upper = upper
            var lower = lower
            for position in stride(from: 25, through: 0, by: -1) {
                buffer.initializeElement(at: position, to: digit(Int(lower & 31)))
                lower = lower >> 5 | upper << 59
                upper >>= 5
            }
            return 26
        }
    }

    /// `0123456789ABCDEFGHJKMNPQRSTVWXYZ`: no I, L, O, U.
    private static func digit(_ value: Int) -> UInt8 {
        let letters: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return letters.utf8Start[value]
    }
}
