import Foundation
import LosslessJSON
import Testing

@testable import Integrations

/// The example in docs/configuration.md that shows every key.
@Suite struct `The documented configuration` {
    /// The first YAML of the page.
    private static func example() throws -> String {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let page = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let blocks = page.components(separatedBy: "```yaml\n").dropFirst()
        return try #require(blocks.first?.components(separatedBy: "```").first)
    }

    @Test func `shows every top-level key, with what holds without it`() throws {
        let text = try Self.example()
        let configuration = try Configuration(parsing: text, file: "docs/configuration.md")
        let defaults = Configuration()
        #expect(configuration.publicAddress == defaults.publicAddress)
        #expect(configuration.privateAddress == defaults.privateAddress)
        #expect(configuration.data == defaults.data)
        #expect(configuration.spool == defaults.spool)
        #expect(configuration.retention == defaults.retention)
        #expect(configuration.log == defaults.log)
        #expect(configuration.workspaceSettings.suppressesAll == false)
        #expect(configuration.createsWorkspaces == defaults.createsWorkspaces)
        #expect(configuration.adminToken == .environment("FERRY_ADMIN_TOKEN"))
        #expect(!configuration.sources.isEmpty && !configuration.integrations.isEmpty)
        #expect(!configuration.workspaces.isEmpty && !configuration.tests.isEmpty)
        for test in configuration.tests {
            guard case .passed = test.run(in: configuration) else {
                Issue.record("\(test.name)")
                continue
            }
        }
    }

    @Test func `leaves no key out`() throws {
        let configuration = try Configuration(parsing: Self.example(), file: "docs/configuration.md")
        #expect(configuration.sections.sorted() == ConfigurationParser.sections.sorted())
    }
}
