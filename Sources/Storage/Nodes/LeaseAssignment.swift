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

    /// Whoever has one keeps it, unless another who could have it has less by two or more: so everybody has about as many, and
    /// nothing moves any more once it stands.
    private var integrations: [LeaseName: String] {
        let known = Set(rows.filter { $0.name.integration != nil }.map(\.name))
        let names = known.union(members.flatMap(\.integrations).map(LeaseName.integration))
        if let gatherer { return Dictionary(uniqueKeysWithValues: names.map { ($0, gatherer) }) }
        let rows = Dictionary(uniqueKeysWithValues: self.rows.map { ($0.name, $0) })
        let choices = names.sorted { $0.text < $1.text }.map { name in
            (name, members.filter { $0.integrations.contains(name.integration ?? "") }.map(\.id))
        }
        var assigned: [LeaseName: String] = [:]
        var counts: [String: Int] = [:]
        func assign(_ name: LeaseName, to node: String) {
            if let before = assigned[name] { counts[before, default: 0] -= 1 }
            assigned[name] = node
            counts[node, default: 0] += 1
        }
        func least(of nodes: [String]) -> String? {
            nodes.min { (counts[$0, default: 0], $0) < (counts[$1, default: 0], $1) }
        }
        for (name, able) in choices {
            if let node = [rows[name]?.wantedBy, rows[name]?.holder].compactMap(\.self).first(where: able.contains) {
                assign(name, to: node)
            }
        }
        for (name, able) in choices where assigned[name] == nil {
            if let node = least(of: able) { assign(name, to: node) }
        }
        var isMoving = true
        while isMoving {
            isMoving = false
            for (name, able) in choices.reversed() where rows[name]?.wantedBy == nil {
                guard let node = assigned[name], let other = least(of: able),
                    counts[node, default: 0] > counts[other, default: 0] + 1
                else { continue }
                assign(name, to: other)
                isMoving = true
            }
        }
        return assigned
    }
}
