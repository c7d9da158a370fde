/// A table as both engines have it, for what takes rows along: copies of logs, snapshots of workspaces.
struct CopiedTable: Sendable {
    enum Kind: Sendable {
        case integer, text, bytes
    }

    struct Column: Sendable {
        let name: String
        let kind: Kind
    }

    let name: String
    /// Those of the key come first.
    let columns: [Column]
    private let keyCount: Int
    /// Whether the engine gives out the keys, and never one twice.
    let isNumbered: Bool
    /// Rows that are read and written at a time.
    let pageRows: Int
    /// Bytes of texts and bodies that are read and written at a time: a body may have 64 KiB, and what was refused more.
    static let pageBytes = 8 << 20

    init(
        _ name: String,
        key: [Column],
        integers: [String] = [],
        texts: [String] = [],
        bytes: [String] = [],
        isNumbered: Bool = false,
        pageRows: Int = 5_000
    ) {
        self.name = name
        self.isNumbered = isNumbered
        self.pageRows = pageRows
        keyCount = key.count
        columns =
            key + integers.map { Column(name: $0, kind: .integer) } + texts.map { Column(name: $0, kind: .text) }
            + bytes.map { Column(name: $0, kind: .bytes) }
    }

    /// Those with a number of their own as the key.
    static func numbered(
        _ name: String,
        by key: String,
        integers: [String] = [],
        texts: [String] = [],
        bytes: [String] = [],
        pageRows: Int = 5_000
    ) -> CopiedTable {
        CopiedTable(
            name,
            key: [integer(key)],
            integers: integers,
            texts: texts,
            bytes: bytes,
            isNumbered: true,
            pageRows: pageRows
        )
    }

    static func integer(_ name: String) -> Column { Column(name: name, kind: .integer) }
    static func text(_ name: String) -> Column { Column(name: name, kind: .text) }

    // MARK: Statements

    var columnList: String { columns.map(\.name).joined(separator: ", ") }

    var keyList: String { columns.prefix(keyCount).map(\.name).joined(separator: ", ") }

    /// How many bytes the texts and bytes of a row have, for PostgreSQL; `nil` where there are none.
    var size: String? {
        let columns = columns.filter { $0.kind != .integer }
        return columns.isEmpty ? nil : columns.map { "coalesce(octet_length(\($0.name)), 0)" }.joined(separator: " + ")
    }

    /// The key as the values of a statement.
    func key(of row: CopiedRow) -> [any StoredValue] { row.values.prefix(keyCount).map(\.stored) }

    // MARK: All of them

    static let events = CopiedTable(
        "events",
        key: [integer("seq")],
        integers: ["received_at"],
        texts: ["source", "message_id", "type", "name", "user_id", "anonymous_id"],
        bytes: ["body"],
        pageRows: 1_000
    )

    static let secrets = CopiedTable("secrets", key: [text("name")], bytes: ["value"])

    /// By which messages are recognised (`LogCopy+Keys`).
    static let seen = CopiedTable(
        "seen",
        key: [Column(name: "key", kind: .bytes)],
        integers: ["seq", "received_at"],
        pageRows: 20_000
    )

    /// What is changed while erasing goes on.
    static let erasures = numbered(
        "erasures",
        by: "number",
        integers: [
            "last", "telling", "position", "events", "operations", "people", "activities", "replaced", "started_at",
            "ended_at",
        ],
        texts: ["stage", "person", "command"]
    )

    /// Everything but the secret and the events, which begin a copy, and the keys of messages.
    static let others = [
        CopiedTable("repeats", key: [integer("seq")], integers: ["times", "last_at"]),
        CopiedTable(
            "kept_events",
            key: [integer("seq")],
            integers: ["received_at"],
            texts: ["source"],
            bytes: ["body"],
            pageRows: 1_000
        ),
        numbered(
            "cursors",
            by: "id",
            integers: ["start", "position", "last_mark", "read_through"],
            texts: ["integration", "kind"]
        ),
        CopiedTable(
            "exceptions",
            key: ["cursor", "seq", "place"].map(integer),
            integers: ["state", "takes_away", "attempts", "first_failed_at", "failing_for", "due_at", "at"],
            texts: ["action", "words"],
            bytes: ["claims"]
        ),
        numbered(
            "requests",
            by: "number",
            integers: ["cursor", "low", "sent_at", "ms", "status"],
            texts: ["words", "trace"],
            bytes: ["operations"]
        ),
        numbered("verdicts", by: "id", texts: ["text"]),
        CopiedTable("tallies", key: ["cursor", "minute", "verdict"].map(integer), integers: ["count"]),
        numbered(
            "jobs",
            by: "id",
            integers: [
                "first", "last", "place", "rate", "as_new", "includes_taking_away", "origin", "revision", "cursor",
                "started_at", "ended_at",
            ],
            texts: [
                "kind", "integration", "state", "source", "name", "user_id", "anonymous_id", "email", "action", "words",
            ]
        ),
        CopiedTable(
            "revisions",
            key: [text("integration"), integer("number")],
            integers: ["first_event", "at"],
            texts: ["author", "text", "changed_secrets"],
            pageRows: 100
        ),
        numbered("kept_integrations", by: "number", texts: ["name"]),
        CopiedTable("sealed_secrets", key: ["integration", "setting"].map(text), bytes: ["sealed"]),
        CopiedTable("paused_integrations", key: [text("name")]),
        CopiedTable("ended_sessions", key: [text("id")], integers: ["ends_at"]),
        numbered(
            "kept_sources",
            by: "number",
            integers: ["is_enabled"],
            texts: ["name"],
            bytes: ["sealed", "former"]
        ),
        numbered(
            "refused_messages",
            by: "number",
            integers: ["is_cut", "received_at", "size"],
            texts: ["source", "code", "reason", "path", "peer"],
            bytes: ["raw", "envelope", "key_mark"],
            pageRows: 1_000
        ),
        CopiedTable("refused_size", key: [integer("one")], integers: ["messages", "bytes", "stranger_bytes"]),
        erasures,
        CopiedTable(
            "erasure_commands",
            key: [integer("erasure"), text("integration")],
            integers: ["attempts", "at", "people", "activities"],
            texts: ["command", "workspace", "answer", "words"]
        ),
    ]
}
