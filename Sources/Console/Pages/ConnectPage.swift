import LosslessJSON

/// Sources: made, and a client pointed at one of them, until its first call arrives.
extension Console {
    func connect(_ visit: ConsoleVisit) async throws -> Outcome {
        .page(try await connectPage(chosen: visit.query("source"), key: nil))
    }

    /// The page with snippets for one source; `key` is its write key when it was made just now: it is told this once.
    private func connectPage(chosen: String?, key: String?, fault: String? = nil) async throws -> Page {
        let answer = try await api.get(["sources"])
        let sources = answer["items"].list
        let source = sources.first { $0["name"].text == chosen } ?? sources.first
        let name = source?["name"].text
        let events = try await api.get(["events"], ["limit": "1", "source": name])["items"].list
        let url = answer["url"].text ?? "http://127.0.0.1:8080"
        let known = key ?? source?["writeKey"].text
        let view: View = [
            "sources": sources.map { source -> View in
                let own = source["name"].words
                return [
                    "name": own, "path": "/console/connect?source=\(own.percentEncoded)",
                    "act": "/console/connect/\(own.asSegment)", "isHere": own == name,
                    "isOn": source["enabled"] == true, "isEditable": source["managedBy"] == "database",
                    "isBuiltIn": source["writeKey"].text != nil, "hasFormerKey": source["writeKeys"].count > 1,
                ]
            },
            "source": name ?? "", "newKey": key ?? "", "fault": fault ?? "", "isKeyKnown": known != nil,
            "isOldKeyIn": key != nil && source.map { $0["writeKeys"].count > 1 } == true,
            "event": events.first.map(eventRow) as Any, "hasArrived": !events.isEmpty,
            "url": url, "host": url.split(separator: "/").last.map(String.init) ?? "", "key": known ?? "WRITE_KEY",
        ]
        return Page(title: "Connect", in: .start, template: "connect", view: view)
    }

    func makeSource(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit.field("name") ?? ""
        do {
            let made = try await api.post(["sources"], ["name": .string(name)])
            return .page(try await connectPage(chosen: name, key: made["writeKey"].text))
        } catch let refusal as AdminAPIClient.Refusal where refusal.status == 400 {
            return .page(try await connectPage(chosen: nil, key: nil, fault: refusal.words))
        }
    }

    func steerSource(_ visit: ConsoleVisit) async throws -> Outcome {
        let name = visit["source"]
        let said: String
        switch visit["verb"] {
        case "rotate":
            let made = try await api.post(["sources", name, "rotate"])
            return .page(try await connectPage(chosen: name, key: made["writeKey"].text))
        case "enable": said = "\(name) is taken again."
        case "disable": said = "What \(name) sends is rejected, and kept among the rejected messages."
        case "retire": said = "The former key of \(name) lets nobody in any more."
        case "remove": said = "\(name) is removed. What it has sent stays."
        default: throw AdminAPIClient.Refusal(status: 404, words: "There is no such act.")
        }
        _ = try await api.post(["sources", name, visit["verb"]])
        return .goTo("/console/connect", said: said)
    }
}
