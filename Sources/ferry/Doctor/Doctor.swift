import ArgumentParser
import Diagnostics
import Events
import Foundation
import Integrations
import LosslessJSON
import Storage

/// `ferry doctor`: whether everything is as a server needs it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration, the machine, the data and the destinations.",
        discussion: """
            A line for each check: ok, warning or fault, and what helps. It changes nothing and sends nothing, and may be \
            called while a server runs and while none does. The exit code is 1 when there is a fault.
            """
    )

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "The data folder, or memory. Overrides the configuration file.")
    var data: String?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() async throws {
        var findings: [Finding] = []
        var configuration = Configuration()
        do {
            configuration = try ConfigurationFile(reading: config).configuration
            findings += ConfigurationChecks(configuration, file: config).findings
        } catch {
            findings.append(
                .fault("configuration", error.description, "mend the file; ferry check says the same with every line")
            )
        }
        if let data { configuration.data = Configuration.DataLocation(data) }
        var holder = DataFolderHolder.nobody
        var kept: [String] = []
        switch configuration.data {
        case .folder(let path):
            holder = DataFolderHolder(of: path)
            findings += DataFolderChecks(path, retention: configuration.retention).findings
            let log = LogChecks(path, at: .now)
            findings += log.findings
            kept = log.keptIntegrations
        case .memory: findings.append(.skipped("data", "in memory: it is gone when the server stops"))
        case .database(let url):
            findings += Self.look(at: url, folder: configuration.folder)
            findings += SpoolChecks(configuration, at: .now).findings
        }
        let process: Int32? = if case .process(let number) = holder, number > 0 { number } else { nil }
        findings += LimitChecks(process: process).findings
        let server = await ServerChecks(configuration, holder: holder)
        findings += server.findings
        findings += await DestinationChecks(configuration, server: server.client).findings
        if server.client == nil {
            findings += kept.map {
                .skipped("integration", "\($0): it lives in the data, and is asked about while a server runs")
            }
        }
        show(findings)
        if findings.contains(where: { $0.state == .fault }) { throw ExitCode.failure }
    }

    private static func look(at url: SecretReference, folder: String?) -> [Finding] {
        do {
            let database = try DatabaseGlance(at: try url.resolved())
            let behind = database.time - Timestamp.now.milliseconds
            let users = database.nodes > 0 ? ", in use by \(database.nodes.counting("node"))" : ", in use"
            let state = database.isInUse ? users : database.isMade ? "" : ", without Ferry's tables as yet"
            var found = [Finding.ok("data", "\(database.name), PostgreSQL \(database.version)\(state)")]
            // Events get the time of the node that accepts them, and leases that of the database.
            if abs(behind) > 2_000 {
                let words = "it is \(abs(behind) / 1_000) s \(behind > 0 ? "behind" : "ahead of") the database's"
                found.append(.warning("clock", words, "let both be set by the same time server"))
            }
            guard let seq = database.copiedThrough else { return found }
            let option = folder.map { " --folder \($0)" } ?? ""
            return found + [
                .halfCopied(
                    through: seq,
                    command: "ferry log copy FROM \(url)\(option), with FROM as before,",
                    givingUp: "DROP SCHEMA ferry CASCADE"
                )
            ]
        } catch {
            return [.fault("data", "\(error)", "mend the URL, the login or the server: docs/postgresql.md")]
        }
    }

    private func show(_ findings: [Finding]) {
        let worst = findings.map(\.state).max() ?? .ok
        guard !json else {
            let report: JSON = ["state": .string(worst.rawValue), "checks": .array(findings.map(\.json))]
            return Terminal.print(report.description)
        }
        for finding in findings {
            let style: Terminal.Style =
                switch finding.state {
                case .ok: .green
                case .skipped: .dim
                case .warning: .yellow
                case .fault: .red
                }
            let state = finding.state.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
            let help = finding.help.map { ". To do: \($0)" } ?? ""
            Terminal.print("\(Terminal.styled(state, style)) \(finding.check): \(finding.words)\(help)")
        }
        let faults = findings.count { $0.state == .fault }
        let warnings = findings.count { $0.state == .warning }
        Terminal.error("\(faults.counting("fault")), \(warnings.counting("warning"))")
    }
}
