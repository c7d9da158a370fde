import CoreMetrics
import Storage
import Synchronization

/// Counts what the source API takes and refuses, by source; sources and reasons are closed sets.
final class IntakeMeters: Sendable {
    private struct Source {
        let accepted: Counter
        let repeated: Counter
    }

    private let factory: any MetricsFactory
    private let sources = Mutex<[String: Source]>([:])
    private let displacedMessages: Counter

    init(factory: any MetricsFactory) {
        self.factory = factory
        displacedMessages = Counter(label: "ferry_messages_rejected_displaced", factory: factory)
    }

    /// Messages of one call, which are all of one source, and what became of them.
    func count(_ events: [NewEvent], _ appended: [Appended]) {
        guard let name = events.first?.source else { return }
        let source = sources.withLock { sources in
            if let known = sources[name] { return known }
            let new = Source(
                accepted: counter("ferry_events_accepted", name),
                repeated: counter("ferry_events_repeated", name)
            )
            sources[name] = new
            return new
        }
        let stored = appended.count { $0.isNew }
        source.accepted.increment(by: stored)
        if stored < appended.count { source.repeated.increment(by: appended.count - stored) }
    }

    /// Messages that were refused and kept, and how many older ones had to go to make room for them.
    func count(_ messages: [RefusedMessage], displaced: Int) {
        for message in messages {
            let labels = [("source", message.source ?? ""), ("code", message.code)]
            Counter(label: "ferry_messages_rejected", dimensions: labels, factory: factory).increment()
        }
        displacedMessages.increment(by: displaced)
    }

    private func counter(_ label: String, _ source: String) -> Counter {
        Counter(label: label, dimensions: [("source", source)], factory: factory)
    }
}
