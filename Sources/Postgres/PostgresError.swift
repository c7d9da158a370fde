/// Why something that PostgreSQL was asked for did not happen, in one line that may stand in a log: it never holds a
/// password or a value of a statement.
package struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a caller tells apart.
    package enum Kind: Sendable, Equatable {
        /// libpq is not on this machine.
        case libraryMissing
        /// The URL is none, or names something that does not exist.
        case badURL
        /// No connection could be made, or the one there was is lost.
        case unreachable
        /// The server takes no more connections.
        case tooManyConnections
        /// The server starts, stops or recovers: it will answer later.
        case starting
        /// The server is a standby, or the session may not write.
        case readOnly
        /// Two transactions were in each other's way: done again, this one may succeed.
        case serialization
        /// A row with this key is there already.
        case duplicate
        /// The server's disk is full.
        case diskFull
        /// It took too long, or somebody cancelled it.
        case timeout
        /// The server knows neither this user with this password nor, if it does, the database.
        case refusedLogin
        /// There is no such table or schema.
        case missingThing
        /// The user may not do this.
        case notAllowed
        /// A value is not of the type that was asked for, or can't be sent.
        case unexpectedValue
        /// Anything else.
        case other
    }

    package let kind: Kind
    /// PostgreSQL's code of five characters, where the server gave one.
    package let sqlState: String?
    package let description: String
    /// The connection was lost after the statement was sent: nobody knows whether it was done.
    package let isInDoubt: Bool

    package init(_ kind: Kind, _ description: String, sqlState: String? = nil, isInDoubt: Bool = false) {
        self.kind = kind
        self.sqlState = sqlState
        self.description = description
        self.isInDoubt = isInDoubt
    }

    /// What the server said of a statement: its code and its primary message. DETAIL, HINT and CONTEXT are left out: they may
    /// quote values.
    init(sqlState: String, message: String) {
        self.init(
            Kind(sqlState: sqlState),
            Self.mayQuoteValues(sqlState)
                ? "PostgreSQL refused a value (SQLSTATE \(sqlState))"
                : "PostgreSQL: \(Self.oneLine(message)) (SQLSTATE \(sqlState))",
            sqlState: sqlState
        )
    }

    /// The same, of which nobody knows whether it was done.
    var inDoubt: PostgresError { PostgresError(kind, description, sqlState: sqlState, isInDoubt: true) }

    /// Of data exceptions the message itself holds the value ("invalid input syntax for type bigint: …"), and what a
    /// function raises is its own words.
    private static func mayQuoteValues(_ sqlState: String) -> Bool {
        sqlState.hasPrefix("22") || sqlState.hasPrefix("P0")
    }

    /// The first line, without the space before it and without control characters.
    static func oneLine(_ message: String) -> String {
        let line = message.split(whereSeparator: \.isNewline).first ?? ""
        return printable(String(line.drop(while: \.isWhitespace)))
    }

    /// What may stand in a line of a log.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 })
        )
    }
}

extension PostgresError.Kind {
    /// The kind of a SQLSTATE, after appendix A of PostgreSQL's manual.
    init(sqlState: String) {
        self =
            switch sqlState {
            case "57P03": .starting
            case "57P01", "57P02", "57P04", "57P05": .unreachable
            case "53300": .tooManyConnections
            case "53100": .diskFull
            case "25006": .readOnly
            case "40001", "40P01": .serialization
            case "23505": .duplicate
            case "57014", "55P03", "25P03", "25P04": .timeout
            case "3D000": .refusedLogin
            case "42P01", "3F000": .missingThing
            case "42501": .notAllowed
            case let state where state.hasPrefix("08"): .unreachable
            case let state where state.hasPrefix("28"): .refusedLogin
            case let state where state.hasPrefix("22"): .unexpectedValue
            default: .other
            }
    }
}
