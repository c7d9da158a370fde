import Diagnostics
import Events
import LosslessJSON
import Triggers

/// An event as the actions see it: its message made ready for paths and triggers, and its times, once for all of them.
struct Subject: Sendable {
    let event: Event
    let message: JSON
    /// The event as triggers read it.
    let triggered: Trigger.Subject
    let receivedAt: Timestamp?
    /// `originalTimestamp` if it can be read.
    let originalTimestamp: Timestamp?
    /// Says that the sender's time can't be read, if it can't (actions.md §4).
    let timeWarning: String?
    /// The number of the replay that sends it as new; `nil` for everything else.
    let replay: Int64?

    init(_ event: Event, replay: Int64? = nil) {
        self.event = event
        self.replay = replay
        message = .object(event.message)
        triggered = Trigger.Subject(event.message)
        receivedAt = event.receivedAt
        let sent = event.message["originalTimestamp"].flatMap { $0.isAbsent ? nil : $0 }
        originalTimestamp = sent.flatMap(Timestamp.init(callTime:))
        if let sent, originalTimestamp?.isInCalendar != true {
            let standIn = receivedAt == nil ? "it is left out" : "the time of receipt stands in"
            timeWarning = "timestamp can't be read as a time: \(sent.description.onOneLine()); \(standIn)"
        } else {
            timeWarning = nil
        }
    }

    /// The id by which Customer.io knows a repeated event (actions.md §5); `nil` without a messageId or a time.
    func eventId(action: String) -> String? {
        guard let messageId = event.messageId, let time = originalTimestamp ?? receivedAt else { return nil }
        return ULID.text(
            milliseconds: time.milliseconds,
            names: [event.source, messageId, event.call.rawValue, event.name ?? "", action]
                + (replay.map { [String($0)] } ?? [])
        )
    }
}

extension Timestamp {
    /// Whether a message can write the time down, which takes a year from 0000 to 9999. A time beyond is most likely a
    /// mistake of units: as an identify's timestamp it would block or revert all later updates.
    var isInCalendar: Bool {
        -62_167_219_200_000...253_402_300_799_999 ~= milliseconds
    }
}
