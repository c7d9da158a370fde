import ArgumentParser
import Diagnostics
import Foundation
import Integrations

/// `ferry.yaml`, found and read; its mistakes are shown and end the command with exit code 78.
struct ConfigurationFile {
    let configuration: Configuration
    /// `nil` for the embedded default.
    let path: String?

    /// What is wrong with a file, in words for people.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads the file that is named, or the embedded default where none is.
    init(_ path: String?) throws {
        do {
            try self.init(reading: path)
        } catch {
            Terminal.error(error.description)
            throw ExitCode.configuration
        }
    }

    init(reading path: String?) throws(Problem) {
        self.path = path
        guard let path else {
            configuration = try Self.parse(Self.embedded, file: "embedded default")
            return
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(description: "\(path) can't be read: is the path right, and may you read it?")
        }
        guard data.count <= 4 << 20, let text = String(data: data, encoding: .utf8) else {
            throw Problem(description: "\(path) is not a configuration: it must be UTF-8 text of 4 MB at most")
        }
        configuration = try Self.parse(text, file: path)
    }

    private static func parse(_ text: String, file: String) throws(Problem) -> Configuration {
        do {
            return try Configuration(parsing: text, file: file)
        } catch {
            let count = error.problems.count.counting("mistake")
            throw Problem(description: "\(error.description)\n\(count) in \(file)")
        }
    }

    /// What a server without a file is: one source, and one integration with the embedded workspace.
    private static let embedded = """
        sources:
          default: { write_key: env:FERRY_WRITE_KEY }
        integrations:
          default:
            type: customerio
            sources: [default]
            settings: { endpoint: workspace }
        """
}
