import LosslessJSON

/// The processes that share the log, and what each of them does alone.
extension Console {
    func nodes(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(["nodes"])
        let view: View = [
            "isShared": found["isShared"] == true,
            "nodes": found["items"].list.map { node -> View in
                let isThere = node["isThere"] == true
                return [
                    "id": node["id"].words, "host": node["host"].words, "version": node["version"].words,
                    "isThis": node["isThis"] == true, "state": isThere ? "there" : "silent",
                    "tone": tone(of: isThere ? "healthy" : "unreachable"),
                    "publicURL": node["publicURL"].words, "privateURL": node["privateURL"].words,
                    "started": time(node["startedAt"]), "seen": time(node["seenAt"]),
                    "leases": node["leases"].list.map { lease -> View in
                        ["name": lease["name"].words, "number": lease["number"].words]
                    },
                ]
            },
        ]
        return .page(Page(title: "Nodes", template: "nodes", view: view))
    }
}
