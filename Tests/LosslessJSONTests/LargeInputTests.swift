import Foundation
import LosslessJSON
import Testing

/// What a sender can do at worst. Whatever were quadratic in the size of these would take hours.
@Suite(.timeLimit(.minutes(10))) struct `Large and hostile input` {
    static let size = 200_000

    @Test(arguments: ["[", "{\"a\":", "[{\"a\":", " [ "])
    func `a megabyte of nesting is refused`(open: String) {
        let text = open.times(1_000_000 / open.utf8.count)
        #expect(refusal(of: text)?.code == .tooDeep)
        #expect(refusal(of: text, limits: JSON.Limits(depth: .max))?.code == .tooDeep)
    }

    /// Reading, comparing, writing and letting go all recurse.
    @Test func `the deepest nesting fits into a small stack`() throws {
        let deepest = JSON.Limits.deepest
        let texts = ["[".times(deepest) + "]".times(deepest), "{\"a\":".times(deepest) + "1" + "}".times(deepest)]
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            for text in texts {
                let limits = JSON.Limits(depth: .max)
                let value = try? JSON(parsing: text, limits: limits)
                let again = try? JSON(parsing: text, limits: limits)
                #expect(value != nil && value == again)
                #expect(value?.description == text)
            }
            ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
        ended.wait()
    }

    @Test(arguments: ["", "-", "0.", "1e", "1e-", "1."])
    func `any number of digits makes a number`(start: String) throws {
        let text = start + "7".times(Self.size)
        let number = try #require(JSON(parsing: text).numberValue)
        let shorter = JSON.Number(validText: String(text.dropLast()))
        let facts = (
            isKept: number.text.hasSameBytes(as: text), isItself: number == JSON.Number(validText: text),
            isGreater: shorter < number, isSmaller: number < shorter
        )
        #expect(facts.isKept && facts.isItself)
        // Beyond an exponent of 10^17, numbers may compare as equal.
        #expect(facts.isGreater == ["", "0.", "1."].contains(start))
        #expect(facts.isSmaller == ["-"].contains(start))
        #expect(number.int64 == nil)
        #expect(number.truncatedInt64 == ["0.": 0, "1.": 1, "1e-": 0][start])
        #expect(number.double.isFinite == ["0.", "1.", "1e-"].contains(start))
    }

    @Test func `any number of zeros around a digit makes a number`() throws {
        let zeros = "0".times(Self.size)
        #expect(try #require(JSON(parsing: "0.\(zeros)1e\(Self.size + 1)").numberValue).int64 == 1)
        #expect(try #require(JSON(parsing: "1\(zeros)e-\(Self.size)").numberValue).int64 == 1)
        #expect(
            try #require(JSON(parsing: "1\(zeros).\(zeros)").numberValue) == JSON.Number(validText: "1e\(Self.size)")
        )
        #expect(refusal(of: zeros)?.code == .invalidNumber)
    }

    @Test(arguments: ["\\n", "\\u0041", "\\ud83d\\ude00", "\\ud800", "\\\\", "é", "a\\\"b"])
    func `any number of escapes makes a string`(unit: String) throws {
        let count = Self.size / unit.utf8.count
        let value = try JSON(parsing: "\"" + unit.times(count) + "\"")
        let one = try #require(JSON(parsing: "\"\(unit)\"").stringValue)
        #expect(try #require(value.stringValue).hasSameBytes(as: one.times(count)))
        #expect(try JSON(parsing: value.encoded()) == value)
        #expect(refusal(of: "\"" + unit.times(count))?.code == .unexpectedEnd)
    }

    @Test func `fifty thousand different keys are found and compared`() throws {
        let text = "{" + (0..<50_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(JSON(parsing: text).objectValue)
        #expect(object.count == 50_000)
        #expect(object["key49999"] == 49_999)
        let reversed = JSON.Object(uniqueMembers: object.members.reversed())
        #expect(object == reversed)
        #expect(object.overlaid(with: reversed) == object)
        #expect(JSON.object(object).description == text)
    }

    @Test func `fifty thousand equal keys are one`() throws {
        let text = "{" + (0..<50_000).map { "\"key\":\($0)" }.joined(separator: ",") + "}"
        #expect(try JSON(parsing: text).description == #"{"key":49999}"#)
        let pairs = "{" + (0..<50_000).map { "\"key\($0 / 2)\":\($0)" }.joined(separator: ",") + "}"
        #expect(try #require(JSON(parsing: pairs).objectValue).count == 25_000)
    }

    @Test func `keys with the same ends and length are told apart`() throws {
        let keys = (10_000..<60_000).map { "aaaaaaaa\($0)zzzzzzzz" }
        let object = try #require(
            JSON(parsing: "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}").objectValue
        )
        #expect(object.count == keys.count)
        #expect(object == JSON.Object(uniqueMembers: object.members.reversed()))
    }

    @Test func `many small objects with long keys alike in all but the end are read`() throws {
        let prefix = "k".times(1000)
        let object = "{" + (10..<34).map { "\"\(prefix)\($0)\(prefix)\":0" }.joined(separator: ",") + "}"
        let value = try JSON(parsing: "[" + Array(repeating: object, count: 100).joined(separator: ",") + "]")
        #expect(value.arrayValue?.allSatisfy { $0.objectValue?.count == 24 } == true)
    }

    @Test(arguments: ["[],", "{},", "0,", "\"\",", "[0],", "{\"\":0},", " \n"])
    func `any number of small things is read and written`(unit: String) throws {
        let text = "[" + unit.times(Self.size / unit.utf8.count) + "0]"
        let value = try JSON(parsing: text)
        #expect(try JSON(parsing: value.encoded()) == value)
        #expect(refusal(of: String(text.dropLast()))?.code == .unexpectedEnd)
    }

    @Test func `white space alone is nothing`() {
        let error = refusal(of: " \n".times(Self.size))
        #expect(error?.code == .empty)
        #expect(error?.line == Self.size + 1)
    }
}
