import LosslessJSON

/// What is in the embedded workspaces.
extension Console {
    /// Of one person or object.
    private static let shownRelationships = 50
    private static let workspaceTabs = [
        ("", "People"), ("objects", "Objects"), ("activity", "Activity"), ("metrics", "Metrics"),
        ("requests", "Requests"),
    ]

    func workspaces(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(["workspaces"])["items"].list
        let view: View = [
            "workspaces": found.map { workspace -> View in
                [
                    "name": workspace["name"].words, "region": workspace["region"].words,
                    "path": "/console/workspaces/\(workspace["name"].words.asSegment)",
                ]
            },
            "isEmpty": found.isEmpty,
        ]
        return .page(Page(title: "Workspaces", in: .workspaces, template: "workspaces", view: view))
    }

    private func page(_ tab: String, _ visit: ConsoleVisit, _ title: String, _ template: String, _ view: View)
        -> Outcome
    {
        let workspace = visit["workspace"]
        let root = "/console/workspaces/\(workspace.asSegment)"
        var view = view
        view["workspace"] = workspace
        view["root"] = root
        view["tabs"] = Self.workspaceTabs.map { path, title -> View in
            ["path": path.isEmpty ? root : "\(root)/\(path)", "title": title, "isHere": path == tab]
        }
        return .page(Page(title: "\(workspace): \(title)", in: .workspaces, template: template, view: view))
    }

    /// A list of a workspace, with its pager.
    private func list(
        _ path: [String],
        containing text: String? = nil,
        _ visit: ConsoleVisit,
        at address: String
    ) async throws -> (items: [JSON], pager: View) {
        let found = try await api.get(
            ["workspace"] + path,
            ["workspace": visit["workspace"], "limit": "50", "cursor": visit.query("cursor"), "contains": text]
        )
        let root = "/console/workspaces/\(visit["workspace"].asSegment)"
        let next = (found["next"]?.stringValue ?? found["next"]?.numberValue?.text)
        return (found["items"].list, Self.pager(root + address, visit.request.query, next: next))
    }

    // MARK: People

    func people(_ visit: ConsoleVisit) async throws -> Outcome {
        let workspace = visit["workspace"]
        let who = visit.query("who")
        if let who, visit.query("cursor") == nil, try await isThere(who, in: workspace) {
            return .goTo(Self.path(ofPerson: who, in: workspace), said: nil)
        }
        let (people, pager) = try await list(["people"], containing: who, visit, at: "")
        let view: View = [
            "people": people.map { person -> View in
                let identifiers = person["identifiers"]
                let key = identifiers?["cio_id"].text ?? identifiers?["id"].words ?? ""
                return [
                    "path": Self.path(ofPerson: "cio_\(key)", in: workspace),
                    "id": identifiers?["id"].words ?? "–", "email": identifiers?["email"].words ?? "–",
                    "attributes": (person["attributes"]?.objectValue?.count ?? 0),
                    "devices": person["devices"].list.count, "relationships": person["relationships"].list.count,
                ]
            },
            "isEmpty": people.isEmpty, "pager": pager, "who": who ?? "",
        ]
        return page("", visit, "People", "people", view)
    }

    /// Whether somebody has this id, address or cio_id as a whole.
    private func isThere(_ who: String, in workspace: String) async throws -> Bool {
        do {
            _ = try await api.get(["workspace", "people", who], ["workspace": workspace])
            return true
        } catch let refusal as AdminAPIClient.Refusal where refusal.status == 404 {
            return false
        }
    }

