import ArgumentParser
import Diagnostics
import Foundation
import Integrations
import LosslessJSON

/// `ferry import`: what Segment has of its Customer.io destination, as `ferry.yaml`.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn an export of Segment's Customer.io destination into a configuration.",
        discussion: """
            Prints the configuration to standard output, and to standard error what is not as it was, each with its place \
            and what to do. The export is what GET /destinations/{id}/subscriptions of Segment's Public API answers, or a \
            list of presets. Exits with 1 when something could not be carried over: the actions that it belongs to are \
            switched off.
            """
    )

    @Argument(help: "The file with the export; standard input with -.")
    var file = "-"

    @Option(help: "What the integration is called; by default what the destination is called, or customerio.")
    var integration: String?

    @Flag(help: "Tell also what is as Ferry has it by default, and left out.")
    var verbose = false

    func run() throws {
        let imported = try read()
        do {
            _ = try Configuration(parsing: imported.yaml, file: "what was imported")
        } catch {
            // Not before somebody calls the integration what no integration can be called.
            Terminal.error("\(error)")
            throw ExitCode.failure
        }
        Terminal.print(Array(imported.yaml.utf8))
        if verbose { tellUnchanged(imported.outcomes) }
        for note in imported.notes {
            let style: Terminal.Style = note.kind == .lost ? .red : .yellow
            let kind = Terminal.styled(note.kind.rawValue, style, isTerminal: Terminal.errorIsTerminal)
            Terminal.error("\(kind)  \(note.place.onOneLine(upTo: 200)): \(note.words.onOneLine(upTo: 400))")
            Terminal.error("    → \(note.remedy.onOneLine(upTo: 400))")
        }
        summarize(imported)
        if imported.notes.contains(where: { $0.kind == .lost }) { throw ExitCode.failure }
    }

    private func read() throws -> SegmentImport {
        let data =
            file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
        guard let data else {
            throw ValidationError("\(file) can't be read: is the path right, and may you read it?")
        }
        let what = file == "-" ? "standard input" : file
        do {
            return try SegmentImport(try JSON(parsing: Array(data)), integration: integration)
        } catch let problem as SegmentExport.Problem {
            Terminal.error("\(what) is no export: \(problem)")
        } catch {
            Terminal.error("\(what) is not JSON: \(error)")
        }
        throw ExitCode.failure
    }

    private func tellUnchanged(_ outcomes: [SegmentImport.Outcome]) {
        for outcome in outcomes where !outcome.unchanged.isEmpty {
            let names = outcome.unchanged.joined(separator: ", ")
            Terminal.error("same  \(outcome.title.onOneLine(upTo: 200)): \(names) as Ferry has it by default, left out")
        }
    }

    private func summarize(_ imported: SegmentImport) {
        let names = imported.outcomes.map { $0.isEnabled ? $0.name : "\($0.name) (switched off)" }
        let list = names.isEmpty ? "" : ": " + names.joined(separator: ", ")
        Terminal.error("\(imported.outcomes.count.counting("action")) imported\(list)")
        if !imported.switchedOff.isEmpty {
            let off = imported.switchedOff.joined(separator: ", ")
            Terminal.error("switched off, because the export does not have them: \(off)")
        }
        let lost = imported.notes.count { $0.kind == .lost }
        if lost > 0 { Terminal.error("\(lost.counting("thing")) could not be carried over") }
    }
}
