import Foundation
import LosslessJSON
import Testing
import Yams

/// docs/monitoring names what a server really tells.
@Suite(.timeLimit(.minutes(2))) struct `The dashboard and the alerts` {
    private static let folder: URL = {
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appending(path: "docs/monitoring")
    }()

    private struct Alerts: Decodable {
        struct Group: Decodable {
            let name: String
            let rules: [Rule]
        }

        struct Rule: Decodable {
            let alert: String
            let expr: String
            let labels: [String: String]
            let annotations: [String: String]
        }

        let groups: [Group]
    }

    /// Names of series, and of labels behind a brace, in PromQL.
    private static func names(in expression: String) -> (series: Set<String>, labels: Set<String>) {
        let series = expression.matches(of: #/\bferry_[a-z_]+/#).map { String($0.output) }
        let given = expression.matches(of: #/([a-z_]+)(=~|=|!=)"/#).map { String($0.output.1) }
        let grouped = expression.matches(of: #/by \(([^)]*)\)/#)
            .flatMap { $0.output.1.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
        return (Set(series), Set(given + grouped))
    }

    /// What a server exposes that has accepted, refused, delivered and failed something: each series with its labels.
    private func exposed() async throws -> [String: Set<String>] {
        let folder = try ScratchFolder()
        let destination = try await RefusingDestination()
        defer { destination.close() }
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file(
                "ferry.yaml",
                """
                sources: { web: { write_key: k } }
                integrations:
                  main: { type: customerio, settings: { endpoint: "\(destination.url)", site_id: s, api_key: k } }
                """
            )
        )
        let call: JSON = ["userId": "u1", "event": "E", "messageId": "m"]
        for _ in 0..<2 { #expect(try await ferry.post("/v1/track", call, key: "k").status == 200) }
        #expect(try await ferry.post("/v1/track", ["event": 5], key: "k").status == 200)
        var page = ""
        // It is written down together with what follows.
        while !page.contains("ferry_delivery_operations{") {
            page = try await ferry.text("/metrics")
            try await Task.sleep(for: .milliseconds(30))
        }
        var series: [String: Set<String>] = ["up": ["job", "instance"]]
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            let name = String(line.prefix { $0 != "{" && $0 != " " })
            let labels = line.matches(of: #/[{,]([a-z_]+)="/#).map { String($0.output.1) }
            series[name, default: ["job", "instance"]].formUnion(labels)
        }
        #expect(ferry.stop() == 0)
        return series
    }

    @Test func `ask for nothing that a server does not tell, and leave out nothing that it does`() async throws {
        let exposed = try await exposed()
        let dashboard = try JSON(
            parsing: Array(Data(contentsOf: Self.folder.appending(path: "grafana-dashboard.json")))
        )
        let panels = try #require(dashboard["panels"]?.arrayValue)
        let shown = panels.flatMap { $0["targets"]?.arrayValue ?? [] }.compactMap { $0["expr"]?.stringValue }
        let alerts = try YAMLDecoder().decode(
            Alerts.self,
            from: String(contentsOf: Self.folder.appending(path: "alerts.yml"), encoding: .utf8)
        )
        let rules = alerts.groups.flatMap(\.rules)
        #expect(shown.count > 15 && rules.count > 5)
        var used: Set<String> = []
        for expression in shown + rules.map(\.expr) {
            let names = Self.names(in: expression)
            #expect(!names.series.isEmpty || expression.hasPrefix("up{"), "\(expression)")
            used.formUnion(names.series)
            let known = names.series.compactMap { exposed[$0] }.reduce(Set()) { $0.union($1) }
            #expect(names.series.isSubset(of: exposed.keys), "\(names.series.subtracting(exposed.keys))")
            #expect(
                names.labels.subtracting(["le"]).isSubset(of: known.union(["job", "instance"])),
                "\(expression): \(names.labels)"
            )
        }
        // A histogram is three series.
        func families(_ names: some Sequence<String>) -> Set<String> {
            Set(names.map { $0.replacing(#/_(bucket|sum|count)$/#, with: "") })
        }
        #expect(families(exposed.keys).subtracting(families(used)) == ["up"])
    }

    /// A server that can deliver nothing, so that its log fills up.
    private static func ferry(
        retention: String,
        in folder: ScratchFolder,
        log: String? = nil
    ) async throws -> RunningFerry {
        try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file(
                "ferry.yaml",
                """
                retention: \(retention)
                sources: { web: { write_key: k } }
                integrations:
                  main: { type: customerio, settings: { endpoint: "http://127.0.0.1:1", site_id: s, api_key: k } }
                """
            ),
            log: log
        )
    }

    private static let largeCall: JSON = [
        "userId": "u1", "event": "E", "properties": ["text": .string(String(repeating: "x", count: 60_000))],
    ]

    @Test func `are told of a full log as long as its sources are answered 429`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await Self.ferry(retention: "{ size: 1MB }", in: folder)
        #expect(try await ferry.text("/metrics").contains("\nferry_log_full 0\n"))
        var status: UInt = 200
        while status == 200 { status = try await ferry.post("/v1/track", Self.largeCall, key: "k").status }
        #expect(status == 429)
        #expect(try await ferry.text("/metrics").contains("\nferry_log_full 1\n"))
        #expect(ferry.stop() == 0)
    }

    @Test func `are told of what a full log drops undelivered, and the log is`() async throws {
        let folder = try ScratchFolder()
        let log = try folder.file("ferry.log")
        let retention = "{ size: 1MB, drop_unsettled: true }"
        let ferry = try await Self.ferry(retention: retention, in: folder, log: log)
        #expect(try await ferry.text("/metrics").contains("\nferry_events_dropped_total 0\n"))
        while try await ferry.text("/metrics").contains("\nferry_events_dropped_total 0\n") {
            #expect(try await ferry.post("/v1/track", Self.largeCall, key: "k").status == 200)
        }
        #expect(ferry.stop() == 0)
        let said = try String(contentsOfFile: log, encoding: .utf8)
        #expect(said.contains("critical") && said.contains("drop_unsettled is on"), "\(said)")
    }

    @Test func `say of each alert how bad it is and what to do, and the handbook knows it`() throws {
        let alerts = try YAMLDecoder().decode(
            Alerts.self,
            from: String(contentsOf: Self.folder.appending(path: "alerts.yml"), encoding: .utf8)
        )
        let handbook = try String(
            contentsOf: Self.folder.deletingLastPathComponent().appending(path: "operations.md"),
            encoding: .utf8
        )
        for rule in alerts.groups.flatMap(\.rules) {
            #expect(["warning", "critical"].contains(rule.labels["severity"]), "\(rule.alert)")
            #expect(rule.annotations["summary"] != nil && rule.annotations["description"] != nil, "\(rule.alert)")
            #expect(handbook.contains("`\(rule.alert)`"), "\(rule.alert)")
        }
    }
}
