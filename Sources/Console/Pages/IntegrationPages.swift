import LosslessJSON

/// An integration, tab by tab.
extension Console {
    private static let tabs = [
        ("", "Overview"), ("sources", "Sources"), ("settings", "Settings"), ("actions", "Actions"),
        ("deliveries", "Deliveries"),
        ("failed", "Failed"), ("history", "History"),
    ]

    /// A page under the tabs of an integration, and whether it is changed here (`isEditable`).
    func tab(_ tab: String, of name: String, template: String, view: View) async throws -> Page {
        self.tab(tab, of: try await api.get(["integrations", name]), template: template, view: view)
    }

    private func tab(_ tab: String, of integration: JSON, template: String, view: View) -> Page {
        let name = integration["name"].words
        var view = view
        view["isEditable"] = integration["managedBy"] == "database"
        let root = "/console/integrations/\(name.asSegment)"
        view["integration"] = card(integration)
        view["tabs"] = Self.tabs.map { path, title -> View in
            ["path": path.isEmpty ? root : "\(root)/\(path)", "title": title, "isHere": path == tab]
        }
        let title = Self.tabs.first { $0.0 == tab }?.1 ?? ""
        return Page(title: "\(name): \(title)", in: .overview, template: template, view: view)
    }

    func integration(_ visit: ConsoleVisit) async throws -> Outcome {
        let integration = try await api.get(["integrations", visit["name"]])
        let lanes = integration["lanes"].list.map { lane -> View in
            [
                "kind": lane["kind"] == "live" ? "items" : "metrics", "position": lane["position"].count.grouped,
                "underWay": lane["underWay"].words, "concurrency": lane["concurrency"].words,
                "held": lane["held"].count.grouped, "road": lane["road"]?["state"].words ?? "",
            ]
        }
        let last = Self.span(named: visit.query("last"))
        let counts = try await api.get(["integrations", visit["name"], "counts"], ["last": last])
        let view: View = [
            "lanes": lanes, "chart": chart(of: counts, over: last),
            "spans": Self.spans(chosen: last, at: "/console/integrations/\(visit["name"].asSegment)"),
        ]
        return .page(tab("", of: integration, template: "integration", view: view))
    }

    func deliveries(_ visit: ConsoleVisit) async throws -> Outcome {
        let path = "/console/integrations/\(visit["name"].asSegment)/deliveries"
        let view = try await foundEvents(visit, in: visit["name"], path: path)
        return .page(try await tab("deliveries", of: visit["name"], template: "deliveries", view: view))
    }

    // MARK: Actions

    func actions(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit["name"]
        let actions = try await api.get(["integrations", name, "actions"])["items"].list
        let view: View = [
            "actions": actions.map { action -> View in
                var view = summary(of: action)
                view["path"] = Self.path(ofAction: action["name"].words, in: name)
                return view
            }
        ]
        return .page(try await tab("actions", of: name, template: "actions", view: view))
    }

    // MARK: History

    func history(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit["name"]
        let revisions = try await api.get(["integrations", name, "revisions"])["items"].list
        let view: View = [
            "revisions": revisions.enumerated().map { position, revision -> View in
                [
                    "number": revision["number"].words, "first": revision["firstEvent"].words,
                    "time": time(revision["at"]), "author": revision["author"].words, "isCurrent": position == 0,
                    "path": "/console/integrations/\(name.asSegment)/history/\(revision["number"].words)",
                ]
            }
        ]
        return .page(try await tab("history", of: name, template: "history", view: view))
    }

    func revision(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit["name"]
        let revision = try await api.get(["integrations", name, "revisions", visit["number"]])
        let lines = revision["difference"].words.split(separator: "\n", omittingEmptySubsequences: false)
        let newest = try await api.get(["integrations", name])["revision"]
        let view: View = [
            "number": revision["number"].words, "first": revision["firstEvent"].words, "time": time(revision["at"]),
            "author": revision["author"].words, "yaml": revision["yaml"].words,
            "isCurrent": revision["number"] == newest,
            "lines": lines.map { line -> View in
                ["text": String(line), "tone": line.hasPrefix("+") ? "added" : line.hasPrefix("-") ? "removed" : ""]
            },
            "path": "/console/integrations/\(name.asSegment)/history/\(revision["number"].words)",
        ]
        return .page(try await tab("history", of: name, template: "revision", view: view))
    }

    // MARK: Acts

    func putBack(_ visit: ConsoleVisit) async throws -> Outcome {
        let path = ["integrations", visit["name"], "revisions", visit["number"], "put-back"]
        _ = try await api.post(path)
        return .goTo(
            "/console/integrations/\(visit["name"].asSegment)/history",
            said: "Revision \(visit["number"]) holds again, as a new one."
        )
    }

    func steerIntegration(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit["name"]
        let said: String
        switch visit["verb"] {
        case "pause": said = "Nothing is sent to \(name) until it is resumed."
        case "resume": said = "\(name) goes on."
        case "retry": said = "\(name) is tried at once."
        default: throw AdminAPIClient.Refusal(status: 404, words: "There is no such act.")
        }
        _ = try await api.post(["integrations", name, visit["verb"]])
        return .goTo("/console/integrations/\(name.asSegment)", said: said)
    }

    func replay(_ visit: ConsoleVisit) async throws -> Outcome {
        var body: JSON.Object = ["integration": .string(visit["name"])]
        for name in ["from", "until", "source", "name", "userId", "anonymousId", "email"] {
            if let value = visit.field(name) { body[name] = .string(value) }
        }
        if let rate = visit.field("rate") {
            guard let number = Int64(rate) else {
                throw AdminAPIClient.Refusal(status: 400, words: "The rate is a whole number of requests a second.")
            }
            body["rate"] = .number(JSON.Number(number))
        }
        if visit.field("asNew") != nil { body["asNew"] = true }
        let job = try await api.post(["replay"], .object(body))
        return .goTo("/console/jobs/\(job["number"].words)", said: job["meaning"].text)
    }
}
