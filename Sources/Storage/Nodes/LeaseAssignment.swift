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

    private func isThere(_ node: String?) -> Bool { members.contains { $0.id == node } }

    func isFree(_ name: LeaseName) -> Bool { rows.first { $0.name == name }?.holder == nil }

    /// The names of all that a node should hold.
    func names(for node: String) -> Set<LeaseName> {
        var names: Set<LeaseName> = []
        // Whoever carries these out goes on.
        for name in [LeaseName.erasing, .retention] {
            let holder = rows.first { $0.name == name }?.holder
            if holder == nil || holder == node { names.insert(name) }
        }
        // But an erasure has to reach all integrations.
        if gatherer == nil, isAnybodyWhole, !isWhole(node) { names.remove(.erasing) }
        for (name, holder) in integrations where holder == node { names.insert(name) }
        return names
    }

    private var isAnybodyWhole: Bool { members.contains { isWhole($0.id) } }

    /// Whether a node has every integration that any node has.
    private func isWhole(_ node: String) -> Bool {
        guard let own = members.first(where: { $0.id == node })?.integrations else { return false }
        return members.allSatisfy { own.isSuperset(of: $0.integrations) }
    }

    /// Whoever has one keeps it, unless another who could have it has less by two or more: so everybody has about as many, and
    /// nothing moves any more once it stands.
    private var integrations: [LeaseName: String] {
        let wished = Set(members.flatMap(\.integrations).map(LeaseName.integration))
        if let gatherer {
            let known = rows.map(\.name).filter { $0.integration != nil }
            return Dictionary(uniqueKeysWithValues: wished.union(known).map { ($0, gatherer) })
        }
        let rows = Dictionary(uniqueKeysWithValues: self.rows.map { ($0.name, $0) })
        let wanted = rows.compactMapValues { isThere($0.wantedBy) ? $0.wantedBy : nil }
            .filter { $0.key.integration != nil }
        // What nobody delivers to any more is nobody's, unless somebody is about to make it.
        let choices = wished.union(wanted.keys).sorted { $0.text < $1.text }.map { name in
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
            if let wanting = wanted[name] {
                assign(name, to: wanting)
            } else if let holder = rows[name]?.holder, able.contains(holder) {
                assign(name, to: holder)
            }
        }
        for (name, able) in choices where assigned[name] == nil {
            if let node = least(of: able) { assign(name, to: node) }
        }
        var isMoving = true
        while isMoving {
            isMoving = false
            for (name, able) in choices.reversed() where wanted[name] == nil {
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
