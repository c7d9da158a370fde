import ArgumentParser
import Foundation
import LosslessJSON

/// The source messages that are measured, each as the bytes in which it arrives.
struct Messages {
    let all: [[UInt8]]
    private let origin: String

    /// Those of a file, one a line, or 2,000 generated ones.
    init(file path: String?) throws {
        if let path {
            all = try Self.lines(of: path)
            origin = "of \(path)"
        } else {
            var generator = EventGenerator()
            all = generator.messages(2_000)
            origin = "generated"
        }
    }

    private static func lines(of path: String) throws -> [[UInt8]] {
        guard let content = FileManager.default.contents(atPath: path) else {
            throw ValidationError("--events: \(path) can't be read")
        }
        let lines = content.split(separator: UInt8(ascii: "\n")).map(Array.init)
        if lines.isEmpty { throw ValidationError("--events: there is nothing in \(path)") }
        for (position, line) in lines.enumerated() {
            do {
                _ = try JSON(parsing: line)
            } catch {
                throw ValidationError("--events: message \(position + 1) of \(path) is not JSON: \(error)")
            }
        }
        return lines
    }

    var bytes: Int { all.reduce(0) { $0 + $1.count } }

    var summary: String {
        "\(all.count) messages, \(origin), \(bytes / max(all.count, 1)) bytes on average"
    }
}
