import ArgumentParser
import Diagnostics
import Integrations
import Storage

extension LogCommands {
    /// `ferry log copy`: a log from one engine to the other.
    struct Copy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a log with all that belongs to it from a folder to a database, or back.",
            discussion: """
                A server may go on over FROM meanwhile: events and the keys by which they are known are copied, and the command ends with exit code 75. Run it \
                again, also after an interruption, until there is little left; then stop the server and run it once more. \
                It copies the rest and compares all of it. Nobody can serve TO before that. Don't serve FROM afterwards. \
                docs/postgresql.md has more under "Moving".
                """
        )

        @Argument(help: "A data folder, or a PostgreSQL database: env:NAME or file:PATH of its postgresql:// URL.")
        var from: String

        @Argument(help: "The same, without a log as yet.")
        var to: String

        @Option(help: "The folder of the server over the database, for seal.key, which opens the secrets in the log.")
        var folder: String?

        func run() throws {
            let (source, target) = (try location(from), try location(to))
            let start = ContinuousClock.now
            let outcome: LogCopy.Outcome
            do {
                outcome = try LogCopy.run(from: source, to: target, report: Self.tell)
            } catch {
                Terminal.progress("")
                Terminal.error(error.description)
                throw ExitCode.failure
            }
            Terminal.progress("")
            let seconds = ((start.duration(to: .now) / .seconds(1)) * 10).rounded() / 10
            switch outcome {
            case .inUse(let last):
                Terminal.error("up to event \(last) everything is copied, in \(seconds) s, and a server goes on")
                Terminal.error("run it again once the server has stopped: only then is the rest copied")
                throw ExitCode.temporary
            case .whole(let events, let last, let changed, let key):
                if changed > 0 {
                    Terminal.error("\(changed.counting("event")) had been changed, and were copied again")
                }
                Terminal.error("\(events.counting("event")), up to \(last), and all else is the same, in \(seconds) s")
                if let words = words(about: key) { Terminal.error(words) }
                Terminal.error("start the server over the copy, and not over \(from) any more")
            }
        }

        private func location(_ text: String) throws -> DataStore.Location {
            do {
                switch try Configuration.DataLocation(text).storage(with: folder ?? "") {
                case .postgres(let url, folder: _): return .postgres(url, folder: folder)
                case .memory: throw ValidationError("what is in memory can't be copied: name a folder or a database")
                case let place: return place
                }
            } catch let error as SecretReference.Missing {
                Terminal.error("\(error)")
                throw ExitCode.configuration
            }
        }

        private static func tell(_ note: LogCopy.Note) {
            switch note {
            case .copied(let seq, let last): Terminal.progress("copied: event \(seq) of \(last)")
            case .compared(let seq, let last): Terminal.progress("compared: event \(seq) of \(last)")
            case .keys(let count): Terminal.progress("copied: \(count.counting("key"))")
            case .table(let name, let rows, let checksum):
                Terminal.progress("")
                Terminal.print("\(name): \(rows.counting("row")), the same in both (\(checksum))")
            }
        }

        private func words(about key: LogCopy.Key) -> String? {
            switch key {
            case .none, .present: nil
            case .missing(from: let place):
                "there are secrets in the log, which seal.key \(place.map { "of \($0) " } ?? "")opens: the server over the "
                    + "copy needs it in its folder before it starts, or it makes another one"
            }
        }
    }
}
