import Events
import Logging
import Synchronization
import TrackAPI

/// Logs what may happen thousands of times a second, once a minute: the first time at once, then how often.
final class RepeatedLog: Sendable {
    private struct Entry {
        var loggedAt: Timestamp
        var sinceThen = 0
    }

    private static let pauseMilliseconds: Int64 = 60_000

    private let logger: Logger
    private let entries = Mutex<[String: Entry]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Counts `count` occurrences and logs them, unless the same was logged less than a minute ago.
    ///
    /// - Parameters:
    ///   - level: How bad it is.
    ///   - sentence: A fixed sentence.
    ///   - kind: What is the same; from a closed set, or a short list of names.
    ///   - count: How often it has just happened.
    ///   - trace: Of the request in which it happened, if its sender named one.
    ///   - now: The time.
    func note(
        _ level: Logger.Level,
        _ sentence: String,
        kind: String,
        count: Int = 1,
        trace: TraceID? = nil,
        now: Timestamp
    ) {
        let occurrences: Int? = entries.withLock { entries in
            let before = entries[kind]
            let total = (before?.sinceThen ?? 0) + count
            if let before, now.milliseconds - before.loggedAt.milliseconds < Self.pauseMilliseconds {
                entries[kind]?.sinceThen = total
                return nil
            }
            entries[kind] = Entry(loggedAt: now)
            return total
        }
        guard let occurrences else { return }
        var facts: Logger.Metadata = ["kind": "\(kind)", "count": "\(occurrences)"]
        facts["trace"] = trace.map { "\($0)" }
        logger.log(level: level, "\(sentence)", metadata: facts)
    }
}
