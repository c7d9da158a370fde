import Events
import Foundation
import LosslessJSON
import Testing

/// 2024-06-01T12:00:00.123Z, the server's clock in these tests.
let noon = Timestamp(milliseconds: 1_717_243_200_123)

extension Event.Receipt {
    static let permissive = live(.permissive)
    static let strict = live(.strict)
    /// As a dry run makes it: no clock, no address, nothing made up.
    static let preview = Event.Receipt(source: "web", receivedAt: nil, strictness: .strict)

    private static func live(_ strictness: Event.Strictness) -> Event.Receipt {
        Event.Receipt(
            source: "web",
            receivedAt: noon,
            strictness: strictness,
            peerAddress: "203.0.113.9",
            makeMessageId: { "made" }
        )
    }
}

/// The event of a message written as JSON.
func normalised(
    _ message: String,
    as call: Event.Call? = nil,
    envelope: String = "{}",
    receipt: Event.Receipt = .permissive
) throws -> Event {
    let envelope = try #require(try JSON(parsing: envelope).objectValue)
    return try Event(
        normalising: try JSON(parsing: message),
        as: call,
        envelope: Event.Envelope(envelope),
        receipt: receipt
    )
}

/// Why a message is rejected, `nil` if it is not.
func rejection(
    of message: JSON,
    as call: Event.Call? = nil,
    receipt: Event.Receipt = .permissive
) -> Rejection? {
    do throws(Rejection) {
        _ = try Event(normalising: message, as: call, receipt: receipt)
        return nil
    } catch {
        return error
    }
}

extension Event {
    /// The normalised message as JSON text, in which the order of keys and the text of numbers show.
    var text: String { String(decoding: message.encoded(), as: UTF8.self) }

    /// The names of the top-level keys, in their order.
    var keys: [String] { message.members.map(\.key) }
}

/// The lines of a file of vectors.
func vectors(_ name: String) throws -> [JSON] {
    let folder = try #require(Bundle.module.resourceURL)
    let bytes = [UInt8](try Data(contentsOf: folder.appending(path: "Vectors/\(name).ndjson")))
    return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
}
