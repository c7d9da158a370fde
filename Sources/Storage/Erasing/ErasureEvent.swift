package import LosslessJSON

/// What an erasure tells integrations, as an event of the log.
///
/// There it has its place between what is erased and what the person does afterwards: whoever keeps that order delivers the
/// command in it, once, through crashes and retries, like anything else.
package struct ErasureEvent: Sendable {
    /// Where such events come from. No source of a configuration can be called so.
    package static let source = "(erasure)"
    /// Their type.
    package static let type = "erase"

    /// What each integration is told; who is not named is told nothing.
    package let commands: [(integration: String, command: Erasure.Command)]
    package let person: Erasure.Person

    init(_ person: Erasure.Person, _ commands: [(integration: String, command: Erasure.Command)]) {
        self.person = person
        self.commands = commands
    }

    /// An event of the log; `nil` for any other, and for one that is erased.
    package init?(_ logged: LoggedEvent) {
        guard logged.source.hasSameBytes(as: Self.source), let message = try? JSON(parsing: logged.body) else {
            return nil
        }
        self.init(message)
    }

    /// The message of such an event; `nil` for any other.
    package init?(_ message: JSON) {
        guard message["type"]?.stringValue == Self.type, let commands = message["commands"]?.objectValue else {
            return nil
        }
        self.commands = commands.compactMap { member in
            member.value.stringValue.flatMap(Erasure.Command.init).map { (member.key, $0) }
        }
        person = Erasure.Person(
            userId: message["userId"]?.stringValue,
            email: message["email"]?.stringValue,
            anonymousId: nil
        )
    }

    var body: [UInt8] {
        var commands = JSON.Object()
        for (integration, command) in self.commands { commands[integration] = .string(command.rawValue) }
        var message: JSON.Object = ["type": .string(Self.type), "commands": .object(commands)]
        if let userId = person.userId { message["userId"] = .string(userId) }
        if let email = person.email { message["email"] = .string(email) }
        return message.encoded()
    }

    /// Puts it at the end of the log.
    ///
    /// - Returns: its number.
    func append(at now: Int64, _ connection: Connection) throws -> Int64 {
        let statement =
            switch connection.engine {
            case .sqlite: "INSERT INTO events (source, type, received_at, body) VALUES (?, ?, ?, ?) RETURNING seq"
            case .postgres:
                """
                SELECT seq FROM append_events(
                    ARRAY[NULL]::BYTEA[], ARRAY[?1], ARRAY[NULL], ARRAY[?2], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL],
                    ARRAY[?3], ARRAY[?4], ARRAY[?3])
                """
            }
        return try connection.number(statement, [Text(Self.source), Text(Self.type), now, Bytes(body)])
    }
}
