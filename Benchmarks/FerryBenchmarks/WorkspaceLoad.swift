import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import PostgresServer

/// The embedded workspace by itself: batches of its Track API, into SQLite and into PostgreSQL beside it, then how long it takes
/// to look at what is there.
struct WorkspaceLoad {
    let executable: String
    let people: Int
    let events: Int

    private static let configuration = """
        integrations:
          main: { type: customerio, settings: { endpoint: workspace, site_id: site, api_key: key } }
        """

    private struct Figures {
        let identified: Double
        let recorded: Double
        let memory: Int
        let looks: [(name: String, median: Double, longest: Double)]
    }

    func run() async throws -> String {
        let file = try await figures()
        guard PostgresServer.isInstalled else { return lines(file, beside: nil) }
        let postgres = try PostgresServer(settings: LogEngines.settings)
        return lines(file, beside: try await figures(in: try await postgres.database()))
    }

    private func lines(_ file: Figures, beside server: Figures?) -> String {
        func line(_ name: String, _ figure: String, _ other: String?, _ aim: String) -> String {
            let words = figure.padding(toLength: 31, withPad: " ", startingAt: 0)
            return "  \(name.padding(toLength: 25, withPad: " ", startingAt: 0)) \(words) "
                + "\((other ?? "").padding(toLength: 40, withPad: " ", startingAt: 0)) \(aim)"
        }
        func rate(_ name: String, _ figure: Double, _ other: Double?) -> String {
            let beside = other.map { String(format: "%.0f operations/s, %.2f times", $0, $0 / figure) }
            return line(name, String(format: "%.0f operations/s", figure), beside, "(aim in SQLite: 10,000)")
        }
        let looks = file.looks.enumerated().map { index, look in
            let beside = server.map { server in
                let other = server.looks[index]
                return String(format: "%.1f ms, the longest %.1f ms", other.median, other.longest)
            }
            let words = String(format: "%.1f ms, the longest %.1f ms", look.median, look.longest)
            return line(look.name, words, beside, "(aim: under 50)")
        }
        return """

            the embedded workspace: batches of 100 over 4 connections, \(people) people, then \(events) events
            \(line("", "SQLite", server == nil ? nil : "PostgreSQL", ""))
            \(rate("identifies", file.identified, server?.identified))
            \(rate("events", file.recorded, server?.recorded))
            \(line("memory", "\(file.memory) MB", server.map { "\($0.memory) MB" }, ""))
            \(looks.joined(separator: "\n"))
            """
    }

    private func figures(in database: String? = nil) async throws -> Figures {
        let server = try await FerryProcess(
            executable: executable,
            integrations: .written(Self.configuration),
            database: database
        )
        defer { server.stop() }
        let identifies = (0..<people).map { number in
            """
            {"type":"person","action":"identify","identifiers":{"id":"u\(number)"},"attributes":\
            {"email":"u\(number)@example.com","plan":"pro","first_name":"Ada","created_at":1700000000}}
            """
        }
        let identified = try await rate(of: identifies, server)
        let happened = (0..<events).map { number in
            """
            {"type":"person","action":"event","identifiers":{"id":"u\(number * 7919 % people)"},"name":"Order \(number % 50)",\
            "timestamp":1700000000,"attributes":{"total":\(number % 100).50,"currency":"EUR"}}
            """
        }
        let recorded = try await rate(of: happened, server)
        return Figures(
            identified: identified,
            recorded: recorded,
            memory: server.residentMegabytes,
            looks: try await looks(server)
        )
    }

    private func rate(of items: [String], _ server: FerryProcess) async throws -> Double {
        let bodies = stride(from: 0, to: items.count, by: 100).map { start in
            Array(("{\"batch\":[" + items[start..<min(start + 100, items.count)].joined(separator: ",") + "]}").utf8)
        }
        let port = URL(string: server.privateURL)?.port ?? 0
        let requests = bodies.map { LoadGenerator.request("/api/v2/batch", user: "site", password: "key", body: $0) }
        let load = LoadGenerator(ports: [port], connections: 4, requests: requests, sendsEachOnce: true)
        let result = try await load.run(seconds: 3600)
        guard result.refused == 0 else {
            throw FerryProcess.Failed(description: "\(result.refused) batches were refused")
        }
        return Double(items.count) / result.seconds
    }

    // MARK: Looking

    /// Each kind of reading, at the beginning, in the middle and page by page: the median and the longest.
    private func looks(_ server: FerryProcess) async throws -> [(name: String, median: Double, longest: Double)] {
        let root = server.privateURL + "/admin/v1/workspace"
        var looks: [(name: String, median: Double, longest: Double)] = []
        for (name, path) in [
            ("people, 100 a page", "/people?limit=100"), ("activity, 100 a page", "/activity?limit=100"),
            ("activity of one person", "/people/u7/activity?limit=100"), ("one person by id", "/people/u42"),
            ("one person by e-mail", "/people/U4711@example.com"), ("somebody unknown", "/people/nobody"),
        ] {
            var times: [Double] = []
            var cursor: String?
            for _ in 0..<200 {
                let url = root + path + (cursor.map { "&cursor=\($0)" } ?? "")
                let start = ContinuousClock.now
                let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
                let body = try await response.body.collect(upTo: 1 << 24)
                times.append(start.duration(to: .now) / .milliseconds(1))
                cursor = (try? JSON(parsing: Array(body.readableBytesView)))?["next"]?.stringValue
            }
            times.sort()
            looks.append((name, times[times.count / 2], times[times.count - 1]))
        }
        return looks
    }
}
