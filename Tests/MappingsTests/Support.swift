import Foundation
import LosslessJSON
import Mappings
import Testing

/// A value written as JSON text.
func json(_ text: String) throws -> JSON {
    try JSON(parsing: text)
}

/// What a mapping makes of an event, both written as JSON text.
func output(
    _ mapping: String,
    on event: String = "{}",
    dialect: Mapping.Dialect = .standard
) throws -> JSON? {
    let event = try #require(try json(event).objectValue)
    return try Mapping(try json(mapping), dialect: dialect).apply(to: event)
}

/// The problems of a definition that is none, as text.
func problems(of mapping: String, dialect: Mapping.Dialect = .standard) throws -> [String] {
    let definition = try json(mapping)
    do {
        _ = try Mapping(definition, dialect: dialect)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// One line of a vector file: what a mapping makes of an input, or that it is an error.
struct Vector: Sendable, CustomTestStringConvertible {
    let line: Int
    let mapping: JSON
    let input: JSON.Object?
    /// `nil` where there is an error.
    let output: JSON?

    var testDescription: String { "line \(line): \(mapping)" }

    static func file(_ name: String) throws -> [Vector] {
        try text(of: name).split(separator: "\n").enumerated().map { position, line in
            let row = try JSON(parsing: String(line))
            try #require(row.objectValue?.contains("output") != row.objectValue?.contains("error"))
            return Vector(
                line: position + 1,
                mapping: try #require(row["mapping"]),
                input: row["input"]?.objectValue,
                output: row["output"]
            )
        }
    }

    static func text(of name: String) throws -> String {
        let file = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: nil))
        return try String(contentsOf: file, encoding: .utf8)
    }
}
