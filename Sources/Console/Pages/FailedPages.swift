import LosslessJSON

/// What failed for good, by reason: what helps, and what can be done with it.
extension Console {
    /// Reasons on the page, those with most first; what failed for others is in the list.
    private static let shownGroups = 20

    func failed(_ visit: ConsoleVisit) async throws -> Outcome {
        let integration = visit["name"].isEmpty ? visit.query("integration") : visit["name"]
        let groups = try await api.get(["failed", "groups"], ["integration": integration])["items"].list
        let words = visit.query("words")
        let action = visit.query("action")
        let path =
            visit["name"].isEmpty ? "/console/failed" : "/console/integrations/\(visit["name"].asSegment)/failed"
        let found = try await api.get(
            ["failed"],
            [
                "limit": "50", "cursor": visit.query("cursor"), "integration": integration, "words": words,
                "action": action,
            ]
        )
        var view: View = [
            "groups": groups.prefix(Self.shownGroups).map { card(of: $0, path) }, "isEmpty": groups.isEmpty,
            "hasSeveral": groups.count > 1, "only": integration ?? "",
            "more": groups.count > Self.shownGroups ? Int64(groups.count - Self.shownGroups).grouped : "",
            "isChosen": words != nil || action != nil,
            "operations": found["items"].list.map(failure), "path": path,
            "integration": integration ?? "", "words": words ?? "", "action": action ?? "",
            "exportPath": Self.path(
                "/console/failed/export",
                ["integration": integration, "action": action, "words": words]
            ),
            "total": groups.reduce(0) { $0 + $1["count"].count }.grouped,
        ]
        view["pager"] = Self.pager(path, visit.request.query, next: found["next"].text)
        guard !visit["name"].isEmpty else {
            return .page(Page(title: "Failed", in: .failed, template: "failed", view: view))
        }
        return .page(try await tab("failed", of: visit["name"], template: "failed", view: view))
    }

    /// A path with the parameters that have a value.
    private static func path(_ path: String, _ query: KeyValuePairs<String, String?>) -> String {
        let given = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        return given.isEmpty ? path : path + "?" + given.joined(separator: "&")
    }

    private func card(of group: JSON, _ path: String) -> View {
        let (words, action) = (group["words"].words, group["action"].words)
        return [
            "integration": group["integration"].words, "action": action, "words": words,
            "remedy": group["remedy"].words, "count": group["count"].count.grouped, "time": time(group["lastAt"]),
            "takesAway": group["takesAway"] == true,
            "sample": "/console/failed/operations/\(group["sample"].words)",
            "path": Self.path(path, ["integration": group["integration"].words, "action": action, "words": words]),
        ]
    }

    private func failure(_ failure: JSON) -> View {
        [
            "id": failure["id"].words, "path": "/console/failed/operations/\(failure["id"].words)",
            "event": failure["event"].words, "eventPath": "/console/events/\(failure["event"].words)",
            "integration": failure["integration"].words, "action": failure["action"].words,
            "words": failure["words"].words.shortened(to: 300), "attempts": failure["attempts"].words,
            "time": time(failure["failedAt"]), "takesAway": failure["takesAway"] == true,
        ]
    }

    func failedOperation(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(["failed", visit["id"]])
        var view = failure(found)
        view["remedy"] = found["remedy"].words
        view["now"] = (found["today"] ?? found["operation"] ?? .null).shown.text
        view["whole"] = found.shown.text
        return .page(Page(title: "A failed operation", in: .failed, template: "failed_operation", view: view))
    }

    /// Those that a form names: all of a reason, or all.
    private func chosen(_ visit: ConsoleVisit) throws -> JSON.Object {
        var body = JSON.Object()
        for name in ["integration", "action", "words"] {
            if let value = visit.field(name) { body[name] = .string(value) }
        }
        if visit.field("all") != nil, body.isEmpty { body["all"] = true }
        guard !body.isEmpty else {
            throw AdminAPIClient.Refusal(status: 400, words: "Nothing was changed: say which operations.")
        }
        return body
    }

