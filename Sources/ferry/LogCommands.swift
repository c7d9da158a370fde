import ArgumentParser
import Diagnostics
import Events
import LosslessJSON
import Storage

/// `ferry log`: the event log as it is kept.
struct LogCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Look after the event log: verify, repair and copy it.",
        subcommands: [Verify.self, Repair.self, Copy.self]
    )

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything in a data folder and say what is damaged.",
            discussion: "Changes nothing, and may be called while a server runs."
        )

        @Option(help: "The data folder.")
        var data = "./ferry-data"

        func run() throws {
            let found: LogVerification
            do {
                found = try LogVerification(of: data) { body in
                    guard case .object(let message)? = try? JSON(parsing: body) else { return false }
                    return Event(logged: message, source: "") != nil || ErasureEvent(.object(message)) != nil
                }
            } catch {
                Terminal.error(error.description)
                throw ExitCode.failure
            }
            for problem in found.problems { Terminal.print(problem) }
            Terminal.error("\(found.events.counting("event")) can be read")
            guard !found.problems.isEmpty else { return }
            Terminal.error("stop the server, then save what can be read: ferry log repair --data \(data)")
            throw ExitCode.failure
        }
    }

    struct Repair: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Save what can be read of a damaged log into a new one.",
            discussion: "The damaged files stay beside it under another name. No server may use the folder."
        )

        @Option(help: "The data folder.")
        var data = "./ferry-data"

        func run() throws {
            do {
                let repair = try LogRepair(of: data)
                for range in repair.lost {
                    Terminal.print("the events \(range.lowerBound) to \(range.upperBound) are lost")
                }
                Terminal.error("\(repair.events.counting("event")) saved; the damaged log is \(repair.damagedFile)")
            } catch {
                Terminal.error(error.description)
                throw ExitCode.failure
            }
        }
    }
}
