import Integrations
import Testing

/// actions.md §3, Report Content Event: a config that changes it is refused, unless it says that it knows.
@Suite struct `The protected action` {
    private func problems(_ action: String) -> [String] {
        IntegrationsTests.problems(
            """
            integrations:
              p:
                type: customerio
                settings: { endpoint: workspace }
                actions:
                  \(action)
            """
        )
    }

    @Test(arguments: [
        "trigger: event = 'X'", "mapping: { content_action: viewed_content }", "convert_timestamps: false",
        "enable_batching: false", "batch_size: 10",
    ])
    func `can't be changed by a configuration`(change: String) {
        let problems = problems("report-content-event: { \(change) }")
        #expect(problems.count == 1)
        #expect(
            problems.first?.hasSuffix(
                "`report-content-event` is protected, because editing it can break metric reporting; "
                    + "it can be switched off with `enabled: false`; "
                    + "to change it all the same, add `i_know_this_can_break_metrics: true`"
            ) == true,
            "\(problems)"
        )
    }

    @Test(arguments: [
        "trigger: event = 'X'", "mapping: { content_action: viewed_content }", "convert_timestamps: false",
        "enable_batching: false", "batch_size: 10",
    ])
    func `can be changed by one that says so`(change: String) {
        #expect(problems("report-content-event: { \(change), i_know_this_can_break_metrics: true }").isEmpty)
        #expect(problems("report-content-event: { i_know_this_can_break_metrics: true, \(change) }").isEmpty)
        #expect(!problems("report-content-event: { \(change), i_know_this_can_break_metrics: false }").isEmpty)
    }

    @Test func `can be switched off`() throws {
        let integration = try configured("      report-content-event: { enabled: false }")
        #expect(integration.actions.first { $0.name == "report-content-event" }?.isEnabled == false)
    }

    @Test func `is protected under another name too`() {
        #expect(problems("mine: { uses: report-content-event }").count == 1)
        #expect(problems("mine: { uses: report-content-event, i_know_this_can_break_metrics: true }").isEmpty)
    }
}
