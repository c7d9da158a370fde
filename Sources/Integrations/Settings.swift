package import TrackAPI

extension Integration {
    /// Where an integration sends, and how fast (actions.md §1).
    package struct Settings: Sendable, Equatable {
        /// Where the Track API is.
        package enum Destination: Sendable, Equatable {
            /// Customer.io's host of a region.
            case region(Region)
            case endpoint(Endpoint)
            /// The embedded workspace of this process.
            case workspace
        }

        package var siteId: SecretReference?
        package var apiKey: SecretReference?
        package var destination: Destination
        /// Requests a second; `nil` for no limit of its own.
        package var rateLimit: Int?

        package init(
            siteId: SecretReference? = nil,
            apiKey: SecretReference? = nil,
            destination: Destination = .workspace,
            rateLimit: Int? = nil
        ) {
            self.siteId = siteId
            self.apiKey = apiKey
            self.destination = destination
            self.rateLimit = rateLimit
        }
    }
}

/// A value that the configuration names, and that is fetched only when it is needed: previews and tests of a
/// configuration run without its secrets. It never shows itself.
package enum SecretReference: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    case literal(String)
    /// `env:NAME`
    case environment(String)
    /// `file:PATH`, without the white space at its end.
    case file(String)

    package init(_ text: String) {
        if text.hasPrefix("env:") {
            self = .environment(String(text.dropFirst(4)))
        } else if text.hasPrefix("file:") {
            self = .file(String(text.dropFirst(5)))
        } else {
            self = .literal(text)
        }
    }

    package var description: String {
        switch self {
        case .literal: "••••"
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        }
    }

    package var debugDescription: String { description }

    /// So that `dump` and a test's report show no more than the description.
    package var customMirror: Mirror { Mirror(reflecting: description) }

    /// Bytes of a file with a secret. What is larger is another file, or a device without an end.
    private static let fileBytes = 64 << 10

    /// The value itself.
    ///
    /// - Parameters:
    ///   - environment: the variable of a name.
    ///   - readFile: the beginning of a file: so many bytes, or all where it has fewer.
    /// - Returns: what the reference stands for.
    /// - Throws: `Missing`, which names the variable or file, not its value.
    package func resolve(
        environment: (String) -> String?,
        readFile: (_ path: String, _ count: Int) throws -> [UInt8]
    ) throws(Missing) -> String {
        switch self {
        case .literal(let text): return text
        case .environment(let name):
            guard let value = environment(name), !value.isEmpty else {
                throw Missing(message: "the environment variable \(name) is not set")
            }
            return value
        case .file(let path):
            guard let bytes = try? readFile(path, Self.fileBytes + 1) else {
                throw Missing(message: "the file \(path) can't be read")
            }
            guard bytes.count <= Self.fileBytes else {
                throw Missing(
                    message: "the file \(path) is larger than 64 KiB, which no secret is: is the path right?"
                )
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Missing(message: "the file \(path) is no UTF-8 text: is the path right?")
            }
            let value = text[..<(text.lastIndex { !$0.isWhitespace }.map(text.index(after:)) ?? text.startIndex)]
            guard !value.isEmpty else { throw Missing(message: "the file \(path) is empty") }
            return String(value)
        }
    }

    package struct Missing: Error, Equatable, Sendable, CustomStringConvertible {
        package let message: String
        package var description: String { message }
    }
}