    func retry(_ visit: ConsoleVisit) async throws -> Outcome {
        var body = try visit.field("id").map { ["id": .string($0)] } ?? chosen(visit)
        if visit.field("original") != nil { body["original"] = true }
        if visit.field("includeTakingAway") != nil { body["includeTakingAway"] = true }
        let answer = try await api.post(["failed", "retry"], .object(body))
        let jobs = answer["items"].list
        let number = jobs.first?["number"].words
        return .goTo(
            jobs.count == 1 ? "/console/jobs/\(number ?? "")" : "/console/jobs",
            said: "They are sent again, in their order."
        )
    }

    func discard(_ visit: ConsoleVisit) async throws -> Outcome {
        var body = try visit.field("id").map { ["ids": [.string($0)]] } ?? chosen(visit)
        var discarded: Int64 = 0
        // A call of the API lets go of some hundreds, and says where the next one goes on.
        while true {
            let answer = try await api.post(["failed", "discard"], .object(body))
            discarded += answer["discarded"].count
            guard let next = answer["next"], next != .null else { break }
            body["after"] = next
        }
        let what = discarded == 1 ? "1 operation is" : "\(discarded.grouped) operations are"
        return .goTo("/console/failed", said: "\(what) let go of.")
    }

    /// As a table for other programs. A cell that a spreadsheet would calculate begins with a quote.
    func exportFailed(_ visit: ConsoleVisit) async throws -> Outcome {
        var lines = ["id,integration,event,action,words,attempts,failedAt"]
        var cursor: String?
        repeat {
            let page = try await api.get(
                ["failed"],
                [
                    "limit": "1000", "cursor": cursor, "integration": visit.query("integration"),
                    "words": visit.query("words"), "action": visit.query("action"),
                ]
            )
            for failure in page["items"].list {
                let cells = ["id", "integration", "event", "action", "words", "attempts", "failedAt"]
                lines.append(cells.map { Self.cell(failure[$0].words) }.joined(separator: ","))
            }
            cursor = page["next"].text
        } while cursor != nil && lines.count < 100_000
        let text = lines.joined(separator: "\r\n") + "\r\n"
        return .file(DownloadedFile(name: "failed.csv", type: "text/csv; charset=utf-8", bytes: Array(text.utf8)))
    }

    static func cell(_ text: String) -> String {
        let isFormula = text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        return "\"" + safe.with("\"\"", for: "\"") + "\""
    }

    // MARK: Refused messages

    func rejected(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(
            ["rejected"],
            [
                // Each has what was sent.
                "limit": "20", "cursor": visit.query("cursor"), "code": visit.query("code"),
                "source": visit.query("source"),
            ]
        )
        var view: View = [
            "messages": found["items"].list.map { message -> View in
                [
                    "number": message["number"].words, "time": time(message["receivedAt"]),
                    "source": message["source"].text ?? "an unknown key", "code": message["code"].words,
                    "codePath": "/console/rejected?code=\(message["code"].words.percentEncoded)",
                    "reason": message["reason"].words, "path": message["path"].words,
                    "raw": message["raw"].words.shortened(to: 1_200), "isCut": message["isCut"] == true,
                ]
            },
            "isEmpty": found["items"].list.isEmpty, "count": found["count"].count.grouped,
            "code": visit.query("code") ?? "", "source": visit.query("source") ?? "",
        ]
        view["pager"] = Self.pager("/console/rejected", visit.request.query, next: found["next"].text)
        return .page(Page(title: "Rejected", in: .rejected, template: "rejected", view: view))
    }

    func accept(_ visit: ConsoleVisit) async throws -> Outcome {
        guard let number = visit.field("number").flatMap(Int64.init) else {
            throw AdminAPIClient.Refusal(status: 400, words: "Say which message.")
        }
        var body: JSON.Object = ["numbers": [.number(JSON.Number(number))]]
        if let source = visit.field("as") { body["as"] = .string(source) }
        let answer = try await api.post(["rejected", "accept"], .object(body))
        if let refused = answer["refused"].list.first {
            return .goTo("/console/rejected", said: refused["reason"].words)
        }
        return .goTo("/console/rejected", said: "Accepted: \(answer["accepted"].words).")
    }
}
