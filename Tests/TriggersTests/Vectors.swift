import Foundation
import LosslessJSON
import Testing

/// A line of a vector file: a trigger, an event and what must become of them.
struct Vector {
    enum Expectation: Equatable {
        case outcome(Bool)
        case reject
    }

    let line: Int
    let trigger: String
    let event: JSON.Object
    let expectation: Expectation

    /// The vectors of a file of the folder `Vectors`.
    static func all(in file: String) throws -> [Vector] {
        try lines(of: file).enumerated().map { index, line in
            let row = try JSON(parsing: line)
            let expectation: Expectation =
                if let outcome = row["expect"]?.boolValue { .outcome(outcome) } else { .reject }
            if expectation == .reject { try #require(row["expect"] == "reject") }
            return Vector(
                line: index + 1,
                trigger: try #require(row["trigger"]?.stringValue),
                event: try #require(row["event"]?.objectValue),
                expectation: expectation
            )
        }
    }

    private static func lines(of file: String) throws -> [[UInt8]] {
        let url = try #require(Bundle.module.url(forResource: "Vectors/\(file)", withExtension: "ndjson"))
        return try Data(contentsOf: url).split(separator: UInt8(ascii: "\n")).map(Array.init)
    }
}

/// The event of this JSON text.
func event(_ text: String) throws -> JSON.Object {
    try #require(try JSON(parsing: text).objectValue)
}

/// The event on which the examples of source-api.md §4.4 are evaluated.
func exampleEvent() throws -> JSON.Object {
    try #require(try Vector.all(in: "examples").first).event
}
