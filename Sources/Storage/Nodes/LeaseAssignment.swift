/// Which node is to hold which lease. Every node works it out for itself, from the same rows.
struct LeaseAssignment {
    /// A node that was heard of lately, and the integrations that it can deliver to.
    struct Member {
        let id: String
        let integrations: Set<String>
    }

    /// A lease as it stands in the database.
    struct Row {
        let name: LeaseName
        let number: Int64
        /// `nil` when anybody may take it.
        let holder: String?
        /// Who needs it for a moment.
        let wantedBy: String?
    }

    /// In the order of their ids.
    let members: [Member]
    let rows: [Row]
    /// Who needs the leases of all integrations, if somebody does.
    let gatherer: String?

    func isFree(_ name: LeaseName) -> Bool { rows.first { $0.name == name }?.holder == nil }

    /// The names of all that a node should hold.
    func names(for node: String) -> Set<LeaseName> {
        var names: Set<LeaseName> = []
        // Whoever carries these out goes on.
        for name in [LeaseName.erasing, .retention] {
            let holder = rows.first { $0.name == name }?.holder
            if holder == nil || holder == node { names.insert(name) }
        }
        for (name, holder) in integrations where holder == node { names.insert(name) }
        return names
    }

    /// Everybody has about as many; whoever has one keeps it as long as that is so.
    private var integrations: [LeaseName: String] {
        let known = Set(rows.filter { $0.name.integration != nil }.map(\.name))
        let wished = members.flatMap(\.integrations).map(LeaseName.integration)
        let names = known.union(wished).sorted { $0.text < $1.text }
        if let gatherer { return Dictionary(uniqueKeysWithValues: names.map { ($0, gatherer) }) }
        let share = (names.count + members.count - 1) / max(members.count, 1)
        var assigned: [LeaseName: String] = [:]
        var counts: [String: Int] = [:]
        let rows = Dictionary(uniqueKeysWithValues: self.rows.map { ($0.name, $0) })
        func assign(_ name: LeaseName, to node: String) {
            assigned[name] = node
            counts[node, default: 0] += 1
        }
        func able(_ name: LeaseName) -> [Member] {
            members.filter { $0.integrations.contains(name.integration ?? "") }
        }
        for name in names {
            let able = able(name).map(\.id)
            if let wanting = rows[name]?.wantedBy, able.contains(wanting) {
                assign(name, to: wanting)
            } else if let holder = rows[name]?.holder, able.contains(holder), counts[holder, default: 0] < share {
                assign(name, to: holder)
            }
        }
        for name in names where assigned[name] == nil {
            let least = able(name).min { (counts[$0.id, default: 0], $0.id) < (counts[$1.id, default: 0], $1.id) }
            if let least { assign(name, to: least.id) }
        }
        return assigned
    }
}
