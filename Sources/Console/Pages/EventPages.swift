import LosslessJSON

/// The events of the log: found, and one with its whole story.
extension Console {
    /// What the search looks for, as the API names it, with its label.
    static let eventFilters: [(name: String, label: String)] = [
        ("user_id", "User id"), ("email", "E-mail"), ("anonymous_id", "Anonymous id"), ("name", "Event name"),
        ("message_id", "Message id"), ("source", "Source"),
    ]
    private static let types = ["identify", "track", "page", "screen", "group", "alias"]
    private static let states = [
        "delivered", "failed", "retrying", "sending", "waiting", "ignored", "not for this integration", "erased",
    ]

    func events(_ visit: ConsoleVisit) async throws -> Outcome {
        let view = try await foundEvents(visit, in: nil, path: "/console/events")
        return .page(Page(title: "Events", in: .events, template: "events", view: view))
    }

    /// A page of events that a search finds, in one integration or whatever became of them.
    func foundEvents(_ visit: ConsoleVisit, in integration: String?, path: String) async throws -> View {
        let query = { (name: String) in visit.query(name) }
        let found = try await api.get(
            ["events"],
            [
                "limit": "50", "cursor": query("cursor"), "user_id": query("user_id"), "email": query("email"),
                "anonymous_id": query("anonymous_id"), "name": query("name"), "message_id": query("message_id"),
                "source": query("source"), "type": query("type"), "state": query("state"), "action": query("action"),
                "from": query("from"), "until": query("until"), "integration": integration ?? query("integration"),
            ]
        )
        let given = visit.request.query.filter { $0.key != "cursor" && !$0.value.isEmpty }
        var view: View = [
            "events": found["items"].list.map(eventRow), "isEmpty": found["items"].list.isEmpty,
            "isFiltered": !given.isEmpty, "path": path,
            "filters": Self.eventFilters.map { ["name": $0.name, "label": $0.label, "value": query($0.name) ?? ""] },
            "types": Self.options(Self.types, chosen: query("type")),
            "states": Self.options(Self.states, chosen: query("state")),
            "from": query("from") ?? "", "until": query("until") ?? "", "action": query("action") ?? "",
        ]
        view["pager"] = Self.pager(path, visit.request.query, next: found["next"].text)
        return view
    }

    static func options(_ values: [String], chosen: String?) -> [View] {
        values.map { ["value": $0, "isChosen": $0 == chosen] }
    }

