import Diagnostics

/// What the parser says where it cannot go on.
extension Parser {
    private var offset: Int { token.range.lowerBound }

    // MARK: Where a value or condition must stand

    func missingOperand() -> Fault {
        if let fault = splitOperator() ?? negatedValue() ?? keywordAsText() { return fault }
        let what = expectsValue ? "a value" : "a condition"
        guard let previous else {
            return Fault(.missingOperand, at: offset, "\(what) is missing before `\(text(token.range))`")
        }
        let place =
            token.kind == .end
            ? "after `\(text(previous.range))`" : "between `\(text(previous.range))` and `\(text(token.range))`"
        return Fault(.missingOperand, at: offset, "\(what) is missing \(place)")
    }

    private var expectsValue: Bool {
        switch previous?.kind {
        case .comparison, .in, .leftBracket, .comma: true
        default: false
        }
    }

    /// `< =`
    private func splitOperator() -> Fault? {
        guard token.kind == .comparison(.equal), let previous, case .comparison(let first) = previous.kind else {
            return nil
        }
        let joined: String? =
            switch first {
            case .less: "<="
            case .greater: ">="
            case .equal: "="
            case .notEqual, .lessOrEqual, .greaterOrEqual: nil
            }
        return joined.map {
            Fault(.missingOperand, at: offset, "a value is missing before `=`", "did you mean `\($0)`?")
        }
    }

    /// `a = !b`
    private func negatedValue() -> Fault? {
        guard token.kind == .not, previous != nil else { return nil }
        return Fault(
            .misplaced,
            at: offset,
            "`!` negates a condition; a value must stand here",
            "put what it negates in parentheses: `(!…)`"
        )
    }

    /// `type = and`
    private func keywordAsText() -> Fault? {
        guard token.kind == .and || token.kind == .or || token.kind == .in, case .comparison = previous?.kind else {
            return nil
        }
        let word = text(token.range)
        return Fault(
            .missingOperand,
            at: offset,
            "a value is missing before `\(word)`",
            "if the word is meant, it needs quotes: `\"\(word)\"`"
        )
    }

    // MARK: Where a condition or value has ended

    func unexpectedToken() -> Fault {
        switch token.kind {
        case .rightParenthesis, .rightBracket:
            return Fault(.misplaced, at: offset, "this `\(text(token.range))` closes nothing")
        case .comma:
            let message = "inside parentheses a comma does not join conditions"
            return Fault(.misplaced, at: offset, message, "did you mean `and`?")
        case .comparison, .in, .and, .or:
            return Fault(
                .misplaced,
                at: offset,
                "a condition cannot stand here, only a value",
                "put the condition in parentheses"
            )
        case .not where byte(at: token.range.upperBound).map(Lexer.isWhitespace) ?? false:
            return missingOperator("did you mean `!=`?")
        case .leftParenthesis: return parenthesisBehindValue()
        case .leftBracket where previous?.range.upperBound == offset && isBehindWord:
            return missingOperator("an item of a list is written with a dot: `tags.0`")
        case .word, .function: return missingOperator(wordAdvice() ?? textAdvice() ?? notAdvice())
        case .text, .number, .yes, .no, .null, .not, .leftBracket, .end:
            return missingOperator(textAdvice() ?? notAdvice())
        }
    }

    private func missingOperator(_ suggestion: String?) -> Fault {
        let before = previous.map { text($0.range) } ?? ""
        let message = "an operator is missing between `\(before)` and `\(text(token.range))`"
        return Fault(.missingOperator, at: offset, message, suggestion)
    }

    private var isBehindWord: Bool {
        if case .word = previous?.kind { true } else { false }
    }

    func chainedComparison() -> Fault {
        Fault(
            .chainedComparison,
            at: offset,
            "comparisons cannot be chained",
            "join two comparisons with `and`, or put one in parentheses"
        )
    }

    private func parenthesisBehindValue() -> Fault {
        guard case .word(let parts)? = previous?.kind else { return missingOperator(nil) }
        guard parts.count == 1, Function(rawValue: parts[0]) != nil else {
            return missingOperator(notAdvice() ?? Self.functionList)
        }
        return missingOperator("the parenthesis must directly follow the name of a function: `\(parts[0])(`")
    }

    /// Words that other languages have for an operator of this one.
    private static let foreignWords = [
        "and": "and", "or": "or", "in": "in", "is": "=", "eq": "=", "equals": "=", "equal": "=", "ne": "!=", "lt": "<",
        "gt": ">", "lte": "<=", "gte": ">=", "not": "!", "like": "match(…)", "matches": "match(…)",
        "includes": "contains(…)",
    ]

    private func wordAdvice() -> String? {
        let word: String
        switch token.kind {
        case .word(let parts) where parts.count == 1: word = parts[0]
        case .function(let name): word = name
        default: return nil
        }
        if let own = Self.foreignWords[word.lowercased()] { return "did you mean `\(own)`?" }
        guard case .word = token.kind, let function = Function(rawValue: word) else { return nil }
        return "a function is written `\(function.form)`"
    }

    /// `event = Order Completed`
    private func textAdvice() -> String? {
        guard let bareWord, bareWord == previous?.range else { return nil }
        guard case .word = token.kind else { return nil }
        return "text with spaces needs quotes: `\"\(text(bareWord.lowerBound..<token.range.upperBound))\"`"
    }

    /// `not type = "track"`
    private func notAdvice() -> String? {
        guard case .word(let parts)? = previous?.kind, parts.count == 1 else { return nil }
        return parts[0].lowercased() == "not" ? "`not` is written `!`" : nil
    }

    // MARK: Functions

    private static let functionList = "the functions are \(Function.allCases.map(\.rawValue).joined(separator: ", "))"

    func unknownFunction(_ name: String) -> Fault {
        let nearest = name.nearest(among: Function.allCases.map(\.rawValue))
        let own = nearest ?? Self.foreignWords[name.lowercased()]
        return Fault(
            .unknownFunction,
            at: offset,
            "there is no function `\(name.shortened())`",
            own.map { "did you mean `\($0)`?" } ?? Self.functionList
        )
    }

    func wrongArgumentCount(_ function: Function, _ count: Int, at offset: Int) -> Fault {
        let needed = function.argumentCount == 1 ? "1 argument" : "\(function.argumentCount) arguments"
        return Fault(
            .wrongArgumentCount,
            at: offset,
            "`\(function.rawValue)` takes \(needed), not \(count)",
            "write `\(function.form)`"
        )
    }
}

extension Function {
    /// How a call is written: `contains(event, "…")`.
    fileprivate var form: String {
        switch self {
        case .contains: #"contains(event, "part")"#
        case .match: #"match(event, "pattern*")"#
        default: "\(rawValue)(event)"
        }
    }
}
