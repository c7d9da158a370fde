import Storage

/// Who waits for whom: an operation waits for the last one before it on each of its keys (delivery.md C.3).
///
/// Operations enter in the order of the log. One that leaves lets go of those that waited for it; who is free then may
/// be sent. Nobody else's order is kept: only what is here is related, so that the graph is empty when nothing waits.
struct OrderGraph: Sendable {
    private struct Node {
        let claims: [Claim]
        /// How many operations it still waits for.
        var blockers = 0
        var followers: [OperationID] = []
    }

    /// The end of the queue for one key: its last writer, and who has read it since.
    private struct Tail {
        var writer: OperationID?
        var readers: Set<OperationID> = []
    }

    private var nodes: [OperationID: Node] = [:]
    private var tails: [UInt64: Tail] = [:]

    /// Puts an operation behind all that are there. Whether it is free, because it waits for nobody.
    mutating func enter(_ id: OperationID, claims: [Claim]) -> Bool {
        var blockers: [OperationID] = []
        for claim in claims { queue(id, on: claim, behind: &blockers) }
        // One that is met on two keys is waited for once.
        if blockers.count > 1 { blockers = Array(Set(blockers)) }
        for blocker in blockers { nodes[blocker]?.followers.append(id) }
        nodes[id] = Node(claims: claims, blockers: blockers.count)
        return blockers.isEmpty
    }

    /// Becomes the end of the queue for a key. In place, because a popular object has thousands of readers.
    private mutating func queue(_ id: OperationID, on claim: Claim, behind blockers: inout [OperationID]) {
        func join(_ tail: inout Tail) {
            // Who has read since the last write came after it, and waits for it.
            if claim.isWrite, !tail.readers.isEmpty {
                blockers += tail.readers
            } else if let writer = tail.writer {
                blockers.append(writer)
            }
            if claim.isWrite { tail = Tail(writer: id) } else { tail.readers.insert(id) }
        }
        join(&tails[claim.key, default: Tail()])
    }

    /// Takes an operation out that waits for nobody, and returns those of its followers that are free now.
    mutating func leave(_ id: OperationID) -> [OperationID] {
        guard let node = nodes.removeValue(forKey: id) else { return [] }
        for claim in node.claims { leaveTail(of: claim.key, id) }
        var free: [OperationID] = []
        for follower in node.followers {
            nodes[follower]?.blockers -= 1
            if nodes[follower]?.blockers == 0 { free.append(follower) }
        }
        return free
    }

    private mutating func leaveTail(of key: UInt64, _ id: OperationID) {
        func drop(_ tail: inout Tail?) {
            if tail?.writer == id { tail?.writer = nil }
            tail?.readers.remove(id)
            if let left = tail, left.writer == nil, left.readers.isEmpty { tail = nil }
        }
        drop(&tails[key])
    }

    func isFree(_ id: OperationID) -> Bool {
        nodes[id]?.blockers == 0
    }

    func claims(of id: OperationID) -> [Claim] {
        nodes[id]?.claims ?? []
    }

    /// How many operations this one waits for.
    func blockers(of id: OperationID) -> Int {
        nodes[id]?.blockers ?? 0
    }

    /// Those that wait for this one.
    func followers(of id: OperationID) -> [OperationID] {
        nodes[id]?.followers ?? []
    }
}
