import Integrations
import Logging
import Storage

/// Says when events begin to wait in the spool, and when they are in the log.
struct SpoolLog: Sendable {
    let logger: Logger

    func note(_ note: SpoolNote) {
        switch note {
        case .began(let reason):
            logger.warning("the database takes no events: they wait in the spool", metadata: ["reason": "\(reason)"])
        case .found(let events):
            logger.warning("events of before wait in the spool", metadata: ["events": "\(events)"])
        case .stuck(let error):
            logger.error("events in the spool can't be brought into the log", metadata: ["error": "\(error)"])
        case .ended(let events):
            logger.notice("all events of the spool are in the log", metadata: ["events": "\(events)"])
        }
    }

    /// What the configuration wants of a place.
    func settings(_ spool: Configuration.Spool, for data: Configuration.DataLocation) -> SpoolSettings {
        if spool.isOn, !data.isDatabase {
            logger.warning("`spool` is for a log in PostgreSQL: here it does nothing, and nothing is missing")
        }
        return SpoolSettings(isOn: spool.isOn, bytes: spool.bytes, note: note)
    }
}
