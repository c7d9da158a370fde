import Synchronization

/// What nodes ask each other, through the database: it is the one thing that all of them reach.
extension Nodes {
    /// Asks the node that holds a lease.
    ///
    /// - Parameters:
    ///   - question: what it understands.
    ///   - name: of the lease.
    ///   - patience: for how long an answer is waited for.
    /// - Returns: its answer; `nil` where no other node holds it.
    /// - Throws: `busy` where it does not answer.
    package func ask(
        _ question: String,
        holderOf name: LeaseName,
        patience: Duration = .seconds(5)
    ) async throws(StorageError) -> String? {
        guard let keeper else { return nil }
        guard let holder = holder(of: name), holder != id else { return nil }
        let number = try await asking(keeper) { [seal] connection in
            try NodeTables.ask(try seal.seal(question, at: Self.place), of: holder, Connection(connection))
        }
        let start = ContinuousClock.now
        while !Task.isCancelled, start.duration(to: .now) < patience {
            let answer = try await asking(keeper) { try NodeTables.takeAnswer(to: number, Connection($0)) }
            if let answer { return try seal.open(answer, at: Self.place) }
            // Gone: nobody will answer.
            guard self.holder(of: name) == holder else { break }
            try? await Task.sleep(for: .milliseconds(50))
        }
        _ = await keeper.performing { try NodeTables.forget(number, Connection($0)) }
        throw StorageError(.busy, "the node \(holder) does not answer; try again in a moment")
    }

    private func holder(of name: LeaseName) -> String? {
        state.withLock { $0.seen.rows.first { $0.name == name }?.holder }
    }

    /// What others have asked this node and is not answered, by numbers.
    package func questions() async throws(StorageError) -> [(number: Int64, text: String)] {
        guard let keeper else { return [] }
        return try await asking(keeper) { [id, seal] connection in
            try NodeTables.questions(of: id, Connection(connection)).map { ($0, try seal.open($1, at: Self.place)) }
        }
    }

    package func answer(_ text: String, to number: Int64) async throws(StorageError) {
        guard let keeper else { return }
        try await asking(keeper) { [seal] connection in
            try NodeTables.answer(number, try seal.seal(text, at: Self.place), Connection(connection))
        }
    }
}
