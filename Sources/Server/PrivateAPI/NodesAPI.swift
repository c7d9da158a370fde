import HTTPTypes
import LosslessJSON
import Storage

/// The processes that share the log, under `/admin/v1/nodes`: who is there, and what each does alone.
struct NodesAPI: Sendable {
    let nodes: Nodes

    func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.get, "/admin/v1/nodes", behind: door) { _, _ in .admin(.done, json: list) }
    }

    private var list: JSON {
        let items = nodes.all.map { node -> JSON in
            [
                "id": .string(node.id), "host": .string(node.about.host), "version": .string(node.about.version),
                "isThis": .bool(node.id == nodes.id), "isThere": .bool(node.isThere),
                "publicURL": .string(node.about.publicURL), "privateURL": .string(node.about.privateURL),
                "startedAt": .time(node.startedAt), "seenAt": .time(node.seenAt),
                "leases": .array(
                    node.leases.map { lease in
                        ["name": .string(lease.name.text), "number": .number(JSON.Number(lease.number))]
                    }
                ),
            ]
        }
        return ["isShared": .bool(!nodes.isAlone), "items": .array(items)]
    }
}
