import Foundation
import LosslessJSON
import Seeding
import Testing

/// Random documents, and random damage to documents. The seed is printed; `FERRY_SEED` repeats a run.
@Suite(.timeLimit(.minutes(10))) struct `Random documents` {
    @Test func `a value that is written and read is the same value and the same bytes`() throws {
        var generator = SeededGenerator(for: "Round trip")
        for _ in 0..<2000 {
            let value = RandomJSON.value(depth: 5, using: &generator)
            let bytes = value.encoded()
            let read = try JSON(parsing: bytes)
            #expect(read == value)
            #expect(read.encoded() == bytes)
            var appended = Array("x".utf8)
            value.write(to: &appended)
            #expect(appended == Array("x".utf8) + bytes)
        }
    }

    @Test func `a value is measured as it is written`() {
        var generator = SeededGenerator(for: "Measure")
        let escapes = JSON.string(String(repeating: "\u{1F}", count: 100))
        for value in [escapes] + (0..<2000).map({ _ in RandomJSON.value(depth: 5, using: &generator) }) {
            let count = value.encoded().count
            #expect(value.encodedCount == count)
            #expect(value.objectValue.map { $0.encodedCount == count } ?? true)
            #expect(value.isEncoded(within: count) && value.isEncoded(within: 10 * count + 10))
            #expect(!value.isEncoded(within: count - 1))
        }
    }

    @Test func `white space between tokens changes nothing`() throws {
        var generator = SeededGenerator(for: "White space")
        for _ in 0..<500 {
            let value = RandomJSON.value(depth: 4, using: &generator)
            let spread = RandomJSON.spread(value, using: &generator)
            #expect(try JSON(parsing: spread).encoded() == value.encoded())
        }
    }

    @Test func `every beginning of a document is refused and crashes nothing`() throws {
        var generator = SeededGenerator(for: "Beginnings")
        for _ in 0..<25 {
            let bytes = JSON.array([RandomJSON.value(depth: 3, using: &generator)]).encoded()
            for end in 0..<bytes.count {
                let error = try #require(refusal(of: Array(bytes[..<end])))
                #expect(error.code == (end == 0 ? .empty : .unexpectedEnd))
                #expect(error.offset == end)
            }
        }
    }

    @Test func `damaged documents are refused with a place or read as what they say`() throws {
        var generator = SeededGenerator(for: "Damage")
        let lines = try Vectors.events()
        for round in 0..<6000 {
            let bytes = RandomJSON.damaged(lines[round % lines.count], using: &generator)
            do throws(JSONError) {
                let value = try JSON(parsing: bytes)
                #expect(try JSON(parsing: value.encoded()) == value)
            } catch {
                #expect((0...bytes.count).contains(error.offset))
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
    }

    @Test func `damaged documents are JSON to us when they are to Foundation`() throws {
        var generator = SeededGenerator(for: "Foundation")
        let lines = try Vectors.events()
        var agreed = 0
        for round in 0..<6000 {
            let bytes = RandomJSON.damaged(lines[round % lines.count], using: &generator)
            let ours = refusal(of: bytes, limits: JSON.Limits(depth: 512))
            let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
            if (ours == nil) == theirs {
                agreed += 1
            } else {
                #expect(Self.isKnownDifference(ours, in: bytes), "\(bytes)")
            }
        }
        #expect(agreed > 5000)
    }

    /// Where Foundation and we differ on purpose.
    private static func isKnownDifference(_ ours: JSONError?, in bytes: [UInt8]) -> Bool {
        guard let ours else {
            // It refuses half a surrogate pair, which we replace, and numbers that no double holds.
            let text = String(decoding: bytes, as: UTF8.self).lowercased()
            return text.contains("\\ud") || text.contains(/[0-9]e[+-]?[0-9]{3}/) || text.contains(/[0-9]{300}/)
        }
        // It takes UTF-16 and UTF-32, for which zero bytes are a sign, and a comma behind the last member or item.
        if bytes.contains(0) || bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return true }
        guard ours.code == .unexpectedCharacter, ours.offset < bytes.count else { return false }
        let before = bytes[..<ours.offset].last { !" \t\r\n".utf8.contains($0) }
        return "]}".utf8.contains(bytes[ours.offset]) && before == UInt8(ascii: ",")
    }
}

@Suite struct `Events as they are sent` {
    @Test func `are written as they were read, byte for byte`() throws {
        let lines = try Vectors.events()
        #expect(lines.count > 50)
        for line in lines {
            #expect(try JSON(parsing: line).encoded() == line)
            #expect(try #require(JSON(parsing: line).objectValue).encoded() == line)
        }
    }
}

enum Vectors {
    /// One document a line; lines end in LF only.
    static func events() throws -> [[UInt8]] {
        let file = try #require(
            Bundle.module.url(forResource: "events", withExtension: "ndjson", subdirectory: "Vectors")
        )
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
}
