import Events
import Foundation
import LosslessJSON
import Storage

/// Whether the log can be read, and agrees with the clock.
struct LogChecks {
    private(set) var findings: [Finding] = []
    /// Integrations that live in the data.
    private(set) var keptIntegrations: [String] = []

    /// A clock that is further behind the newest event was set back.
    private static let tolerance: Int64 = 60_000
    /// 2025: before it nobody had this program.
    private static let earliest: Int64 = 1_735_689_600_000

    init(_ folder: String, at now: Timestamp) {
        guard FileManager.default.fileExists(atPath: "\(folder)/ferry.db") else {
            findings.append(.skipped("log", "there is none yet"))
            checkClock(nil, at: now)
            return
        }
        do {
            let glance = try LogGlance(of: folder) { body in
                guard case .object(let message)? = try? JSON(parsing: body) else { return false }
                return Event(logged: message, source: "") != nil || ErasureEvent(.object(message)) != nil
            }
            keptIntegrations = glance.keptIntegrations
            for problem in glance.problems {
                findings.append(
                    .fault(
                        "log",
                        problem,
                        "ferry log verify --data \(folder) says how far; then stop the server and ferry log repair, or "
                            + "restore a backup"
                    )
                )
            }
            if let seq = glance.copiedThrough {
                findings.append(
                    .halfCopied(
                        through: seq,
                        command: "ferry log copy FROM \(folder), with FROM as before,",
                        givingUp: "moving \(folder)/ferry.db away"
                    )
                )
            } else if glance.problems.isEmpty {
                findings.append(
                    .ok("log", glance.isWhole ? "sound" : "sound at both ends; ferry log verify reads all of it")
                )
            }
            // The key comes at the end of a copy.
            if glance.copiedThrough == nil, !FileManager.default.fileExists(atPath: "\(folder)/seal.key"),
                !glance.keptIntegrations.isEmpty
            {
                findings.append(
                    .fault(
                        "seal.key",
                        "it is missing: the secrets of \(glance.keptIntegrations.joined(separator: ", ")) can't be read",
                        "put it back from a backup, or apply these integrations again"
                    )
                )
            }
            checkClock(glance.newestAt, at: now)
        } catch {
            findings.append(.fault("log", error.description, "see docs/operations.md"))
            checkClock(nil, at: now)
        }
    }

    private mutating func checkClock(_ newest: Int64?, at now: Timestamp) {
        let words = now.iso8601 ?? ""
        if now.milliseconds < Self.earliest {
            findings.append(.fault("clock", "it says \(words)", "set it: events get their time by it"))
        } else if let newest, newest - now.milliseconds > Self.tolerance {
            let seconds = (newest - now.milliseconds) / 1_000
            findings.append(
                .warning(
                    "clock",
                    "it says \(words), and the newest event came \(seconds) s later: it was set back, or was ahead then",
                    "set it right: repeats are known by it for 24 hours, and retention counts by it"
                )
            )
        } else {
            findings.append(.ok("clock", words))
        }
    }
}