    func person(_ visit: ConsoleVisit) async throws -> Outcome {
        let workspace = visit["workspace"]
        let person = try await api.get(["workspace", "people", visit["person"]], ["workspace": workspace])
        let address = "/people/\(visit["person"].asSegment)"
        let (entries, pager) = try await list(["people", visit["person"], "activity"], visit, at: address)
        let identifiers = person["identifiers"]
        let name = identifiers?["id"].text ?? identifiers?["email"].text ?? identifiers?["cio_id"].words ?? ""
        let view: View = [
            "name": name, "identifiers": pairs(identifiers), "attributes": pairs(person["attributes"]),
            "hasAttributes": !(person["attributes"]?.objectValue ?? [:]).isEmpty,
            "devices": person["devices"].list.map { device -> View in
                [
                    "token": device["token"].words, "platform": device["platform"].words,
                    "time": time(device["last_used"]), "attributes": device["attributes"].words.shortened(to: 300),
                ]
            },
            "relationships": person["relationships"].list.prefix(Self.shownRelationships).map { relationship -> View in
                let (type, id) = (
                    relationship["identifiers"]?["object_type_id"].words ?? "",
                    relationship["identifiers"]?["object_id"].words ?? ""
                )
                return [
                    "type": type, "id": id, "path": Self.path(ofObject: type, id, in: workspace),
                    "attributes": relationship["relationship_attributes"].words.shortened(to: 200),
                ]
            },
            "moreRelationships": Self.more(person["relationships"]),
            "segments": person["segments"].list.map { ($0 as JSON?).words }.joined(separator: ", "),
            "isUnsubscribed": person["unsubscribed"] == true, "entries": entries.map { entry($0, in: workspace) },
            "hasEntries": !entries.isEmpty, "pager": pager,
            "eventsPath": identifiers?["id"].text.map { "/console/events?user_id=\($0.percentEncoded)" } ?? "",
        ]
        return page("", visit, name, "person", view)
    }

    /// How many relationships are not shown; empty for none.
    private static func more(_ relationships: JSON?) -> String {
        let count = relationships.list.count - shownRelationships
        return count > 0 ? Int64(count).grouped : ""
    }

    private func pairs(_ object: JSON?) -> [View] {
        let members = object?.objectValue ?? [:]
        // Many are shorter, so that the page stays small.
        let length = max(60, min(2_000, 15_000 / max(members.count, 1)))
        return members.map { member -> View in
            ["name": member.key, "value": (member.value as JSON?).words.shortened(to: length)]
        }
    }

    // MARK: Objects

    static func path(ofObject type: String, _ id: String, in workspace: String) -> String {
        "/console/workspaces/\(workspace.asSegment)/objects/\(type.asSegment)/\(id.asSegment)"
    }

    func objects(_ visit: ConsoleVisit) async throws -> Outcome {
        let (objects, pager) = try await list(["objects"], visit, at: "/objects")
        let view: View = [
            "objects": objects.map { object -> View in
                let (type, id) = (
                    object["identifiers"]?["object_type_id"].words ?? "",
                    object["identifiers"]?["object_id"].words ?? ""
                )
                return [
                    "type": type, "id": id, "path": Self.path(ofObject: type, id, in: visit["workspace"]),
                    "attributes": object["attributes"]?.objectValue?.count ?? 0,
                    "people": object["relationships"].list.count,
                ]
            },
            "isEmpty": objects.isEmpty, "pager": pager,
        ]
        return page("objects", visit, "Objects", "objects", view)
    }

    func object(_ visit: ConsoleVisit) async throws -> Outcome {
        let object = try await api.get(
            ["workspace", "objects", visit["type"], visit["id"]],
            ["workspace": visit["workspace"]]
        )
        let view: View = [
            "type": visit["type"], "id": visit["id"], "identifiers": pairs(object["identifiers"]),
            "attributes": pairs(object["attributes"]), "morePeople": Self.more(object["relationships"]),
            "people": object["relationships"].list.prefix(Self.shownRelationships).map { relationship -> View in
                let who = relationship["identifiers"]
                return [
                    "name": who?["id"].text ?? who?["email"].text ?? who?["cio_id"].words ?? "",
                    "path": Self.path(ofPerson: "cio_\(who?["cio_id"].words ?? "")", in: visit["workspace"]),
                    "attributes": relationship["relationship_attributes"].words.shortened(to: 200),
                ]
            },
        ]
        return page("objects", visit, visit["id"], "object", view)
    }

