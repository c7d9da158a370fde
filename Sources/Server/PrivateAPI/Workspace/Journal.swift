import Events
import Foundation
import HTTPTypes
import LosslessJSON
import Synchronization

/// The requests that a workspace was asked, and what they were answered.
///
/// In memory: it is there for the assertions of a test that runs, costs the database nothing, and what clients sent is
/// not kept longer than need be: erasing a person empties all journals. The newest stay, as many and as large as the bounds let.
final class Journal: Sendable {
    struct Entry: Sendable {
        /// Rises by one with each request.
        let number: Int
        /// By the clock of the workspaces.
        let at: Timestamp
        let microseconds: Int64
        let method: String
        /// With the query.
        let target: String
        /// Without credentials.
        let headers: HTTPFields
        /// `nil` where it was not read: the credentials were unknown, or it was too large or too slow.
        let body: [UInt8]?
        let status: Int
        let answer: [UInt8]
        /// The fault that answered.
        let fault: Int?

        fileprivate var bytes: Int {
            300 + target.utf8.count + (body?.count ?? 0) + answer.count
                + headers.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count }
        }

        var path: [String] { RequestPath(target: target)?.segments ?? [] }
        var content: JSON? { body.flatMap { try? JSON(parsing: $0) } }
        var contents: RequestContents { RequestContents(method: method, path: path, body: content) }
    }

    static let requests = 10_000
    /// Of one workspace.
    static let bytes = 32 << 20
    /// Of all workspaces together.
    static let bytesInAll = 256 << 20

    private struct State {
        /// By number; those from `oldest` to `last`.
        var entries: [Int: Entry] = [:]
        var oldest = 1
        var last = 0
        var bytes = 0

        mutating func dropOldest(_ budget: ByteBudget) {
            if let size = entries.removeValue(forKey: oldest)?.bytes {
                bytes -= size
                budget.giveBack(size)
            }
            oldest += 1
        }

        var isEmpty: Bool { oldest > last }
    }

    private let state = Mutex(State())
    private let budget: ByteBudget

    init(budget: ByteBudget) {
        self.budget = budget
    }

    deinit { clear() }

    func append(_ make: (_ number: Int) -> Entry) {
        state.withLock { state in
            let entry = make(state.last + 1)
            let size = entry.bytes
            while !state.isEmpty, state.bytes + size > Self.bytes || state.entries.count >= Self.requests {
                state.dropOldest(budget)
            }
            var hasRoom = budget.take(size)
            while !hasRoom, !state.isEmpty {
                state.dropOldest(budget)
                hasRoom = budget.take(size)
            }
            state.last += 1
            if hasRoom {
                state.entries[entry.number] = entry
                state.bytes += size
            } else {
                // What is left of the room is that of other workspaces.
                state.oldest = state.last + 1
            }
        }
    }

    /// The newest first.
    var entries: [Entry] {
        state.withLock { state in
            state.isEmpty ? [] : (state.oldest...state.last).reversed().compactMap { state.entries[$0] }
        }
    }

    func entry(_ number: Int) -> Entry? { state.withLock { $0.entries[number] } }

    /// Numbers go on.
    func clear() {
        state.withLock { state in
            while !state.isEmpty { state.dropOldest(budget) }
        }
    }
}

extension HTTPFields {
    /// Without what opens anything.
    var withoutCredentials: HTTPFields {
        HTTPFields(filter { ![.authorization, .proxyAuthorization, .cookie].contains($0.name) })
    }
}

extension Journal.Entry {
    var json: JSON {
        var json: JSON.Object = [
            "number": .number(JSON.Number(number)), "at": .time(at.milliseconds),
            "microseconds": .number(JSON.Number(microseconds)), "method": .string(method), "path": .string(target),
            "headers": .array(headers.map { .array([.string($0.name.rawName), .string($0.value)]) }),
        ]
        (json["body"], json["bodyBase64"]) = Self.text(body)
        let (text, base64) = Self.text(answer)
        json["answer"] = ["status": .number(JSON.Number(status)), "body": text, "bodyBase64": base64]
        json["fault"] = fault.map { .number(JSON.Number($0)) } ?? .null
        return .object(json)
    }

    /// A body that is UTF-8 is a text, byte for byte; any other is base64.
    private static func text(_ bytes: [UInt8]?) -> (text: JSON, base64: JSON) {
        guard let bytes else { return (.null, .null) }
        if let text = String(validating: bytes, as: UTF8.self) { return (.string(text), .null) }
        return (.null, .string(Data(bytes).base64EncodedString()))
    }
}
