import ArgumentParser
import Delivery
import Events
import Foundation
import Integrations
import LosslessJSON
import Storage
import TrackAPI

/// `ferry preview`: what would become of events, without sending anything.
struct PreviewEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Show what would become of events, without sending anything.",
        discussion: """
            Reads NDJSON, a source message a line, and writes a line for each of them and each integration. A line that is \
            no valid message has an "error"; the others go on, and the exit code is 1. With --against-log and --config it \
            shows what the file would change for the newest events, beside the configuration that the server has.
            """
    )

    @Option(help: "The configuration file; without one, an integration named default with all actions as they are.")
    var config: String?

    @Option(help: "Only this integration.")
    var integration: String?

    @Flag(
        help: "Add why: each action's trigger and where each field came from. With --against-log a line for each event."
    )
    var explain = false

    @Flag(help: "Take the events from the log of the data folder instead of a file; a running server is not disturbed.")
    var againstLog = false

    @Option(help: "With --against-log: how many events, counted from the newest.")
    var last = 100

    @Option(help: "With --against-log: the data folder; the configuration's without one.")
    var data: String?

    @Option(help: "With --against-log and --config: how many events that would change to show.")
    var samples = 5

    @Flag(help: "With --against-log and --config: as JSON, a line for each integration.")
    var json = false

    @Argument(help: "The file; standard input without one, or with -.")
    var file: String?

    func validate() throws {
        guard last > 0 else { throw ValidationError("--last must be 1 or more") }
        guard samples >= 0 else { throw ValidationError("--samples must be 0 or more") }
        guard !againstLog || file == nil else { throw ValidationError("--against-log reads the log and takes no file") }
    }

    func run() throws {
        let configuration = try config.map { try ConfigurationFile($0).configuration }
        let integrations = try chosenIntegrations(configuration)
        if againstLog, configuration != nil, !explain {
            try Terminal.reportingStorageErrors { try compare(configuration, integrations) }
        } else if againstLog {
            try Terminal.reportingStorageErrors { try previewLog(of: configuration, integrations) }
        } else {
            try previewLines(integrations)
        }
    }

    private func previewLines(_ integrations: [Integration]) throws {
        let lines: LineReader
        do {
            lines = try LineReader(path: file)
        } catch {
            Terminal.error("\(file ?? "standard input") can't be read: \(error.localizedDescription)")
            throw ExitCode.failure
        }
        var allValid = true
        var output = LineWriter()
        for (position, line) in lines.enumerated() {
            let message = Self.parse(line)
            for integration in integrations {
                let preview = Preview(line: position + 1, integration: integration, explains: explain)
                let result = preview.run(message)
                allValid = allValid && result.isValid
                output.write(result.output)
            }
        }
        output.flush()
        if !allValid { throw ExitCode.failure }
    }

    /// Each integration sees the events of its own sources, as the dispatcher does.
    private func previewLog(of configuration: Configuration?, _ integrations: [Integration]) throws {
        let reader = try LogReader(folder: folder(of: configuration))
        var output = LineWriter()
        try reader.forLast(last) { logged in
            guard let event = Event(logged) else { return }
            for integration in integrations where integration.sources.contain(logged.source) {
                let preview = Preview(line: Int(logged.seq), integration: integration, explains: explain)
                output.write(preview.run(on: event))
            }
        }
        output.flush()
    }

    /// The proposed integrations beside those that the server of the data folder had last.
    private func compare(_ configuration: Configuration?, _ integrations: [Integration]) throws {
        let reader = try LogReader(folder: folder(of: configuration))
        let present = try reader.newestRevisions()
        var comparisons = integrations.map { proposed in
            let revision = present.first { $0.integration.hasSameBytes(as: proposed.name) }
            let integration = revision.flatMap {
                try? IntegrationDefinition.compile($0.text, named: $0.integration, file: "revision \($0.number)")
            }
            return PlanComparison(of: integration, with: proposed, samples: samples)
        }
        try reader.forLast(last) { logged in
            guard let event = Event(logged) else { return }
            for position in comparisons.indices { comparisons[position].add(event, number: logged.seq) }
        }
        for comparison in comparisons { json ? Terminal.print(comparison.json.description) : comparison.show() }
    }

    private func folder(of configuration: Configuration?) throws -> String {
        switch data.map(Configuration.DataLocation.init) ?? (configuration ?? Configuration()).data {
        case .folder(let path): return path
        case .memory: throw ValidationError("the configuration keeps its data in memory: there is no log to read")
        case .database:
            throw ValidationError("the log is in a database: POST /admin/v1/preview of a running server compares")
        }
    }

    private static func parse(_ line: [UInt8]) -> Result<JSON, JSONError> {
        do throws(JSONError) {
            return .success(try JSON(parsing: line))
        } catch {
            return .failure(error)
        }
    }

    private func chosenIntegrations(_ configuration: Configuration?) throws -> [Integration] {
        guard let configuration else {
            let actions = try Action.defaults()
            let all = [Integration(name: "default", settings: Integration.Settings(), actions: actions)]
            return try choose(from: all)
        }
        return try choose(from: configuration.integrations)
    }

    private func choose(from integrations: [Integration]) throws -> [Integration] {
        guard let name = integration else { return integrations }
        let chosen = integrations.filter { $0.name == name }
        guard !chosen.isEmpty else {
            let names = integrations.map(\.name).joined(separator: ", ")
            throw ValidationError("there is no integration \(name); known: \(names)")
        }
        return chosen
    }
}

/// JSON lines on standard output: in pieces large enough to be fast, at once where somebody reads along.
private struct LineWriter {
    private static let pieceBytes = 1 << 16
    private var bytes: [UInt8] = []

    mutating func write(_ line: JSON.Object) {
        line.write(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        if bytes.count > Self.pieceBytes || Terminal.outputIsTerminal { flush() }
    }

    mutating func flush() {
        Terminal.print(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}
