/// The one writer of the log's database: what arrives while a commit is on its way to the disk shares the next one.
///
/// Calls queue up (bounded), the writer takes all that wait, does them in one transaction in the order of their arrival,
/// and answers them after the commit. If the transaction fails, all of its calls get the error, nothing of them is stored,
/// and the next group starts afresh.
struct GroupCommit: Sendable {
    private struct Work: Sendable {
        /// Does the work and returns what answers the caller once the commit is on the disk.
        let perform: @Sendable (Connection) throws -> @Sendable () -> Void
        let fail: @Sendable (StorageError) -> Void
    }

    let engine: any LogEngine
    private let queue: CommitQueue<Work>
    /// What every call needs to be written; `nil` where anybody may write.
    private var lease: Lease?

    init(_ engine: any LogEngine, limits: DataStore.Limits) {
        self.engine = engine
        queue = CommitQueue(limits: limits)
    }

    /// The same writer, for what only the holder of a lease may write: calls throw `locked` when it is another node's.
    func under(_ lease: Lease) -> GroupCommit {
        var commits = self
        commits.lease = lease
        return commits
    }

    /// - Throws: `locked` when the lease under which calls write is another node's.
    func check(_ connection: Connection) throws { try lease?.check(connection) }

    /// Does `work` in the next transaction and returns after its commit.
    ///
    /// `work` may throw a `StorageError` before it has written anything; that fails this call alone. Cancelling the
    /// task has no effect: a call that was admitted is carried out and answered.
    func commit<Value: Sendable>(
        _ weight: Weight = Weight(),
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await withCheckedContinuation { continuation in
            commit(weight, work) { continuation.resume(returning: $0) }
        }.get()
    }

    /// The same for who waits in no task: `answer` is called after the commit, on the writer's thread, and must not block.
    func commit<Value: Sendable>(
        _ weight: Weight,
        _ work: @escaping @Sendable (Connection) throws -> Value,
        answer: @escaping @Sendable (Result<Value, StorageError>) -> Void
    ) {
        let work = Work { [lease] connection in
            try lease?.check(connection)
            let value = try work(connection)
            return { answer(.success(value)) }
        } fail: { error in
            answer(.failure(error))
        }
        switch queue.admit(work, weight) {
        case .waits: break
        case .isFirst: callWriter()
        case .refused: work.fail(.tooMuchWaits)
        }
    }

    /// What was committed since the database was opened, and how many events wait for their commit.
    var progress: (statistics: CommitStatistics, waitingEvents: Int) { queue.progress }

    private func callWriter() {
        engine.withWriter { transactions in writeGroup(transactions) }
    }

    private func writeGroup(_ transaction: Transactions) {
        let calls = queue.takeGroup()
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(calls.count)
        do {
            try transaction { connection in
                for call in calls {
                    do {
                        answers.append(try call.work.perform(connection))
                    } catch let error as StorageError {
                        answers.append { call.work.fail(error) }
                    }
                }
            }
            queue.count(calls)
        } catch {
            let error = StorageError(error, file: engine.name)
            answers = calls.map { call in { call.work.fail(error) } }
        }
        if queue.finished(calls) { callWriter() }
        for answer in answers { answer() }
    }
}
