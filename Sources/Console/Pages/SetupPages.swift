import LosslessJSON

/// An integration from the directory to its first delivery: made, connected, tested, switched on; and its settings later.
extension Console {
    func directory(_ visit: ConsoleVisit) async throws -> Outcome {
        .page(Page(title: "Directory", in: .start, template: "directory", view: [:]))
    }

    func newIntegration(_ visit: ConsoleVisit) async throws -> Outcome {
        .page(try await newPage(visit, fault: nil))
    }

    private func newPage(_ visit: ConsoleVisit, fault: String?) async throws -> Page {
        let sources = try await api.get(["sources"])["items"].list
        let form = visit.request.form
        var view = destinationView(form["destination"] ?? "workspace", form["endpoint"] ?? "")
        view["name"] = form["name"] ?? "customerio"
        view["fault"] = fault as Any
        view["sources"] = sources.map { source -> View in
            let name = source["name"].words
            return ["name": name, "isChosen": form.isEmpty || form["source.\(name)"] != nil]
        }
        return Page(title: "Customer.io", in: .start, template: "new_integration", view: view)
    }

    private func destinationView(_ destination: String, _ endpoint: String) -> View {
        [
            "isWorkspace": destination == "workspace", "isUS": destination == "US", "isEU": destination == "EU",
            "isEndpoint": destination == "endpoint", "endpoint": endpoint,
        ]
    }

    func makeIntegration(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit.field("name") ?? ""
        var draft = Draft(name: name, section: ["type": "customerio", "enabled": false], base: nil)
        do {
            guard !name.isEmpty else {
                throw AdminAPIClient.Refusal(status: 400, words: "The integration needs a name.")
            }
            let known = try await api.get(["integrations"])["items"].list
            guard !known.contains(where: { $0["name"].text == name }) else {
                throw AdminAPIClient.Refusal(status: 400, words: "There is an integration \(name) already.")
            }
            setSources(visit, in: &draft)
            setDestination(visit, in: &draft)
            _ = try await save(draft)
            return .goTo(
                "/console/integrations/\(name.asSegment)/settings",
                said: "\(name) is made. Test the connection, then enable it."
            )
        } catch let refusal as AdminAPIClient.Refusal where refusal.status == 400 {
            return .page(try await newPage(visit, fault: refusal.words))
        }
    }

    private func setSources(_ visit: ConsoleVisit, in draft: inout Draft) {
        let chosen = visit.request.form.keys.filter { $0.hasPrefix("source.") }.map { String($0.dropFirst(7)) }.sorted()
        draft.section["sources"] = .array(chosen.map(JSON.string))
    }

    /// What is not said of a secret stays as it is.
    private func setDestination(_ visit: ConsoleVisit, in draft: inout Draft) {
        let destination = visit.field("destination") ?? "workspace"
        draft[setting: "account_region"] = ["US", "EU"].contains(destination) ? destination : nil
        draft[setting: "endpoint"] =
            destination == "workspace" ? "workspace" : destination == "endpoint" ? visit.field("endpoint") ?? "" : nil
        for (field, setting) in [("siteId", "site_id"), ("apiKey", "api_key")] {
            if let value = visit.field(field) { draft[setting: setting] = value }
        }
    }

    // MARK: Sources

    func sources(_ visit: ConsoleVisit) async throws -> Outcome {
        let draft = try await draft(of: visit["name"])
        let known = try await api.get(["sources"])["items"].list.map { $0["name"].words }
        // Without a list every source is meant.
        let chosen = draft.section["sources"]?.arrayValue?.compactMap(\.stringValue) ?? known
        let view: View = [
            "path": "/console/integrations/\(visit["name"].asSegment)/sources",
            "sources": known.map { name -> View in
                [
                    "name": name, "isChosen": chosen.contains { $0.hasSameBytes(as: name) },
                    "path": "/console/events?source=\(name.percentEncoded)",
                ]
            },
        ]
        return .page(try await tab("sources", of: visit["name"], template: "sources", view: view))
    }

    func editSources(_ visit: ConsoleVisit) async throws -> Outcome {
        var draft = try await draft(of: visit["name"])
        setSources(visit, in: &draft)
        let said = try await save(draft)
        return .goTo("/console/integrations/\(visit["name"].asSegment)/sources", said: said)
    }

    // MARK: Settings

    func settings(_ visit: ConsoleVisit) async throws -> Outcome {
        .page(try await settingsPage(visit, try await draft(of: visit["name"]), [:]))
    }

    private func settingsPage(_ visit: ConsoleVisit, _ draft: Draft, _ more: View) async throws -> Page {
        let endpoint = draft[setting: "endpoint"]
        let destination =
            endpoint == "workspace"
            ? "workspace" : endpoint == nil ? draft[setting: "account_region"] ?? "US" : "endpoint"
        var view = destinationView(destination, endpoint == "workspace" ? "" : endpoint ?? "")
        view["isEnabled"] = draft.section["enabled"] != false
        view["yaml"] = JSON.object(draft.section).shown.text
        view["path"] = "/console/integrations/\(visit["name"].asSegment)/settings"
        view["hasKeys"] = draft[setting: "site_id"] != nil
        view.merge(more) { $1 }
        return try await tab("settings", of: visit["name"], template: "settings", view: view)
    }

    func editSettings(_ visit: ConsoleVisit) async throws -> Outcome {
        var draft = try await draft(of: visit["name"])
        let path = "/console/integrations/\(visit["name"].asSegment)/settings"
        switch visit.field("act") {
        case "test":
            let check = try await api.post(["integrations", visit["name"], "check"])
            let said: View = ["isGood": check["state"] == "valid", "words": check["words"].words]
            return .page(try await settingsPage(visit, draft, ["check": said]))
        case "enable": draft.section["enabled"] = nil
        case "disable": draft.section["enabled"] = false
        case "remove":
            guard visit.field("confirm") == visit["name"] else {
                let words = "Nothing was changed: to remove an integration, type its name, \(visit["name"])."
                return .page(try await settingsPage(visit, draft, ["fault": words]))
            }
            _ = try await api.post(["integrations", visit["name"], "remove"])
            return .goTo("/console", said: "\(visit["name"]) is removed. What it has delivered stays told.")
        default:
            setDestination(visit, in: &draft)
        }
        do {
            return .goTo(path, said: try await save(draft))
        } catch let refusal as AdminAPIClient.Refusal where refusal.status == 400 {
            return .page(try await settingsPage(visit, draft, ["fault": refusal.words]))
        }
    }
}
