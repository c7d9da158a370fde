import ArgumentParser
import Events
import Foundation
import LosslessJSON

/// `ferry replay`: events of the log go into an integration once more.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a stretch of the log into an integration, beside what arrives meanwhile.",
        discussion: """
            Without options all of the log. Events keep their ids, so that Customer.io does not count again what it has \
            already; --as-new gives them new ones. Deletes, suppressions and merges are left out unless they are asked for, \
            or the integration has received nothing yet. Order holds within the replay, not between it and what arrives.
            """
    )

    @Argument(help: "The integration that the events go to.")
    var integration: String

    @OptionGroup var server: ServerOptions

    @Option(help: "From this time of receipt on: 2026-11-25T10:00:00Z, or 7d, 12h, 30m ago.")
    var from: String?

    @Option(help: "Before this time of receipt.")
    var until: String?

    @Option(help: "From the event of this number on.")
    var first: Int64?

    @Option(help: "Up to the event of this number.")
    var last: Int64?

    @Option(help: "Only events of this source.")
    var source: String?

    @Option(help: "Only track calls of this name.")
    var name: String?

    @Option(help: "Only events of this userId.")
    var userId: String?

    @Option(help: "Only events of this anonymousId.")
    var anonymousId: String?

    @Option(help: "Only events that name this e-mail address.")
    var email: String?

    @Option(help: "Requests a second, within what the integration may send.")
    var rate: Int?

    @Flag(help: "Give events new ids, so that they count once more.")
    var asNew = false

    @Flag(help: "Send deletes, suppressions and merges too.")
    var includeTakingAway = false

    @Flag(help: "Start it, and don't wait for its end.")
    var detach = false

    @Flag(help: "The admin API's JSON.")
    var json = false

    func run() async throws {
        let client = try server.client()
        let body = try wish()
        try await AdminClient.reportingFailures {
            let job = try await client.post("/admin/v1/replay", .object(body))
            if let meaning = job["meaning"]?.stringValue, !json { Terminal.error(meaning) }
            try await JobCommands.follow(job, client, detach: detach, json: json)
        }
    }

    private func wish() throws -> JSON.Object {
        var body: JSON.Object = ["integration": .string(integration)]
        let texts = [
            ("source", source), ("name", name), ("userId", userId), ("anonymousId", anonymousId), ("email", email),
        ]
        for (key, value) in texts { if let value { body[key] = .string(value) } }
        if let from { body["from"] = .string(try Self.time(from, "--from")) }
        if let until { body["until"] = .string(try Self.time(until, "--until")) }
        for (key, value) in [("first", first), ("last", last), ("rate", rate.map(Int64.init))] {
            if let value { body[key] = .number(JSON.Number(value)) }
        }
        if asNew { body["asNew"] = true }
        if includeTakingAway { body["includeTakingAway"] = true }
        return body
    }

    /// A time as it is, or so long ago.
    static func time(_ text: String, _ option: String) throws -> String {
        if let match = text.wholeMatch(of: /(\d{1,6})([dhm])/), let count = Int64(match.1) {
            let unit: Int64 = match.2 == "d" ? 86_400_000 : match.2 == "h" ? 3_600_000 : 60_000
            return Timestamp(milliseconds: Timestamp.now.milliseconds - count * unit).iso8601 ?? text
        }
        guard Timestamp(callTime: .string(text)) != nil else {
            throw ValidationError("\(option) must be a time such as 2026-11-25T10:00:00Z, or 7d, 12h, 30m")
        }
        return text
    }
}

/// `ferry jobs`: replays and retries of a running server.
struct JobCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Watch, pause, resume and stop replays and retries.",
        subcommands: [List.self, Pause.self, Resume.self, Stop.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List replays and retries, the newest first.")

        @OptionGroup var server: ServerOptions

        @Flag(help: "One JSON object a line.")
        var json = false

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let jobs = try await client.get("/admin/v1/jobs")["items"]?.arrayValue ?? []
                for job in jobs { Terminal.print(json ? job.description : JobCommands.line(job)) }
                if jobs.isEmpty { Terminal.error("there are none") }
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Pause a job. What is under way is finished.")
        @Argument(help: "Its number.") var number: Int64
        @OptionGroup var server: ServerOptions
        func run() async throws { try await JobCommands.move(number, "pause", server) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused job go on.")
        @Argument(help: "Its number.") var number: Int64
        @OptionGroup var server: ServerOptions
        func run() async throws { try await JobCommands.move(number, "resume", server) }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a job for good. What it has not sent stays as it was."
        )
        @Argument(help: "Its number.") var number: Int64
        @OptionGroup var server: ServerOptions
        func run() async throws { try await JobCommands.move(number, "stop", server) }
    }

    private static func move(_ number: Int64, _ how: String, _ server: ServerOptions) async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            Terminal.print(line(try await client.post("/admin/v1/jobs/\(number)/\(how)", [:])))
        }
    }

    /// Shows how far a job is until it has ended; the exit code is 1 if something of it failed.
    static func follow(_ job: JSON, _ client: AdminClient, detach: Bool, json: Bool) async throws {
        var job = job
        let number = job["number"] ?? .null
        while !detach, job["state"]?.stringValue == "running" {
            Terminal.progress(line(job))
            try await Task.sleep(for: .milliseconds(200))
            job = try await client.get("/admin/v1/jobs/\(number)")
        }
        Terminal.progress("")
        Terminal.print(json ? job.description : line(job))
        let failed = job["operations"]?["failed"]?.numberValue?.int64 ?? 0
        if !detach, failed > 0 || job["state"]?.stringValue != "done" { throw ExitCode.failure }
    }

    /// `3  replay  production  running  42 %  planned 120, delivered 118, failed 2`
    static func line(_ job: JSON) -> String {
        let text = { (name: String) in job[name]?.stringValue ?? "" }
        let counts = (job["operations"]?.objectValue ?? [:]).filter { $0.key == "planned" || $0.value != 0 }
            .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let progress = "\(job["progress"] ?? 0) %"
        return
            "\(job["number"] ?? .null)  \(text("kind"))  \(text("integration"))  \(text("state"))  \(progress)  \(counts)"
    }
}
