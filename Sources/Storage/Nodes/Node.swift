/// One of the processes that share a database.
package struct Node: Sendable, Equatable {
    package let id: String
    package let about: Nodes.About
    /// Milliseconds since 1970, by the database's clock; `seenAt` is its last beat.
    package let startedAt: Int64
    package let seenAt: Int64
    /// Whether its last beat is so recent that what it holds is its own.
    package let isThere: Bool
    /// What it holds, with the number of each.
    package let leases: [(name: LeaseName, number: Int64)]

    package static func == (left: Node, right: Node) -> Bool {
        (left.id, left.seenAt, left.about) == (right.id, right.seenAt, right.about)
    }
}

/// What all nodes share and nobody owns.
package struct SharedState: Sendable, Equatable {
    /// Rises with each change of integrations and sources.
    package var configuration: Int64 = 0
    /// Whether the log is at its size, and takes nothing.
    package var isFull = false
    /// Rises when all nodes are to forget what they keep in memory of requests, because somebody is erased.
    package var forgotten: Int64 = 0

    package init() {}
}

/// What a node looks at several times a second.
package struct Glance: Sendable, Equatable {
    /// The last event of the log.
    package let lastSequence: Int64
    package let configuration: Int64
    package let hasQuestions: Bool
}
