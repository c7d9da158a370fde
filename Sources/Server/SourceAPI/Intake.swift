package import CoreMetrics
package import Storage

/// Where the source API puts what it takes and what it refuses.
package struct Intake: Sendable {
    /// Why nothing was kept, in the terms of an HTTP answer.
    package enum Failure: Error, Equatable, Sendable {
        /// Too much waits already: come again later.
        case overloaded(retryAfterSeconds: Int)
        /// Another node has what is needed; the sentence is for whoever has asked.
        case busy(String)
        /// The disk or the database fails; the sentence is for the log.
        case unavailable(String)
    }

    /// Tells, from any thread, when all messages are on the disk, or why none of them is.
    package typealias Stored = @Sendable (Result<Void, Failure>) -> Void

    /// Keeps messages: all of them or none.
    let store: @Sendable ([NewEvent], @escaping Stored) -> Void
    /// Keeps refused messages for `ferry rejected`, and with them what of the same call is accepted; all of it or, when it
    /// throws, no event. Returns how many older ones had to go to make room.
    let refuse: @Sendable ([RefusedMessage], _ accepted: [NewEvent]) async throws(Failure) -> Int
    /// A mark by which an unknown write key is recognised later, and which does not tell it.
    let mark: @Sendable (String) -> [UInt8]

    /// Returns once all messages are on the disk, or throws with none of them kept.
    func store(_ events: [NewEvent]) async throws(Failure) {
        try await withCheckedContinuation { continuation in
            store(events) { continuation.resume(returning: $0) }
        }.get()
    }

    /// An intake of other makings than a data store.
    package init(
        store: @escaping @Sendable ([NewEvent], @escaping Stored) -> Void,
        refuse: @escaping @Sendable ([RefusedMessage], _ accepted: [NewEvent]) async throws(Failure) -> Int,
        mark: @escaping @Sendable (String) -> [UInt8] = { _ in [] }
    ) {
        self.store = store
        self.refuse = refuse
        self.mark = mark
    }

    /// Keeps everything in a data store, and counts it.
    package init(_ data: DataStore, metrics: any MetricsFactory = NOOPMetricsHandler.instance) {
        let log = data.log
        let refused = data.refusedMessages
        let meters = IntakeMeters(factory: metrics)
        self.init(
            store: { events, stored in
                log.append(events) { result in
                    if case .success(let appended) = result { meters.count(events, appended) }
                    stored(result.map { _ in }.mapError(Failure.init))
                }
            },
            refuse: { (messages, events) async throws(Failure) in
                let (appended, displaced) = try await stored { () async throws(StorageError) in
                    try await log.append(events, refusing: messages, in: refused)
                }
                meters.count(events, appended)
                meters.count(messages, displaced: displaced)
                return displaced
            },
            mark: { refused.mark(of: $0) }
        )
    }
}

extension Intake.Failure {
    init(_ error: StorageError) {
        switch error.code {
        case .overloaded: self = .overloaded(retryAfterSeconds: 1)
        case .busy: self = .busy(error.description)
        case .unwritable, .full, .corrupt, .newerVersion, .locked, .refused, .unavailable, .other:
            self = .unavailable(error.description)
        }
    }
}

/// Asks the storage for something and turns its errors into those that have an HTTP answer.
func stored<Value>(
    _ work: () async throws(StorageError) -> Value
) async throws(Intake.Failure) -> Value {
    do throws(StorageError) {
        return try await work()
    } catch {
        throw Intake.Failure(error)
    }
}
