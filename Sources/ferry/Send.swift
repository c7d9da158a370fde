import ArgumentParser
import AsyncHTTPClient
import Foundation
import Integrations
import LosslessJSON
import NIOCore

/// `ferry send`: loads a file of messages through a source API.
struct Send: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load messages from a file through a source API.",
        discussion: """
            Reads NDJSON or a JSON array. Messages that are not valid are named and left out, and the exit code is 1. What \
            was taken is noted in FILE.sent: called again after an interruption, the command goes on behind it. Messages \
            without a messageId get one made of their text, so that what is sent twice is stored once.
            """
    )

    @Argument(help: "The file; standard input with -.")
    var file: String

    @Option(help: "Where the source API is, for example http://127.0.0.1:8080.")
    var url: String

    @Option(help: "The write key of the source; env:NAME reads it from the environment.")
    var writeKey: String

    @Flag(help: "Begin again, whatever FILE.sent says.")
    var restart = false

    func run() async throws {
        let key: String
        do {
            key = try SecretReference(writeKey).resolved()
        } catch {
            throw ValidationError("--write-key: \(error)")
        }
        let messages: MessageFile
        do {
            messages = try MessageFile(path: file)
        } catch {
            Terminal.error("\(file) can't be read: \(error.localizedDescription)")
            throw ExitCode.failure
        }
        let record = file == "-" ? nil : SentRecord(path: file + ".sent")
        if restart { record?.remove() }
        var loader = Loader(sender: try BatchSender(url: url, writeKey: key), record: record)
        let done: Bool
        do {
            done = try await loader.load(messages)
        } catch let error as BatchSender.Refused {
            Terminal.progress("")
            Terminal.error("\(error)")
            throw ExitCode.failure
        }
        if !done { throw ExitCode.failure }
    }
}

/// The messages of a file, one after another: the lines of NDJSON, or the items of a JSON array.
struct MessageFile: Sequence {
    /// A message and the number of its line, or of its place in the array, from 1.
    typealias Element = (number: Int, message: Result<JSON, JSONError>)

    private let lines: LineReader
    /// A file that begins with `[` is read whole.
    private let array: [JSON]?

    init(path: String) throws {
        var lines = try LineReader(path: path)
        let first = lines.next() ?? []
        if first.first(where: { !" \t\r\u{FEFF}".utf8.contains($0) }) == UInt8(ascii: "[") {
            var bytes = first
            for line in lines { bytes += [UInt8(ascii: "\n")] + line }
            array = try JSON(parsing: bytes, limits: JSON.Limits(bytes: 1 << 30)).arrayValue ?? []
            self.lines = lines
        } else {
            array = nil
            self.lines = try path == "-" ? lines.preceded(by: first) : LineReader(path: path)
        }
    }

    func makeIterator() -> AnyIterator<Element> {
        var number = 0
        if let array {
            var items = array.makeIterator()
            return AnyIterator {
                number += 1
                return items.next().map { (number, .success($0)) }
            }
        }
        var lines = lines
        return AnyIterator {
            while let line = lines.next() {
                number += 1
                guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
                do throws(JSONError) {
                    return (number, .success(try JSON(parsing: line)))
                } catch {
                    return (number, .failure(error))
                }
            }
            return nil
        }
    }
}

/// How many messages of a file were taken, in a small file beside it.
struct SentRecord {
    let path: String

    var count: Int {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        } ?? 0
    }

    func note(_ count: Int) {
        // Losing the note costs a repeat, which the server recognises.
        try? "\(count)\n".write(toFile: path, atomically: true, encoding: .utf8)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
