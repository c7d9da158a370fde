import Delivery
import HTTPTypes
import Integrations
import LosslessJSON
import Storage

/// Erasing people under `/admin/v1/erasures`: asked for, watched, and the receipts.
struct ErasureAPI: Sendable {
    let delivery: DeliveryAPI
    let workspaces: EmbeddedWorkspaces

    private var erasures: Erasures { delivery.data.erasures }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/erasures"
        routes.on(.get, root, behind: door) { _, _ in try await list() }
        routes.on(.post, root, behind: door) { request, _ in try await erase(request) }
        routes.on(.get, "\(root)/{number}", behind: door) { _, path in try await show(path["number"]) }
    }

    private func list() async throws -> Answer {
        let found = try await stored { () async throws(StorageError) in try await erasures.list(limit: 200) }
        return .admin(.done, json: ["items": .array(found.map(\.json))])
    }

    private func show(_ text: String) async throws -> Answer {
        guard let number = Int64(text) else { return .admin(.invalid, "the number of an erasure is a whole number") }
        let found = try await stored { () async throws(StorageError) in try await erasures.erasure(number) }
        guard let found else { return .admin(.unknownPath, "there is no erasure \(number)") }
        return .admin(.done, json: found.json)
    }

    private func erase(_ request: IncomingRequest) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue else {
            return .admin(.invalid, "the body must be a JSON object: nothing was changed")
        }
        let wish: ErasureWish
        do { wish = try ErasureWish(body) } catch { return .admin(.invalid, "\(error.message): nothing was changed") }
        if let name = wish.integration, delivery.live.named(name) == nil {
            return delivery.live.unknown(name)
        }
        let new = newErasure(wish)
        let begun = try await stored { () async throws(StorageError) in
            try await delivery.control.begin(new)
        }
        guard let begun else {
            let words = "a replay or retry does not come to rest; pause it, and ask again: nothing was changed"
            return .admin(.storageUnavailable, words)
        }
        workspaces.clearJournals()
        return .admin(.done, json: begun.json)
    }

    /// An embedded workspace is told whatever was wished, to delete them at least: so it keeps what they do afterwards.
    private func newErasure(_ wish: ErasureWish) -> NewErasure {
        var new = NewErasure(wish.person, startedAt: delivery.now())
        new.command = wish.command
        guard wish.person.userId != nil || wish.person.email != nil else { return new }
        new.tellings = delivery.live.all.compactMap { live in
            let isMeant = wish.integration.map(live.name.hasSameBytes) ?? true
            let wished = isMeant ? wish.command : nil
            let command = wished ?? (live.workspace == nil ? nil : .delete)
            return command.map { NewErasure.Telling(live.name, $0, workspace: live.workspace) }
        }
        return new
    }
}

/// What is asked for with `POST /admin/v1/erasures`.
struct ErasureWish {
    private(set) var person = Erasure.Person()
    private(set) var command: Erasure.Command?
    private(set) var integration: String?

    struct Fault: Error {
        let message: String
    }

    init(_ body: JSON.Object) throws(Fault) {
        for member in body {
            switch (member.key, member.value) {
            case ("userId", let value): person.userId = try Self.identifier(value, "userId")
            case ("email", let value): person.email = try Self.identifier(value, "email")
            case ("anonymousId", let value): person.anonymousId = try Self.identifier(value, "anonymousId")
            case ("send", let value):
                command = value.stringValue.flatMap(Erasure.Command.init)
                if command == nil { throw Fault(message: "\"send\" must be \"delete\" or \"suppress\"") }
            case ("integration", .string(let name)): integration = name
            default:
                throw Fault(
                    message: """
                        "\(member.key)" is not understood: there are userId, email, anonymousId, send (delete or \
                        suppress) and integration
                        """
                )
            }
        }
        if person == Erasure.Person() {
            throw Fault(message: "say whom: \"userId\", \"email\" or \"anonymousId\", or several of one person")
        }
        guard command != nil else {
            if integration != nil { throw Fault(message: "\"integration\" says where to \"send\" to") }
            return
        }
        if person.userId == nil, person.email == nil {
            throw Fault(message: "\"send\" needs a \"userId\" or an \"email\": nobody else can be deleted")
        }
    }

    /// Ids are the same as text and as number.
    private static func identifier(_ value: JSON, _ name: String) throws(Fault) -> String {
        switch value {
        case .string(let text) where text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }): return text
        case .number(let number): return number.text
        default: throw Fault(message: "\"\(name)\" must be a text that is not empty")
        }
    }
}

extension Erasure {
    fileprivate var json: JSON {
        [
            "number": .number(JSON.Number(number)), "state": .string(stage == .done ? "done" : "running"),
            "stage": .string(stage.rawValue), "words": .string(words),
            "startedAt": .time(startedAt), "endedAt": .time(endedAt),
            "send": command.map { .string($0.rawValue) } ?? .null,
            "receipt": [
                "events": .number(JSON.Number(receipt.events)),
                "failedOperations": .number(JSON.Number(receipt.operations)),
                "people": .number(JSON.Number(receipt.people)),
                "activities": .number(JSON.Number(receipt.activities)),
                "replaced": .number(JSON.Number(receipt.replaced)),
            ],
            "sent": .array(told.map(\.json)),
        ]
    }

    /// What it is doing, or came to, in a sentence.
    private var words: String {
        switch stage {
        case .looking: return "looking for their anonymous ids"
        case .removing: return "removing events from the log"
        case .cleaning: return "removing them from everything else"
        case .telling:
            let waiting = told.filter { $0.answer == .waiting }.map(\.integration).joined(separator: ", ")
            if waiting.isEmpty { return "removing what was told" }
            return "everything here is erased; waiting until \(waiting) takes the \(command?.rawValue ?? "delete")"
        case .sweeping: return "overwriting what is free in the files"
        case .done:
            return receipt.isEmpty ? "nothing of this person was found: nothing was changed" : "the person is erased"
        }
    }
}

extension Erasure.Told {
    fileprivate var json: JSON {
        [
            "integration": .string(integration), "command": .string(command.rawValue),
            "answer": .string(answer.rawValue),
            "words": words.map(JSON.string) ?? .null, "attempts": .number(JSON.Number(attempts)), "at": .time(at),
        ]
    }
}
