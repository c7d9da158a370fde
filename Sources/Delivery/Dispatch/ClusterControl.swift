import LosslessJSON
package import Storage

/// What delivery is doing and what it can be told, whichever node it is that delivers.
package struct ClusterControl: Sendable {
    package let local: DeliveryControl
    package let nodes: Nodes
    private let erasures: Erasures
    private let now: @Sendable () -> Int64

    /// How long the beginning of an erasure may take: the lanes of all nodes come here, and jobs come to rest.
    private static let beginning = Duration.seconds(90)

    /// How long it may take until all nodes know what one of them has made.
    private static let knowing = Duration.seconds(3)

    /// - Parameters:
    ///   - local: of the lanes that run here.
    ///   - nodes: the others.
    ///   - erasures: where they are written down.
    ///   - now: milliseconds since 1970.
    package init(_ local: DeliveryControl, nodes: Nodes, erasures: Erasures, now: @escaping @Sendable () -> Int64) {
        self.local = local
        self.nodes = nodes
        self.erasures = erasures
        self.now = now
    }

    /// Every lane that runs; those of other nodes as they have told it last, about a second ago.
    package var statuses: [LaneStatus] {
        let others = nodes.otherLanes.flatMap { LaneStatus.list($0) }
        guard !others.isEmpty else { return local.statuses }
        return (local.statuses + others).sorted { ($0.integration, $0.kind.text) < ($1.integration, $1.kind.text) }
    }

    /// What is in memory of an event's operations in an integration; nothing when everything is recorded, or the node that
    /// delivers does not answer.
    package func operations(of seq: Int64, in integration: String, _ kind: Ledger.Kind) async -> [OperationStatus] {
        let question = NodeQuestion.operations(seq: seq, integration, kind)
        let answer = try? await ask(question, about: integration)
        guard let answer else { return await local.operations(of: seq, in: integration, kind) }
        return answer.arrayValue?.compactMap { OperationStatus($0) } ?? []
    }

    /// Lets an integration try at once, without waiting for its time: whether it runs.
    package func retryNow(_ integration: String) async throws(StorageError) -> Bool {
        guard let answer = try await ask(.retryNow(integration), about: integration) else {
            return local.retryNow(integration)
        }
        return answer.boolValue ?? false
    }

    /// Gives up what is still to be delivered of an event. Returns how many operations that is.
    package func giveUp(event seq: Int64, in integration: String) async throws(StorageError) -> Int {
        guard let answer = try await ask(.giveUp(seq: seq, integration), about: integration) else {
            return await local.giveUp(event: seq, in: integration)
        }
        return answer.numberValue?.int64.map(Int.init) ?? 0
    }

    private func ask(_ question: NodeQuestion, about integration: String) async throws(StorageError) -> JSON? {
        guard nodes.held(.integration(integration)) == nil else { return nil }
        return try await nodes.ask(question.text, holderOf: .integration(integration)).flatMap {
            try? JSON(parsing: $0)
        }
    }

    /// Begins an erasure, with all lanes at one node and no job under way.
    ///
    /// - Returns: the erasure; `nil` when a job did not come to rest: nothing was begun then.
    /// - Throws: `busy` where other nodes don't let go of their integrations, or don't answer.
    package func begin(_ new: NewErasure) async throws(StorageError) -> Erasure? {
        try await refuseForeign()
        if nodes.held(.erasing) == nil {
            let text = NodeQuestion.erase(new).text
            if let answer = try await nodes.ask(text, holderOf: .erasing, patience: Self.beginning) {
                let answer = try? JSON(parsing: answer)
                if let words = answer?.stringValue { throw StorageError(busy: words) }
                guard let number = answer?.numberValue?.int64 else { return nil }
                return try await erasures.erasure(number)
            }
        }
        return try await beginHere(new)
    }

    /// An erasure reaches the integrations that the node that is asked and the one that carries it out both have.
    private func refuseForeign() async throws(StorageError) {
        let start = ContinuousClock.now
        while true {
            // One that was made just now is known to all in a moment.
            let foreign = nodes.foreignIntegrations
            guard !foreign.isEmpty else { return }
            guard start.duration(to: .now) < Self.knowing, !Task.isCancelled else {
                throw StorageError(
                    busy: """
                        an erasure would not reach \(foreign.joined(separator: ", ")), which only other nodes have: ask a node \
                        that has all integrations, or give each the same configuration file. Nothing was changed
                        """
                )
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func beginHere(_ new: NewErasure) async throws(StorageError) -> Erasure? {
        try await refuseForeign()
        return try await nodes.gathering { () async throws(StorageError) in
            try await local.begin(new, in: erasures, now: now)
        }
    }

    /// Answers what another node asks.
    package func answer(_ question: String) async -> String {
        let answer: JSON
        switch NodeQuestion(question) {
        case .operations(let seq, let integration, let kind):
            answer = .array(await local.operations(of: seq, in: integration, kind).map(\.json))
        case .retryNow(let integration): answer = .bool(local.retryNow(integration))
        case .giveUp(let seq, let integration):
            answer = .number(JSON.Number(await local.giveUp(event: seq, in: integration)))
        case .erase(let new):
            do {
                answer = try await beginHere(new).map { .number(JSON.Number($0.number)) } ?? .null
            } catch {
                answer = .string("\(error)")
            }
        case nil: answer = .null
        }
        return answer.description
    }
}
