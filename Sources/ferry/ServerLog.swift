import ArgumentParser
import Delivery
import Diagnostics
import Events
import Integrations
import Logging
import LosslessJSON
import Server
import ServiceLifecycle
import Storage

/// What a server says to those who run it, on standard error: sentences for a person, or a JSON object a line.
///
/// A line is one write to a file that is opened by whoever starts the server. So nothing here holds up copying and
/// truncating a log, or naming a new file with the next start.
struct ServerLog {
    typealias Format = Configuration.LogFormat

    let format: Format
    let logger: Logger

    init(_ format: Format = .text, level: Logger.Level = .notice) {
        self.format = format
        var logger = Logger(label: "ferry") { _ in LineLogHandler(format: format) }
        logger.logLevel = level
        self.logger = logger
    }

    /// Says something that is no event of the log: lines for a person, or a sentence with the same facts.
    func say(
        _ sentence: String,
        at level: Logger.Level = .notice,
        facts: Logger.Metadata = [:],
        asText lines: [String]
    ) {
        switch format {
        case .text: for line in lines { Terminal.error(line) }
        case .json: logger.log(level: level, "\(sentence)", metadata: facts)
        }
    }

    /// Turns what stops a server into a sentence and an exit code.
    func reportingFaults(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as SecretReference.Missing {
            throw end("\(error)", .configuration)
        } catch let error as ConfigurationRefusal {
            throw end(error.description, .configuration)
        } catch let error as ListenerError {
            throw end(error.description, .failure)
        } catch let error as PrivateCertificate.Failure {
            throw end(error.description, .failure)
        } catch let error as StorageError {
            throw end(error.description, .failure)
        } catch let error as ServiceGroupError {
            // Its own words print everything that the services hold.
            throw end("ferry stopped by itself, which it should not: \(error.errorCode)", .failure)
        }
    }

    private func end(_ words: String, _ code: ExitCode) -> ExitCode {
        say(words, at: .critical, asText: [words])
        return code
    }
}

extension Configuration.LogFormat: ExpressibleByArgument {}

/// What is logged, a line at a time.
///
///     2026-11-26T10:15:00.123Z warning delivery waits integration=main wait="5.0 seconds"
///     {"time":"2026-11-26T10:15:00.123Z","level":"warning","message":"delivery waits","integration":"main",…}
struct LineLogHandler: LogHandler {
    var metadataProvider: Logger.MetadataProvider?
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice
    private let format: Configuration.LogFormat

    /// Of one value, in Unicode scalars. The longest words of a destination are shorter.
    private static let valueLimit = 4_096

    init(format: Configuration.LogFormat) {
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { $1 } }
        if let own = event.metadata { facts.merge(own) { $1 } }
        if let error = event.error, facts["error"] == nil { facts["error"] = "\(error)" }
        Terminal.error(line(event.level, "\(event.message)", facts, at: .now))
    }

    func line(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata, at time: Timestamp) -> String {
        let time = time.iso8601 ?? ""
        let facts = facts.sorted { $0.key < $1.key }
        switch format {
        case .text:
            return
                ([time, level.rawValue, message.onOneLine(upTo: Self.valueLimit)]
                + facts.map { "\($0.key.onOneLine())=\(Self.quoted("\($0.value)"))" }).joined(separator: " ")
        case .json:
            var line: JSON.Object = [
                "time": .string(time), "level": .string(level.rawValue), "message": .string(message),
            ]
            for (key, value) in facts where line[key] == nil { line[key] = .string("\(value)") }
            return JSON.object(line).description
        }
    }

    /// As it is where that is one word, else in quotes: what a sender wrote makes no line and no fact of its own.
    private static func quoted(_ value: String) -> String {
        let value = value.onOneLine(upTo: valueLimit)
        let isWord = !value.isEmpty && !value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
        return isWord ? value : JSON.string(value).description
    }
}