    /// Where the next page of a list is; the first one is where there is no cursor.
    static func pager(_ path: String, _ query: [String: String], next: String?) -> View {
        let kept = query.filter { $0.key != "cursor" && !$0.value.isEmpty }.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value.percentEncoded)" }
        let address = { (more: [String]) in
            let all = kept + more
            return all.isEmpty ? path : path + "?" + all.joined(separator: "&")
        }
        return [
            "hasPager": next != nil || query["cursor"] != nil,
            "first": query["cursor"] == nil ? "" : address([]),
            "next": next.map { address(["cursor=\($0.percentEncoded)"]) } ?? "",
        ]
    }

    func eventRow(_ event: JSON) -> View {
        [
            "number": event["number"].words, "path": "/console/events/\(event["number"].words)",
            "type": event["type"].words, "name": event["name"].text?.shortened(to: 120) ?? "",
            "who": (event["userId"].text ?? event["anonymousId"].text)?.shortened(to: 80) ?? "–",
            "isAnonymous": event["userId"].text == nil && event["anonymousId"].text != nil,
            "source": event["source"].words, "isErased": event["erased"] == true,
            "time": time(event["receivedAt"]),
        ]
    }

    // MARK: One event

    func event(_ visit: ConsoleVisit) async throws -> Outcome {
        let story = try await api.get(["events", visit["number"]])
        let message = story["message"] ?? .null
        let (text, isCut) = message.shown
        let person = message["userId"].text
        let workspaces = try await workspaces(knowing: person)
        let last = try await api.get(["log"])["last"].count
        let deliveries = story["integrations"].list
        let bodyBytes = 25_000 / max(deliveries.reduce(0) { $0 + $1["operations"].list.count }, 1)
        let view: View = [
            "number": story["number"].words, "source": story["source"].words, "time": time(story["receivedAt"]),
            "type": message["type"].words, "name": message["event"].text ?? message["name"].text ?? "",
            "who": person ?? message["anonymousId"].text ?? "–", "messageId": message["messageId"].words,
            "isErased": story["erased"] == true, "words": story["words"].text ?? "",
            "message": text, "isCut": isCut,
            "repeated": story["repeated"].map { repeated -> View in
                ["times": repeated["times"].words, "time": time(repeated["lastAt"])]
            } as Any,
            "curl": Self.curl(message, to: try await api.get(["sources"])["url"].text ?? ""),
            "test": Self.test(message, story),
            "people": person.map { person in
                workspaces.map { ["workspace": $0, "path": Self.path(ofPerson: person, in: $0)] }
            } ?? [],
            "integrations": deliveries.map { integration($0, of: visit["number"], bodyBytes: bodyBytes) },
            "next": Int64(visit["number"]) == last ? "" : Self.neighbour(visit["number"], 1),
            "previous": Self.neighbour(visit["number"], -1),
        ]
        let name = message["event"].text ?? message["type"].text ?? "erased"
        return .page(
            Page(
                title: "Event \(story["number"].words): \(name.shortened(to: 60))",
                in: .events,
                template: "event",
                view: view
            )
        )
    }

    /// The embedded workspaces in which there is somebody, of the first few.
    private func workspaces(knowing person: String?) async throws -> [String] {
        guard let person else { return [] }
        var knowing: [String] = []
        for workspace in try await api.get(["workspaces"])["items"].list.prefix(5) {
            let name = workspace["name"].words
            do {
                _ = try await api.get(["workspace", "people", person], ["workspace": name])
                knowing.append(name)
            } catch let refusal as AdminAPIClient.Refusal where refusal.status == 404 {
                continue
            }
        }
        return knowing
    }

    private static func neighbour(_ number: String, _ step: Int64) -> String {
        Int64(number).map { $0 + step }.flatMap { $0 > 0 ? "/console/events/\($0)" : nil } ?? ""
    }

    private func integration(_ delivery: JSON, of number: String, bodyBytes: Int) -> View {
        let state = delivery["state"].words
        let name = delivery["integration"].words
        let trace = delivery["trace"].list
        return [
            "name": name, "path": "/console/integrations/\(name.asSegment)", "number": number,
            "state": state, "tone": tone(of: state), "revision": delivery["revision"].words,
            "isMeant": delivery["operations"] != nil,
            "canGiveUp": ["retrying", "waiting", "sending"].contains(state),
            "operations": delivery["operations"].list.map { operation($0, bodyBytes) },
            "ignored": delivery["ignored"].list.map { ["action": $0["action"].words, "reason": $0["reason"].words] },
            "warnings": delivery["warnings"].list.map { ["action": $0["action"].words, "words": $0["message"].words] },
            "fired": trace.filter { $0["trigger"]?["matches"] == true }.map(verdict),
            "others": trace.filter { $0["trigger"]?["matches"] != true }.map(verdict),
            "hasOthers": trace.contains { $0["trigger"]?["matches"] != true },
        ]
    }

    private func operation(_ operation: JSON, _ bodyBytes: Int) -> View {
        let state = operation["state"].words
        let (body, _) = (operation["body"] ?? .null).shown(within: bodyBytes)
        return [
            "action": operation["action"].words, "method": operation["method"].words, "path": operation["path"].words,
            "body": body, "state": state, "tone": tone(of: state),
            "words": operation["words"].text ?? "", "remedy": operation["remedy"].text ?? "",
            "id": operation["id"].text ?? "", "isFailed": state == "failed",
            "takesAway": ["delete", "suppress", "merge"].contains(operation["body"]?["action"].text ?? ""),
            "nextTry": operation["nextTryAt"].map { time($0) } as Any,
            "attempts": operation["attempts"].list.map { attempt -> View in
                let status = attempt["status"]?.numberValue?.int64
                return [
                    "time": time(attempt["sentAt"]), "milliseconds": attempt["milliseconds"].words,
                    "status": status.map(String.init) ?? "no answer", "words": attempt["words"].text ?? "",
                    "tone": status.map { $0 < 300 ? "good" : "bad" } ?? "bad",
                ]
            },
        ]
    }

    private func verdict(_ action: JSON) -> View {
        [
            "action": action["action"].words, "isOff": action["enabled"] == false,
            "clause": (action["trigger"]?["clause"].text ?? "").shortened(to: 500),
            "reason": (action["trigger"]?["reason"].text ?? "").shortened(to: 300),
            "fields": action["fields"].list.map { field -> View in
                [
                    "field": field["field"].words, "from": field["from"].words,
                    "value": field["value"].words.shortened(to: 300),
                ]
            },
        ]
    }

    // MARK: To take along

    /// A call that sends the same message, as a new one.
    private static func curl(_ message: JSON, to url: String) -> String {
        guard var object = message.objectValue, let type = object["type"].text else { return "" }
        for key in ["type", "messageId", "receivedAt", "originalTimestamp", "sentAt"] { object[key] = nil }
        let body = JSON.object(object).pasted.with("'\\''", for: "'")
        guard body.utf8.count < 4_000 else { return "" }
        return "curl -u WRITE_KEY: \(url)/v1/\(type) -H 'Content-Type: application/json' -d '\(body)'"
    }

    /// A test for `ferry check`: this message, and what is made of it today. JSON is YAML.
    private static func test(_ message: JSON, _ story: JSON) -> String {
        guard message.objectValue != nil, message.encodedCount < 4_000 else { return "" }
        var lines = ["tests:"]
        for delivery in story["integrations"].list where delivery["operations"] != nil {
            let expected = delivery["operations"].list.map { operation -> JSON in
                ["action": operation["action"] ?? .null, "body": operation["body"] ?? .null]
            }
            lines.append("  - name: \(JSON.string("event \(story["number"].words)").description)")
            lines.append("    integration: \(JSON.string(delivery["integration"].words).description)")
            lines.append("    event: \(message.pasted)")
            lines.append("    expect: \(JSON.array(expected).pasted)")
        }
        let text = lines.joined(separator: "\n")
        // Half a test is none.
        return lines.count == 1 || text.utf8.count > 12_000 ? "" : text
    }

    static func path(ofPerson person: String, in workspace: String) -> String {
        "/console/workspaces/\(workspace.asSegment)/people/\(person.asSegment)"
    }

    // MARK: Acts

    func replayEvent(_ visit: ConsoleVisit) async throws -> Outcome {
        let number = visit["number"]
        guard let seq = Int64(number), let integration = visit.field("integration") else {
            throw AdminAPIClient.Refusal(status: 400, words: "Say which event goes to which integration.")
        }
        let body: JSON = [
            "integration": .string(integration), "first": .number(JSON.Number(seq)), "last": .number(JSON.Number(seq)),
        ]
        let job = try await api.post(["replay"], body)
        return .goTo("/console/jobs/\(job["number"].words)", said: "Event \(number) goes to \(integration) again.")
    }

    func giveUpEvent(_ visit: ConsoleVisit) async throws -> Outcome {
        let integration = visit.field("integration") ?? ""
        guard let seq = Int64(visit["number"]) else {
            throw AdminAPIClient.Refusal(status: 400, words: "The number of an event is a whole number.")
        }
        _ = try await api.post(["integrations", integration, "give-up"], ["event": .number(JSON.Number(seq))])
        return .goTo("/console/events/\(seq)", said: "What waited of it for \(integration) is given up.")
    }
}
