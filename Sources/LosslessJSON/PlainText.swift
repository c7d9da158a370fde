/// Eight bytes of text that are looked at as one number.
///
/// Taking `0x20` from each of eight ASCII bytes sets the highest bit of the lowest byte that is less, and of none below
/// it; the bits above may be wrong, because a borrow runs upwards. Taking `0x01` finds zero bytes in the same way.
extension UInt64 {
    private static var ones: UInt64 { 0x0101_0101_0101_0101 }
    private static var highs: UInt64 { 0x8080_8080_8080_8080 }

    /// Marks quotes, backslashes and control characters among ASCII bytes; other bytes may or may not be marked. Only
    /// the lowest mark is right.
    @inline(__always)
    private var marksOfEscaped: UInt64 {
        let quote = self ^ (Self.ones &* 0x22)
        let backslash = self ^ (Self.ones &* 0x5C)
        return (quote &- Self.ones) | (backslash &- Self.ones) | (self &- (Self.ones &* 0x20))
    }

    /// Whether one of the bytes must be escaped in a JSON string.
    @inline(__always)
    var hasByteToEscape: Bool { marksOfEscaped & ~self & Self.highs != 0 }

    /// The number of bytes in front of the first that must be escaped; 8 if there is none.
    @inline(__always)
    var unescapedPrefix: Int { (marksOfEscaped & ~self & Self.highs).trailingZeroBitCount &>> 3 }

    /// Spaces in all bytes but the first ones, of which there are less than eight.
    @inline(__always)
    static func blank(after bytes: Int) -> UInt64 { (ones &* 0x20) &<< UInt64(truncatingIfNeeded: 8 &* bytes) }

    /// The number of bytes in front of the first that must be escaped or is not ASCII; 8 if there is none.
    @inline(__always)
    var plainPrefix: Int { ((marksOfEscaped | self) & Self.highs).trailingZeroBitCount &>> 3 }
}

extension UInt64 {
    /// This word with all but its first bytes zero; the number may be below 0 and above 8.
    @inline(__always)
    func keeping(bytes: Int) -> UInt64 { self & ~(~0 << UInt64(truncatingIfNeeded: 8 &* Swift.max(bytes, 0))) }
}

extension UInt8 {
    /// Whether the byte stands for itself in a JSON string: no quote, no backslash, no control character.
    @inline(__always)
    var isUnescaped: Bool { self >= 0x20 && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\") }

    /// Whether the byte is moreover ASCII.
    @inline(__always)
    var isPlain: Bool { self < 0x80 && isUnescaped }
}

extension UnsafeRawBufferPointer {
    /// The first place from here on that has a quote, a backslash, a control character or a byte that is not ASCII.
    @inline(__always)
    func plainEnd(from start: Int) -> Int {
        var place = start
        while place &+ 8 <= count {
            let plain = word(at: place).plainPrefix
            place &+= plain
            if plain < 8 { return place }
        }
        while place < count, self[place].isPlain { place &+= 1 }
        return place
    }

    /// Text that is known to be ASCII.
    ///
    /// It belongs to the bytes and not to the parser, because calling what only reads a parser copies all of it.
    /// Up to 15 bytes are a string without an allocation. They are put into it as two overlapping words, which takes
    /// half as long as the decoding initializer's loops.
    func asciiText(from start: Int, to stop: Int) -> String {
        let length = stop &- start
        guard length <= 15, start &+ 15 <= count else {
            return String(decoding: UnsafeRawBufferPointer(rebasing: self[start..<stop]), as: UTF8.self)
        }
        let low = word(at: start).keeping(bytes: length)
        let high = word(at: start &+ 7).keeping(bytes: length &- 7)
        return String(unsafeUninitializedCapacity: 15) { buffer in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            memory.storeBytes(of: low.littleEndian, toByteOffset: 0, as: UInt64.self)
            memory.storeBytes(of: high.littleEndian, toByteOffset: 7, as: UInt64.self)
            return length
        }
    }
}
