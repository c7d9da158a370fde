import Foundation
import LosslessJSON
import Testing

/// The lines of a vector file; they end in LF only.
func vectorLines(_ name: String) throws -> [String] {
    let file = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: nil))
    let text = try String(contentsOf: file, encoding: .utf8)
    return text.unicodeScalars.split(separator: "\n").map(String.init)
}
