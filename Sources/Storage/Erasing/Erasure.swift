import LosslessJSON

/// A person who is being erased, or was (delivery.md F44): how far that is, and what it came to.
package struct Erasure: Sendable, Equatable {
    /// Whom: the texts that were given, and those that were found to stand for the same person.
    package struct Person: Sendable, Equatable {
        package var userId: String?
        package var email: String?
        package var anonymousId: String?
        /// Anonymous ids that an identify of theirs carried.
        package var tiedIds: [String] = []

        package init(userId: String? = nil, email: String? = nil, anonymousId: String? = nil) {
            self.userId = userId
            self.email = email
            self.anonymousId = anonymousId
        }

        /// All of them but the e-mail address, which is compared without case.
        package var texts: [String] { [userId, anonymousId].compactMap { $0 } + tiedIds }

        func hasText(_ text: String) -> Bool { texts.contains { $0.hasSameBytes(as: text) } }

        /// Whether this is an id of theirs, which may be their address.
        func isId(_ text: String?) -> Bool {
            guard let text else { return false }
            return hasText(text) || email?.lowercased().hasSameBytes(as: text.lowercased()) == true
        }

        func isAddress(_ text: String?) -> Bool {
            guard let text = text?.lowercased() else { return false }
            return (texts + [email].compactMap { $0 }).contains { $0.lowercased().hasSameBytes(as: text) }
        }
    }

    /// In this order; each may be broken off anywhere, and goes on when it is called again.
    package enum Stage: String, Sendable, CaseIterable {
        /// Their identifies are looked through for anonymous ids.
        case looking
        /// Their events leave the log.
        case removing
        /// They leave the workspaces, and all other texts.
        case cleaning
        /// The integrations are told, as far as they have not answered yet.
        case telling
        /// Nobody needs to know whom any more, and what is free in the files is overwritten.
        case sweeping
        case done

        /// Whether something of the person may still be read in the log, or be under way.
        package var goesThroughLog: Bool {
            switch self {
            case .looking, .removing, .cleaning: true
            case .telling, .sweeping, .done: false
            }
        }
    }

    /// What the integrations are told.
    package enum Command: String, Sendable {
        case delete, suppress
    }

    /// What was removed, in numbers alone.
    package struct Receipt: Sendable, Equatable {
        package var events: Int64 = 0
        /// Operations that had failed.
        package var operations: Int64 = 0
        /// Of the embedded workspaces.
        package var people: Int64 = 0
        package var activities: Int64 = 0
        /// Places in other texts.
        package var replaced: Int64 = 0

        package init() {}

        package var isEmpty: Bool { self == Receipt() }
    }

    /// What an integration is told, and what it said.
    package struct Told: Sendable, Equatable {
        package enum Answer: String, Sendable {
            case waiting, taken, refused
        }

        package let integration: String
        package let command: Command
        /// The embedded workspace where it lands, if it does.
        package var workspace: String?
        package var answer: Answer
        package var words: String?
        package var attempts: Int64
        /// When it was told last, in milliseconds since 1970.
        package var at: Int64?
    }

    package let number: Int64
    package var stage: Stage
    /// `nil` once nobody needs to know any more.
    package var person: Person?
    package let command: Command?
    /// The last event of the log when it was asked for. What comes later is somebody's new beginning.
    package let last: Int64
    /// The event of the log that tells the integrations (`ErasureEvent`); `nil` when none is told.
    package let telling: Int64?
    /// How far the stage is, where it goes through the log.
    package var position: Int64
    package var receipt: Receipt
    package var told: [Told]
    /// Milliseconds since 1970.
    package let startedAt: Int64
    package var endedAt: Int64?
}

extension Erasure: CustomStringConvertible, CustomReflectable {
    /// Without the person, wherever it is printed.
    package var description: String { "erasure \(number)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// An erasure that is asked for.
package struct NewErasure: Sendable {
    /// Who is told, and what.
    package struct Telling: Sendable {
        package let integration: String
        package let command: Erasure.Command
        /// The embedded workspace where it lands, if it does.
        package let workspace: String?

        package init(_ integration: String, _ command: Erasure.Command, workspace: String? = nil) {
            self.integration = integration
            self.command = command
            self.workspace = workspace
        }
    }

    package var person: Erasure.Person
    /// What was wished, of real destinations too.
    package var command: Erasure.Command?
    package var tellings: [Telling] = []
    /// Milliseconds since 1970.
    package var startedAt: Int64

    package init(_ person: Erasure.Person, startedAt: Int64) {
        self.person = person
        self.startedAt = startedAt
    }
}

extension NewErasure {
    /// As one node tells it to another.
    package var text: String {
        let tellings = tellings.map { telling -> JSON in
            var object: JSON.Object = [
                "integration": .string(telling.integration), "command": .string(telling.command.rawValue),
            ]
            if let workspace = telling.workspace { object["workspace"] = .string(workspace) }
            return .object(object)
        }
        var object: JSON.Object = [
            "person": .string(person.storedText), "tellings": .array(tellings),
            "started_at": .number(JSON.Number(startedAt)),
        ]
        if let command { object["command"] = .string(command.rawValue) }
        return object.storedText
    }

    package init(text: String) throws {
        let object = try JSON.Object(storedText: text)
        self.init(
            try Erasure.Person(storedText: object["person"]?.stringValue ?? ""),
            startedAt: object["started_at"]?.numberValue?.int64 ?? 0
        )
        command = object["command"]?.stringValue.flatMap(Erasure.Command.init)
        tellings = (object["tellings"]?.arrayValue ?? []).compactMap { telling in
            guard let object = telling.objectValue, let integration = object["integration"]?.stringValue,
                let command = object["command"]?.stringValue.flatMap(Erasure.Command.init)
            else { return nil }
            return Telling(integration, command, workspace: object["workspace"]?.stringValue)
        }
    }
}

extension Erasure.Person {
    var storedText: String {
        var object = JSON.Object()
        for (key, text) in [("userId", userId), ("email", email), ("anonymousId", anonymousId)] {
            if let text { object[key] = .string(text) }
        }
        object["tiedIds"] = .array(tiedIds.map(JSON.string))
        return object.storedText
    }

    init(storedText: String) throws {
        let object = try JSON.Object(storedText: storedText)
        userId = object["userId"]?.stringValue
        email = object["email"]?.stringValue
        anonymousId = object["anonymousId"]?.stringValue
        tiedIds = object["tiedIds"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// What stands for this person in any text. An id may be an address too.
    package var redaction: Redaction {
        let addresses = texts.filter { $0.utf8.contains(UInt8(ascii: "@")) }
        let others = texts.filter { !$0.utf8.contains(UInt8(ascii: "@")) }
        return Redaction(texts: others, emails: [email].compactMap { $0 } + addresses)
    }
}
