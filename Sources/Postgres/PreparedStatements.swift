/// Which statements the server has prepared for a connection, by their texts and types, and which it may forget.
struct PreparedStatements {
    struct Key: Hashable {
        let text: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: Int
    }

    private let bound: Int
    private var entries: [Key: Entry] = [:]
    private var uses = 0
    private var names = 0
    /// Names that are prepared but not needed any more: to be deallocated with the next statement.
    private(set) var superfluous: [String] = []

    init(bound: Int) {
        self.bound = max(bound, 1)
    }

    /// The name of a prepared statement.
    mutating func name(of key: Key) -> String? {
        guard let name = entries[key]?.name else { return nil }
        uses += 1
        entries[key]?.lastUse = uses
        return name
    }

    /// A name that no statement of this connection has had.
    mutating func newName() -> String {
        names += 1
        return "ferry_\(names)"
    }

    /// The server has prepared a statement; above the bound the one that was used least recently becomes superfluous.
    mutating func add(_ key: Key, _ name: String) {
        uses += 1
        entries[key] = Entry(name: name, lastUse: uses)
        guard entries.count > bound, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return
        }
        entries[oldest.key] = nil
        superfluous.append(oldest.value.name)
    }

    /// The server refused to carry out a statement. If that was for what it has prepared, it prepares it anew at its next use.
    mutating func wasRefused(_ key: Key, _ refusal: PostgresError) {
        switch refusal.sqlState {
        // It knows the name no longer, as after DISCARD ALL: then it knows none.
        case "26000":
            entries = [:]
            superfluous = []
        // The rows have other columns now, as after a migration.
        case "0A000":
            guard let entry = entries.removeValue(forKey: key) else { return }
            superfluous.append(entry.name)
        default: break
        }
    }

    /// The server knows this name no longer.
    mutating func wasDeallocated(_ name: String) {
        superfluous.removeAll { $0 == name }
    }
}
