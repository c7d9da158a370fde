import Diagnostics
import Events
import Integrations
import Storage

/// Whether events wait on this machine for the log's database.
struct SpoolChecks {
    private(set) var findings: [Finding] = []

    init(_ configuration: Configuration, at now: Timestamp) {
        do {
            let status = try SpoolGlance(of: configuration.folder)?.status
            guard let status, status.events > 0, let oldestAt = status.oldestAt else {
                if configuration.spool.isOn { findings.append(.ok("spool", "nothing waits in it")) }
                return
            }
            let minutes = Int(max(0, now.milliseconds - oldestAt) / 60_000).counting("minute")
            let events = status.events.counting("accepted event")
            findings.append(
                .warning(
                    "spool",
                    "\(events) wait in \(configuration.folder) for the log's database, the first for \(minutes)",
                    "mend the database, or start the server over it: it brings them into the log. Keep the folder until then"
                )
            )
        } catch {
            findings.append(.fault("spool", error.description, "look at the disk of \(configuration.folder)"))
        }
    }
}
