import ArgumentParser
import Diagnostics
import Foundation
import LosslessJSON

/// `ferry export`: what the integrations of a running server are.
struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the integrations of a running server as a configuration.",
        discussion: """
            Each says which revision it is, so that ferry apply notices if somebody was faster. Secrets stand there as names \
            of environment variables; where these are not set, the server keeps the ones it has.
            """
    )

    @OptionGroup var server: ServerOptions

    @Option(help: "Only this integration.")
    var integration: String?

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let answer = try await client.get("/admin/v1/configuration", [("integration", integration)])
            Terminal.print(Array((answer["yaml"]?.stringValue ?? "").utf8))
        }
    }
}

/// `ferry apply`: makes integrations of a running server as a file has them.
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make integrations of a running server as a file has them, without a restart.",
        discussion: """
            They are kept in the server's data, each change as a revision that holds for the events that arrive from then on. \
            Integrations that the file does not name stay as they are; those of the server's own configuration file are \
            changed there (ferry reload), and may stand in it unchanged. All of the file is taken, or nothing.
            """
    )

    @Argument(help: "The file, for example what ferry export has printed; standard input with -.")
    var file: String

    @OptionGroup var server: ServerOptions
    @OptionGroup var reach: Reach

    @Flag(help: "Also replace newer revisions than those that the file was exported from.")
    var force = false

    @Flag(help: "The admin API's JSON.")
    var json = false

    func run() async throws {
        let data =
            file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
        guard let data, let text = String(data: data, encoding: .utf8) else {
            throw ValidationError("\(file) can't be read as text: is the path right, and may you read it?")
        }
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let answer = try await client.post(
                "/admin/v1/configuration",
                ["yaml": .string(text), "waiting": .bool(reach.waiting), "force": .bool(force)]
            )
            ChangeReport(answer, namesFile: true).print(asJSON: json)
        }
    }
}

/// `ferry reload`: a running server reads its configuration file again.
struct Reload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a running server read its configuration file again.",
        discussion: """
            Sources, integrations and retention take effect at once; listen, data, limits and admin_token with the next start. A file \
            with mistakes changes nothing. SIGHUP does the same.
            """
    )

    @OptionGroup var server: ServerOptions
    @OptionGroup var reach: Reach

    @Flag(help: "The admin API's JSON.")
    var json = false

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let answer = try await client.post("/admin/v1/configuration/reload", ["waiting": .bool(reach.waiting)])
            ChangeReport(answer).print(asJSON: json)
        }
    }
}

/// `ferry remove`: takes an integration of a running server away.
struct RemoveIntegration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take an integration away that was made with ferry apply. What waits for it is not delivered."
    )

    @Argument(help: "The integration.")
    var integration: String

    @OptionGroup var server: ServerOptions

    @Flag(help: "Yes, really.")
    var yes = false

    func validate() throws {
        guard yes else {
            throw ValidationError("what waits for \(integration) will not be delivered: confirm with --yes")
        }
    }

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            _ = try await client.post(AdminClient.path(ofIntegration: integration) + "/remove", [:])
            Terminal.error("\(integration) is removed; its revisions and its record stay")
        }
    }
}

/// Which events a change is about.
struct Reach: ParsableArguments {
    @Flag(help: "Plan events that wait in the log by it too, and not only those that arrive from now on.")
    var waiting = false
}

/// What a change did, for people.
struct ChangeReport {
    private let answer: JSON
    /// Whether it says of what stays as it is that the configuration file manages it.
    private let namesFile: Bool

    init(_ answer: JSON, namesFile: Bool = false) {
        self.answer = answer
        self.namesFile = namesFile
    }

    func print(asJSON: Bool) {
        guard !asJSON else { return Terminal.print(answer.description) }
        for item in answer["items"]?.arrayValue ?? [answer] { print(item) }
        let notes = answer["notes"]?.arrayValue ?? []
        for note in notes.compactMap(\.stringValue) + [answer["warning"]?.stringValue].compactMap(\.self) {
            Terminal.error(note)
        }
    }

    private func print(_ item: JSON) {
        let name = (item["integration"]?.stringValue ?? "").onOneLine(upTo: 60)
        let change = item["change"]?.stringValue ?? ""
        var line = "\(Terminal.styled(name, .bold))  \(change)"
        if namesFile, change == "unchanged", item["managedBy"] == "file" {
            line += ", managed by the configuration file"
        }
        if change != "removed", let revision = item["revision"]?.numberValue,
            let first = item["firstEvent"]?.numberValue
        {
            line += ": revision \(JSON.number(revision)), from event \(JSON.number(first)) on"
        }
        Terminal.print(line)
        Self.printDifference(item["difference"]?.stringValue)
    }

    static func printDifference(_ text: String?) {
        for line in (text ?? "").split(separator: "\n") {
            let style: Terminal.Style =
                switch line.first {
                case "+": .green
                case "-": .red
                case "~": .yellow
                default: .dim
                }
            Terminal.print("  " + Terminal.styled(String(line).onOneLine(upTo: 400), style))
        }
    }
}
