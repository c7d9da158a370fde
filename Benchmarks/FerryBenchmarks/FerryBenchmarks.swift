import ArgumentParser
import Foundation

/// The benchmarks: how fast one thread makes operations of messages, and how fast a server does.
///
/// Times are medians of several runs over the same messages; allocations are counted by a malloc of our own, which adds
/// about a nanosecond to each. Nothing here is part of Ferry.
@main
struct FerryBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry-benchmarks",
        abstract: "Measure parse, match, map, plan and encode on one thread, and the whole road through a server."
    )

    @Option(help: "Measure only what has this text in its name.")
    var filter: String?

    @Option(help: "A file of source messages, one JSON object a line, in the place of generated ones.")
    var events: String?

    @Option(help: "Measured runs; the table shows their median, lowest and highest.")
    var runs = 51

    @Option(help: "The ferry that the whole road goes through; by default the one beside this program.")
    var ferry: String?

    @Option(help: "Events of the whole road.")
    var roadEvents = 150_000

    @Option(help: "Events of each round through one, two and three nodes.")
    var nodeEvents = 150_000

    @Option(help: "Seconds of each round against the source API.")
    var intakeSeconds = 4.0

    @Option(help: "Events of the large log.")
    var logEvents = 1_000_000

    @Option(help: .hidden)
    var bareServer: String?

    func validate() throws {
        if logEvents < 100 { throw ValidationError("--log-events must be 100 or more") }
        if runs < 1 { throw ValidationError("--runs must be 1 or more") }
        if nodeEvents < 100 { throw ValidationError("--node-events must be 100 or more") }
        if roadEvents < 1 { throw ValidationError("--road-events must be 1 or more") }
    }

    func run() async throws {
        if let bareServer { return try await BareServer.run(readyFile: bareServer) }
        let messages = try Messages(file: events)
        print(messages.summary)
        let harness = Harness(runs: runs, filter: filter)
        var report = Report()
        try harness.checkThatAllocationsAreCounted()
        for benchmark in try PlanningPath(messages).benchmarks + jsonBenchmarks(messages) {
            if let measurement = harness.measure(benchmark) { report.measurements.append(measurement) }
        }
        if !report.measurements.isEmpty { print(report.text) }
        if isMeasured("log engines") { print(try await LogEngines(events: logEvents).run()) }
        guard let executable = server() else { return }
        if isMeasured("source api") { print(try await Intake(executable: executable, seconds: intakeSeconds).run()) }
        if isMeasured("large log") { print(try await LargeLog(executable: executable, events: logEvents).run()) }
        if isMeasured("whole road") {
            print(try await WholeRoad(executable: executable, events: roadEvents).run())
        }
        if isMeasured("workspace") {
            print(try await WorkspaceLoad(executable: executable, people: 100_000, events: 1_000_000).run())
        }
        if isMeasured("many nodes") { print(try await ManyNodes(executable: executable, events: nodeEvents).run()) }
        if isMeasured("isolation") { print(try await Isolation(executable: executable, events: 50_000).run()) }
    }

    private func isMeasured(_ name: String) -> Bool {
        filter.map(name.contains) ?? true
    }

    /// The program that servers are started of.
    private func server() -> String? {
        let neighbour = Bundle.main.bundleURL.appending(path: "ferry").path
        let executable = ferry ?? neighbour
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            print("the source API and the whole road are left out: there is no \(executable)")
            return nil
        }
        return executable
    }
}
