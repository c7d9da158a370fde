import LosslessJSON

/// Reads a trigger by recursive descent, one function a rule of the grammar (source-api.md §4.1).
struct Parser {
    typealias Fault = TriggerError.Fault

    private var lexer: Lexer
    private(set) var token: Token
    /// The token in front of `token`.
    private(set) var previous: Token?
    private var depth = 0
    /// Open parentheses, functions and lists. A comma joins conditions only where there are none.
    private var openGroups = 0
    /// The latest bare word that was taken as a text.
    private(set) var bareWord: Range<Int>?

    static func syntax(of source: String) throws(Fault) -> Syntax {
        guard source.utf8.count <= Trigger.Limits.bytes else {
            throw Fault(.tooLong, at: 0, "the trigger is longer than \(Trigger.Limits.bytes) bytes")
        }
        var parser = try Parser(Lexer(source))
        if parser.token.kind == .end { throw emptyTrigger }
        let syntax = try parser.disjunction()
        guard parser.token.kind == .end else { throw parser.unexpectedToken() }
        return syntax
    }

    private init(_ lexer: Lexer) throws(Fault) {
        var lexer = lexer
        token = try lexer.next()
        self.lexer = lexer
    }

    private static let emptyTrigger = Fault(
        .empty,
        at: 0,
        "an empty trigger never matches",
        """
        to match everything write type = "track" or type = "identify" or type = "page" or type = "screen" \
        or type = "group" or type = "alias"
        """
    )

    /// The source between two offsets, as a message can show it.
    func text(_ range: Range<Int>) -> String {
        lexer.text(range).shortened().madeVisible()
    }

    func byte(at offset: Int) -> UInt8? {
        lexer.byte(at: offset)
    }

    // MARK: Tokens

    private mutating func advance() throws(Fault) {
        previous = token
        token = try lexer.next()
    }

    private mutating func take(_ kind: Token.Kind) throws(Fault) -> Bool {
        guard token.kind == kind else { return false }
        try advance()
        return true
    }

    private func range(from start: Int) -> Range<Int> {
        start..<max(start, previous?.range.upperBound ?? start)
    }

    private mutating func enter() throws(Fault) {
        depth += 1
        guard depth <= Trigger.Limits.depth else {
            throw Fault(
                .tooDeep,
                at: token.range.lowerBound,
                "parentheses, `!`, functions and lists stand more than \(Trigger.Limits.depth) deep in one another"
            )
        }
    }

    // MARK: Conditions

    private mutating func disjunction() throws(Fault) -> Syntax {
        let start = token.range.lowerBound
        var operands = [try conjunction()]
        while try take(.or) { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : Syntax(.any(operands), range(from: start))
    }

    private mutating func conjunction() throws(Fault) -> Syntax {
        let start = token.range.lowerBound
        var operands = [try negation()]
        while try takeAnd() { operands.append(try negation()) }
        return operands.count == 1 ? operands[0] : Syntax(.all(operands), range(from: start))
    }

    /// Tolerance: outside parentheses a comma joins conditions as `and` does.
    private mutating func takeAnd() throws(Fault) -> Bool {
        if try take(.and) { return true }
        guard openGroups == 0 else { return false }
        return try take(.comma)
    }

    private mutating func negation() throws(Fault) -> Syntax {
        guard token.kind == .not else { return try comparison() }
        let start = token.range.lowerBound
        try enter()
        try advance()
        let operand = try negation()
        depth -= 1
        return Syntax(.not(operand), range(from: start))
    }

    private mutating func comparison() throws(Fault) -> Syntax {
        let start = token.range.lowerBound
        let left = try operand()
        let syntax: Syntax
        if case .comparison(let comparison) = token.kind {
            try advance()
            let right = if let text = try bareText() { text } else { try operand() }
            syntax = Syntax(.comparison(comparison, left, right), range(from: start))
        } else if try take(.in) {
            let right = try operand()
            syntax = Syntax(.membership(left, right), range(from: start))
        } else {
            return left
        }
        switch token.kind {
        case .comparison, .in: throw chainedComparison()
        default: return syntax
        }
    }

    /// Top-level names that stay paths on the right of a comparison.
    private static let fieldNames: Set<String> = [
        "type", "event", "name", "userId", "anonymousId", "previousId", "groupId", "messageId", "category", "channel",
        "email", "id", "timestamp", "receivedAt", "sentAt", "originalTimestamp", "version", "properties", "traits",
        "context", "integrations",
    ]

    /// Tolerance: a bare word of one part on the right of a comparison is a text.
    private mutating func bareText() throws(Fault) -> Syntax? {
        guard case .word(let parts) = token.kind, parts.count == 1, !Self.fieldNames.contains(parts[0]) else {
            return nil
        }
        bareWord = token.range
        return try single(.literal(.string(parts[0])))
    }

    // MARK: Operands

    private mutating func operand() throws(Fault) -> Syntax {
        switch token.kind {
        case .leftParenthesis: return try parenthesized()
        case .function(let name): return try call(name)
        case .leftBracket: return try list()
        case .text(let text): return try single(.literal(.string(text)))
        case .number(let text): return try single(.literal(JSON.Number(triggerText: text).map(JSON.number) ?? .null))
        case .yes: return try single(.literal(.bool(true)))
        case .no: return try single(.literal(.bool(false)))
        case .null: return try single(.literal(.null))
        case .word(let parts): return try single(.path(JSON.Path(steps: parts)))
        case .end, .and, .or, .in, .comparison, .not, .rightParenthesis, .rightBracket, .comma: throw missingOperand()
        }
    }

    private mutating func single(_ kind: Syntax.Kind) throws(Fault) -> Syntax {
        let syntax = Syntax(kind, token.range)
        try advance()
        return syntax
    }

    private mutating func parenthesized() throws(Fault) -> Syntax {
        let open = token.range.lowerBound
        try openGroup()
        let inner = try disjunction()
        try closeGroup(.rightParenthesis, openedAt: open)
        return inner
    }

    private mutating func list() throws(Fault) -> Syntax {
        let open = token.range.lowerBound
        try openGroup()
        let items = token.kind == .rightBracket ? [] : try operands()
        try closeGroup(.rightBracket, openedAt: open)
        return Syntax(.list(items), range(from: open))
    }

    private mutating func call(_ name: String) throws(Fault) -> Syntax {
        let start = token.range.lowerBound
        guard let function = Function(rawValue: name) else { throw unknownFunction(name) }
        try advance()
        let open = token.range.lowerBound
        try openGroup()
        let arguments = token.kind == .rightParenthesis ? [] : try operands()
        guard token.kind != .rightParenthesis || arguments.count == function.argumentCount else {
            throw wrongArgumentCount(function, arguments.count, at: start)
        }
        try closeGroup(.rightParenthesis, openedAt: open)
        return Syntax(.call(function, arguments), range(from: start))
    }

    private mutating func operands() throws(Fault) -> [Syntax] {
        var operands = [try operand()]
        while try take(.comma) { operands.append(try operand()) }
        return operands
    }

    /// Passes the parenthesis or bracket that opens a group.
    private mutating func openGroup() throws(Fault) {
        try enter()
        openGroups += 1
        try advance()
    }

    private mutating func closeGroup(_ kind: Token.Kind, openedAt open: Int) throws(Fault) {
        guard token.kind == kind else {
            guard token.kind == .end else { throw unexpectedToken() }
            let mark = text(open..<open + 1)
            throw Fault(.unclosed, at: open, "this `\(mark)` is never closed")
        }
        openGroups -= 1
        depth -= 1
        try advance()
    }
}
