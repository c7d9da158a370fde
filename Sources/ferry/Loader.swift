import Crypto
import Diagnostics
import Events
import LosslessJSON

/// Sends messages in batches and keeps count.
struct Loader {
    private static let batchItems = 250
    private static let batchBytes = 450_000

    private let sender: BatchSender
    private let record: SentRecord?
    private var batch: [JSON] = []
    private var bytes = 0
    private var sent = 0
    private var invalid = 0

    init(sender: BatchSender, record: SentRecord?) {
        self.sender = sender
        self.record = record
    }

    /// Loads everything that was not loaded before.
    ///
    /// - Returns: whether every message was valid.
    /// - Throws: `BatchSender.Refused` when the server refuses for good.
    mutating func load(_ messages: MessageFile) async throws -> Bool {
        let before = record?.count ?? 0
        if before > 0 { Terminal.error("going on behind message \(before)") }
        var last = before
        for (number, message) in messages where number > before {
            switch validated(message, number: number) {
            case .success(let message): try await add(message, number: number, last: last)
            case .failure(let rejection):
                invalid += 1
                Terminal.progress("")
                Terminal.error("message \(number) is left out: \(rejection.message)")
            }
            last = number
        }
        try await flush(upTo: last)
        Terminal.progress("")
        Terminal.error("\(sent.counting("message")) sent, \(invalid) left out")
        record?.remove()
        return invalid == 0
    }

    private func validated(_ message: Result<JSON, JSONError>, number: Int) -> Result<JSON, Rejection> {
        do throws(Rejection) {
            let json: JSON
            do { json = try message.get() } catch { throw Rejection(.invalidJSON, "not JSON: \(error)") }
            _ = try Event(normalising: json, receipt: Event.Receipt(source: "", receivedAt: nil, strictness: .strict))
            return .success(identified(json, number: number))
        } catch {
            return .failure(error)
        }
    }

    /// The message with a messageId: the same for the same text at the same place, so that a repeat is recognised.
    private func identified(_ message: JSON, number: Int) -> JSON {
        guard case .object(var object) = message, object["messageId"]?.stringValue?.isBlank ?? true else {
            return message
        }
        let digest = SHA256.hash(data: Array("\(number)\n".utf8) + message.encoded())
        let digits = digest.prefix(16).map { byte in
            let hex = String(byte, radix: 16)
            return hex.utf8.count == 1 ? "0" + hex : hex
        }
        object["messageId"] = .string("ferry-send-" + digits.joined())
        return .object(object)
    }

    private mutating func add(_ message: JSON, number: Int, last: Int) async throws {
        let size = message.encodedCount + 1
        if batch.count == Self.batchItems || bytes + size > Self.batchBytes { try await flush(upTo: last) }
        batch.append(message)
        bytes += size
    }

    private mutating func flush(upTo number: Int) async throws {
        guard !batch.isEmpty else { return }
        try await sender.send(batch)
        sent += batch.count
        batch.removeAll(keepingCapacity: true)
        bytes = 0
        record?.note(number)
        Terminal.progress("\(sent.counting("message")) sent")
    }
}
