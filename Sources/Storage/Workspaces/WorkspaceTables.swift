extension CopiedTable {
    /// The workspaces themselves.
    static let workspaces = numbered(
        "workspaces",
        by: "workspace",
        integers: ["people_made", "objects_made", "writes"],
        texts: ["name"],
        bytes: ["suppression_key"]
    )

    /// What opens some of them: no part of what is in them.
    static let workspaceKeys = CopiedTable(
        "workspace_keys",
        key: [text("name")],
        texts: ["site_id", "traits"],
        bytes: ["sealed"]
    )

    /// What is in workspaces, parents before children. The name of a number is the same wherever it is referred to.
    static let ofWorkspaces = [
        numbered(
            "people",
            by: "person",
            integers: ["workspace", "made_at"],
            texts: ["id", "email", "email_key", "cio_id", "phone", "attributes"]
        ),
        CopiedTable(
            "devices",
            key: [integer("workspace"), text("token")],
            integers: ["person", "last_used"],
            texts: ["platform", "attributes"]
        ),
        CopiedTable(
            "suppressed",
            key: [integer("workspace"), text("kind"), Column(name: "value", kind: .bytes)],
            integers: ["together"]
        ),
        CopiedTable("segment_members", key: ["workspace", "segment", "person"].map(integer)),
        numbered(
            "objects",
            by: "object",
            integers: ["workspace", "type", "made_at"],
            texts: ["id", "cio_id", "attributes"]
        ),
        CopiedTable("relationships", key: ["person", "object"].map(integer), texts: ["attributes"]),
        CopiedTable(
            "anonymous_relationships",
            key: [integer("workspace"), text("anonymous_id"), integer("object")],
            texts: ["attributes"]
        ),
        numbered(
            "activity",
            by: "entry",
            integers: ["workspace", "person", "timestamp", "logged_at"],
            texts: ["anonymous_id", "type", "name", "identifiers", "data"]
        ),
        CopiedTable(
            "anonymous_people",
            key: [integer("workspace"), text("anonymous_id")],
            integers: ["person", "joined_at"]
        ),
        CopiedTable("event_ids", key: [integer("workspace"), text("id")], integers: ["received_at"]),
        numbered(
            "metrics",
            by: "metric",
            integers: ["workspace", "timestamp"],
            texts: ["delivery_id", "name", "data"]
        ),
        numbered(
            "forms",
            by: "form",
            integers: ["workspace", "made_at", "submissions", "submitted_at"],
            texts: ["id"]
        ),
        CopiedTable(
            "deliveries",
            key: [integer("workspace"), text("id")],
            integers: ["person"],
            texts: ["channel"]
        ),
    ]

    private var belongsToWorkspace: Bool { columns.contains { $0.name == "workspace" } }

    /// Which of the rows are those of a workspace, whose number is the value.
    var isOfWorkspace: String {
        belongsToWorkspace ? "workspace = ?" : "person IN (SELECT person FROM people WHERE workspace = ?)"
    }
}
