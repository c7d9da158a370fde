import Foundation
import LosslessJSON

/// Chance that can be repeated: the seed is printed, and `FERRY_SEED` sets it.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// A seed of the environment or of chance, printed under the name of what uses it.
    static func printed(for user: String) -> SeededGenerator {
        let seed = ProcessInfo.processInfo.environment["FERRY_SEED"].flatMap(UInt64.init) ?? .random(in: 0...(.max))
        print("\(user): FERRY_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The error that parsing these bytes ends in; `nil` if they are JSON.
func refusal(of bytes: [UInt8], limits: JSON.Limits = JSON.Limits()) -> JSONError? {
    do throws(JSONError) {
        _ = try JSON(parsing: bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

func refusal(of text: String, limits: JSON.Limits = JSON.Limits()) -> JSONError? {
    refusal(of: Array(text.utf8), limits: limits)
}

extension [UInt8] {
    /// A JSON string whose content is these bytes.
    static func quoted(_ content: [UInt8]) -> [UInt8] {
        [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")]
    }
}

extension String {
    /// This text so many times.
    func times(_ count: Int) -> String {
        String(repeating: self, count: count)
    }
}
