import ArgumentParser
import Foundation
import Integrations

/// `ferry.yaml`, found and read; its mistakes are shown and end the command with exit code 78.
struct ConfigurationFile {
    let configuration: Configuration
    /// `nil` for the embedded default.
    let path: String?

    /// Reads the file that is named, or the embedded default where none is.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            configuration = try Self.parse(Self.embedded, file: "embedded default")
            return
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            Terminal.error("\(path) can't be read: is the path right, and may you read it?")
            throw ExitCode.configuration
        }
        guard data.count <= 4 << 20, let text = String(data: data, encoding: .utf8) else {
            Terminal.error("\(path) is not a configuration: it must be UTF-8 text of 4 MB at most")
            throw ExitCode.configuration
        }
        configuration = try Self.parse(text, file: path)
    }

    private static func parse(_ text: String, file: String) throws -> Configuration {
        do {
            return try Configuration(parsing: text, file: file)
        } catch {
            Terminal.error(error.description)
            let count = error.problems.count
            Terminal.error(count == 1 ? "1 mistake in \(file)" : "\(count) mistakes in \(file)")
            throw ExitCode.configuration
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
