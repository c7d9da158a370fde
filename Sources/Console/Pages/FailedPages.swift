import LosslessJSON

/// What failed for good, by reason: what helps, and what can be done with it.
extension Console {
    func failed(_ visit: ConsoleVisit) async throws -> Outcome {
        let integration = visit["name"].isEmpty ? visit.query("integration") : visit["name"]
        let groups = try await api.get(["failed", "groups"], ["integration": integration])["items"].list
        let words = visit.query("words")
        let action = visit.query("action")
        let path =
            visit["name"].isEmpty ? "/console/failed" : "/console/integrations/\(visit["name"].percentEncoded)/failed"
        let found = try await api.get(
            ["failed"],
            [
                "limit": "50", "cursor": visit.query("cursor"), "integration": integration, "words": words,
                "action": action,
            ]
        )
        var view: View = [
            "groups": groups.map { group($0, path) }, "isEmpty": groups.isEmpty,
            "isChosen": words != nil || action != nil,
            "operations": found["items"].list.map(failure), "path": path,
            "integration": integration ?? "", "words": words ?? "", "action": action ?? "",
            "total": groups.reduce(0) { $0 + $1["count"].count }.grouped,
        ]
        view["pager"] = Self.pager(path, visit.request.query, next: found["next"].text)
        guard !visit["name"].isEmpty else {
            return .page(Page(title: "Failed", in: .failed, template: "failed", view: view))
        }
        return .page(try await tab("failed", of: visit["name"], template: "failed", view: view))
    }

    private func group(_ group: JSON, _ path: String) -> View {
        let (words, action) = (group["words"].words, group["action"].words)
        return [
            "integration": group["integration"].words, "action": action, "words": words,
            "remedy": group["remedy"].words, "count": group["count"].count.grouped, "time": time(group["lastAt"]),
            "sample": "/console/failed/operations/\(group["sample"].words)",
            "path": "\(path)?integration=\(group["integration"].words.percentEncoded)&action=\(action.percentEncoded)"
                + "&words=\(words.percentEncoded)",
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

    /// Those that a form names: one by its id, or all of a reason.
    private func chosen(_ visit: ConsoleVisit) -> JSON.Object {
        var body = JSON.Object()
        if let id = visit.field("id") {
            body["ids"] = [.string(id)]
            return body
        }
        for name in ["integration", "action", "words"] {
            if let value = visit.field(name) { body[name] = .string(value) }
        }
        if body.isEmpty { body["all"] = true }
        return body
    }

    func retry(_ visit: ConsoleVisit) async throws -> Outcome {
        var body = chosen(visit)
        if visit.field("original") != nil { body["original"] = true }
        if visit.field("includeTakingAway") != nil { body["includeTakingAway"] = true }
        let answer = try await api.post(["failed", "retry"], .object(body))
        let jobs = answer["jobs"].list
        let number = jobs.first?["number"].words
        return .goTo(
            jobs.count == 1 ? "/console/jobs/\(number ?? "")" : "/console/jobs",
            said: "They are sent again, in their order."
        )
    }

    func discard(_ visit: ConsoleVisit) async throws -> Outcome {
        let answer = try await api.post(["failed", "discard"], .object(chosen(visit)))
        return .goTo("/console/failed", said: "\(answer["discarded"].count.grouped) operations are let go of.")
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
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }

    // MARK: Refused messages

    func rejected(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(
            ["rejected"],
            [
                "limit": "50", "cursor": visit.query("cursor"), "code": visit.query("code"),
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
                    "raw": message["raw"].words.shortened(to: 4_000), "isCut": message["isCut"] == true,
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
