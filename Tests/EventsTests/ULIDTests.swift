import Events
import LosslessJSON
import Seeding
import Testing

/// The event id of actions.md §5 in the form of track-api.md §12.
@Suite struct `Event ids` {
    static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    /// Computed elsewhere, by Python's `hashlib` and its integers of any length.
    @Test func `the vectors come out`() throws {
        let vectors = try vectors("ulids")
        #expect(vectors.count == 40)
        for vector in vectors {
            let milliseconds = try #require(vector["milliseconds"]?.numberValue?.int64)
            let names = try #require(vector["names"]?.arrayValue).compactMap(\.stringValue)
            #expect(ULID.text(milliseconds: milliseconds, names: names) == vector["ulid"]?.stringValue)
        }
    }

    @Test func `an id has 26 characters of Crockford's base 32, the first at most 7`() throws {
        var generator = SeededGenerator(for: "an id has 26 characters")
        for _ in 0..<500 {
            let time = Int64.random(in: .min ... .max, using: &generator)
            let name = String(UInt64.random(in: 0 ... .max, using: &generator))
            let id = Array(ULID.text(milliseconds: time, names: [name]))
            #expect(id.count == 26)
            #expect(id.allSatisfy(Self.alphabet.contains))
            #expect(id[0] <= "7")
        }
    }

    @Test(
        arguments: [
            (0, 0), (1, 1), (1_717_243_200_123, 1_717_243_200_123), (0xFFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF),
            (-1, 0), (Int64.min, 0), (0x1_0000_0000_0000, 0xFFFF_FFFF_FFFF), (Int64.max, 0xFFFF_FFFF_FFFF),
        ] as [(Int64, Int)]
    )
    func `the first ten characters are the milliseconds, clamped to 48 bits`(time: Int64, inId: Int) throws {
        let id = ULID.text(milliseconds: time, names: ["web", "m1", "track", "E", "track-event"])
        #expect(try value(of: id.prefix(10)) == inId)
    }

    @Test func `the other sixteen do not depend on the time`() {
        let names = ["web", "m1", "track", "E", "track-event"]
        let now = ULID.text(milliseconds: 1_717_243_200_123, names: names)
        #expect(now.dropFirst(10) == ULID.text(milliseconds: 0, names: names).dropFirst(10))
        #expect(now == ULID.text(milliseconds: 1_717_243_200_123, names: names))
    }

    @Test func `every name makes another id, and so does the place where one ends`() {
        let variants = [
            ["web", "m1", "track", "E", "track-event"], ["app", "m1", "track", "E", "track-event"],
            ["web", "m2", "track", "E", "track-event"], ["web", "m1", "page", "E", "track-event"],
            ["web", "m1", "track", "F", "track-event"], ["web", "m1", "track", "E", "signups"],
            ["web", "m1", "track", "", "track-event"], ["web", "m1", "track", "track-event"],
            ["webm", "1", "track", "E", "track-event"], ["web", "m1t", "rack", "E", "track-event"],
            ["web", "m1", "track", "E", "track-event", "1"], ["web", "m1", "track", "E", "track-event", ""],
            ["web", "m1", "track", "e\u{301}", "track-event"], ["web", "m1", "track", "\u{E9}", "track-event"],
        ]
        let ids = Set(variants.map { ULID.text(milliseconds: 1_717_243_200_123, names: $0) })
        #expect(ids.count == variants.count)
    }

    @Test func `ids sort by time`() {
        let times: [Int64] = [0, 1, 31, 32, 1_582_938_123_456, 1_717_243_200_123, 0xFFFF_FFFF_FFFF]
        let ids = times.map { ULID.text(milliseconds: $0, names: ["web", "m\($0)"]) }
        #expect(ids == ids.sorted())
    }

    private func value(of digits: Substring) throws -> Int {
        try digits.reduce(0) { $0 * 32 + (try #require(Self.alphabet.firstIndex(of: $1))) }
    }
}
