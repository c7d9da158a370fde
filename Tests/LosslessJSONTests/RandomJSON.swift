import LosslessJSON
import Seeding

/// Makes random values and damages documents.
enum RandomJSON {
    static func value(depth: Int, using generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .number(number(using: &generator))
        case 3, 4: return .string(text(using: &generator))
        case 5, 6:
            return .array((0..<size(using: &generator)).map { _ in value(depth: depth - 1, using: &generator) })
        default:
            let members = (0..<size(using: &generator)).map { _ in
                JSON.Object.Member(key: text(using: &generator), value: value(depth: depth - 1, using: &generator))
            }
            return .object(JSON.Object(lastWins: members))
        }
    }

    /// Mostly small, at times beyond the size at which objects are hashed.
    private static func size(using generator: inout SeededGenerator) -> Int {
        Int.random(in: 0..<40, using: &generator) == 0 ? 30 : Int.random(in: 0..<5, using: &generator)
    }

    static func number(using generator: inout SeededGenerator) -> JSON.Number {
        func digits(_ range: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: range, using: &generator)).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 0x30...0x39, using: &generator)))
                }
            )
        }
        var text = Bool.random(using: &generator) ? "-" : ""
        text += Bool.random(using: &generator) ? "0" : "\(Int.random(in: 1...9, using: &generator))\(digits(0...20))"
        if Bool.random(using: &generator) { text += "." + digits(1...20) }
        if Bool.random(using: &generator) {
            text += ["e", "E", "e+", "E-", "e-"].randomElement(using: &generator) ?? "e"
            text += digits(1...22)
        }
        return JSON.Number(validText: text)
    }

    /// Up to 40 scalars: letters mostly, and all that needs care.
    static func text(using generator: inout SeededGenerator) -> String {
        let length = Int.random(in: 0...(Bool.random(using: &generator) ? 6 : 40), using: &generator)
        let isPlain = Bool.random(using: &generator)
        var text = String.UnicodeScalarView()
        for _ in 0..<length {
            switch isPlain ? 0 : Int.random(in: 0..<10, using: &generator) {
            case 0...5: text.append(Unicode.Scalar(UInt8.random(in: 0x20...0x7E, using: &generator)))
            case 6: text.append(Unicode.Scalar(UInt8.random(in: 0...0x1F, using: &generator)))
            case 7:
                text.append(
                    ["\"", "\\", "/", "\u{7F}", "\u{301}", "\u{2028}", "\u{FFFD}"].randomElement(using: &generator)
                        ?? "/"
                )
            case 8: text.append(Unicode.Scalar(UInt32.random(in: 0x80...0xD7FF, using: &generator)) ?? "é")
            default: text.append(Unicode.Scalar(UInt32.random(in: 0xE000...0x10FFFF, using: &generator)) ?? "😀")
            }
        }
        return String(text)
    }

    /// The text of a value with white space wherever it may stand.
    static func spread(_ value: JSON, using generator: inout SeededGenerator) -> [UInt8] {
        func space() -> String {
            String(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    [" ", "\t", "\n", "\r"].randomElement(using: &generator) ?? " "
                }
            )
        }
        func text(_ value: JSON) -> String {
            switch value {
            case .array(let items):
                return space() + "[" + (items.isEmpty ? space() : items.map(text).joined(separator: ",")) + "]"
                    + space()
            case .object(let object):
                let members = object.map { space() + JSON.string($0.key).description + space() + ":" + text($0.value) }
                return space() + "{" + (members.isEmpty ? space() : members.joined(separator: ",")) + "}" + space()
            default: return space() + value.description + space()
            }
        }
        return Array(text(value).utf8)
    }

    /// A document with one to four bytes changed, put in, taken out, doubled or moved.
    static func damaged(_ document: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = document
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let place = bytes.indices.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[place] = .random(in: 0...255, using: &generator)
            case 1: bytes[place] = interesting(using: &generator)
            case 2: bytes.insert(interesting(using: &generator), at: place)
            case 3: bytes.remove(at: place)
            case 4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: place)
            default: bytes.swapAt(place, bytes.indices.randomElement(using: &generator) ?? 0)
            }
        }
        return bytes
    }

    /// A byte that means something to JSON or to UTF-8.
    private static func interesting(using generator: inout SeededGenerator) -> UInt8 {
        let bytes =
            Array("{}[]:,\"\\ue-+.0123456789tfn \n\t".utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF]
        return bytes.randomElement(using: &generator) ?? 0
    }
}