    // MARK: What happened

    func activity(_ visit: ConsoleVisit) async throws -> Outcome {
        let (entries, pager) = try await list(["activity"], visit, at: "/activity")
        let view: View = [
            "entries": entries.map { entry($0, in: visit["workspace"]) }, "isEmpty": entries.isEmpty, "pager": pager,
        ]
        return page("activity", visit, "Activity", "activity", view)
    }

    private func entry(_ entry: JSON, in workspace: String) -> View {
        let who = entry["customer_identifiers"]
        let name = who?["id"].text ?? who?["email"].text ?? entry["customer_id"].text
        let key = who?["cio_id"].text
        return [
            "type": entry["type"].words, "name": (entry["name"].text ?? entry["url"].text ?? "").shortened(to: 120),
            "who": name ?? entry["anonymous_id"].text ?? "–",
            "path": key.map { Self.path(ofPerson: "cio_\($0)", in: workspace) } ?? "",
            "time": time(entry["timestamp"]), "data": entry["data"].words.shortened(to: 400),
            "isDrop": entry["type"] == "ferry_dropped",
        ]
    }

    func metrics(_ visit: ConsoleVisit) async throws -> Outcome {
        let (metrics, pager) = try await list(["metrics"], visit, at: "/metrics")
        let view: View = [
            "metrics": metrics.map { metric -> View in
                [
                    "delivery": metric["delivery_id"].words, "name": (metric["metric"] ?? metric["name"]).words,
                    "time": time(metric["timestamp"]), "whole": metric.description.shortened(to: 500),
                ]
            },
            "isEmpty": metrics.isEmpty, "pager": pager,
        ]
        return page("metrics", visit, "Metrics", "metrics", view)
    }

    func requests(_ visit: ConsoleVisit) async throws -> Outcome {
        let (requests, pager) = try await list(["requests"], visit, at: "/requests")
        let view: View = [
            "requests": requests.map { request($0, in: visit["workspace"]) }, "isEmpty": requests.isEmpty,
            "pager": pager,
        ]
        return page("requests", visit, "Requests", "requests", view)
    }

    func request(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(
            ["workspace", "requests", visit["number"]],
            ["workspace": visit["workspace"]]
        )
        var view = request(found, in: visit["workspace"])
        view["headers"] = found["headers"].list.map { header -> View in
            ["name": (header.arrayValue?.first).words, "value": (header.arrayValue?.last).words]
        }
        view["body"] = Self.readable(found["body"].text)
        view["answer"] = Self.readable(found["answer"]?["body"].text)
        return page("requests", visit, "Request \(visit["number"])", "request", view)
    }

    private func request(_ request: JSON, in workspace: String) -> View {
        let status = request["answer"]?["status"]?.numberValue?.int64
        let number = request["number"].words
        return [
            "number": number, "time": time(request["at"]), "method": request["method"].words,
            "target": request["path"].words.shortened(to: 200), "microseconds": request["microseconds"].words,
            "status": status.map(String.init) ?? "–", "tone": status.map { $0 < 300 ? "good" : "bad" } ?? "quiet",
            "isFault": (request["fault"] ?? .null) != .null,
            "path": "/console/workspaces/\(workspace.asSegment)/requests/\(number)",
        ]
    }

    private static func readable(_ text: String?) -> String {
        guard let text else { return "not text" }
        return (try? JSON(parsing: Array(text.utf8))).map(\.shown.text) ?? text.shortened(to: 12_500)
    }

    func resetWorkspace(_ visit: ConsoleVisit) async throws -> Outcome {
        guard visit.field("confirm") == visit["workspace"] else {
            throw AdminAPIClient.Refusal(
                status: 400,
                words: "Nothing was changed: to empty a workspace, type its name, \(visit["workspace"])."
            )
        }
        _ = try await api.post(["workspace", "reset"], [:], ["workspace": visit["workspace"]])
        return .goTo("/console/workspaces/\(visit["workspace"].asSegment)", said: "The workspace is empty.")
    }
}
