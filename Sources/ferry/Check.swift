import ArgumentParser
import Diagnostics
import Foundation
import Integrations

/// `ferry check`: is the configuration right, and does it do what its tests say?
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate a configuration file and run the tests in it.",
        discussion: "Exits with 78 when the file is wrong, with 1 when a test fails."
    )

    @Argument(help: "The configuration file.")
    var file = "ferry.yaml"

    func run() throws {
        let configuration = try ConfigurationFile(file).configuration
        warnOfMissingSecrets(configuration)
        var failures = 0
        for test in configuration.tests {
            switch test.run(in: configuration) {
            case .passed: Terminal.print("\(mark("ok", .green)) \(test.name)")
            case .invalid(let message):
                failures += 1
                Terminal.print("\(mark("FAILED", .red)) \(test.name) (\(file):\(test.line))")
                Terminal.print("    the event is not valid: \(message)")
            case .failed(let expected, let actual):
                failures += 1
                Terminal.print("\(mark("FAILED", .red)) \(test.name) (\(file):\(test.line))")
                for line in difference(from: expected, to: actual) { Terminal.print("    \(line)") }
            }
        }
        let sources = configuration.sources.count.counting("source")
        let integrations = configuration.integrations.count.counting("integration")
        let tests = configuration.tests.count.counting("test")
        let verdict = failures == 0 ? "\(tests) passed" : "\(failures) of \(tests) failed"
        Terminal.print("\(file): \(sources), \(integrations), \(verdict)")
        if failures > 0 { throw ExitCode.failure }
    }

    private func mark(_ text: String, _ style: Terminal.Style) -> String {
        Terminal.styled(text, style)
    }

    /// What was expected and did not come with `-`, what came and was not expected with `+`.
    private func difference(from expected: [String], to actual: [String]) -> [String] {
        let difference = actual.difference(from: expected)
        let removed = Set(difference.removals.map(offset))
        let inserted = Set(difference.insertions.map(offset))
        var lines = expected.enumerated().map { position, line in
            removed.contains(position) ? Terminal.styled("- \(line)", .red) : "  \(line)"
        }
        for (position, line) in actual.enumerated() where inserted.contains(position) {
            lines.append(Terminal.styled("+ \(line)", .green))
        }
        return lines
    }

    private func offset(_ change: CollectionDifference<String>.Change) -> Int {
        switch change {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }

    /// A secret that is not there yet stops `serve`, not the tests.
    private func warnOfMissingSecrets(_ configuration: Configuration) {
        let secrets =
            configuration.sources.flatMap { source in
                source.writeKeys.map { ("write key of \(source.name)", $0) }
            }
            + configuration.integrations.flatMap { integration in
                [("site_id", integration.settings.siteId), ("api_key", integration.settings.apiKey)].compactMap {
                    (name, value) in value.map { ("\(name) of \(integration.name)", $0) }
                }
            }
        for (name, secret) in secrets {
            do {
                _ = try secret.resolved()
            } catch {
                Terminal.error("warning: \(name): \(error)")
            }
        }
    }
}

extension SecretReference {
    /// The value, from this process's environment or a file.
    func resolved() throws(Missing) -> String {
        try resolve(
            environment: { ProcessInfo.processInfo.environment[$0] },
            readFile: { path, count in
                let file = try FileHandle(forReadingFrom: URL(filePath: path))
                defer { try? file.close() }
                return Array(try file.read(upToCount: count) ?? Data())
            }
        )
    }
}
