import LosslessJSON
import Testing
import Triggers

@Suite struct `Errors` {
    struct Case: Sendable, CustomTestStringConvertible {
        let source: String
        let column: Int
        let message: String
        let suggestion: String?

        init(_ source: String, _ column: Int, _ message: String, _ suggestion: String? = nil) {
            self.source = source
            self.column = column
            self.message = message
            self.suggestion = suggestion
        }

        var testDescription: String { source.debugDescription }
    }

    private static let everything = """
        to match everything write type = "track" or type = "identify" or type = "page" or type = "screen" \
        or type = "group" or type = "alias"
        """
    private static let quotesAdvice = "a field is written from the top of the event: `properties.plan`"
    private static let functions = """
        the functions are contains, match, length, lowercase, uppercase, snakecase, kebabcase, titlecase, typeof, bool, \
        string, number
        """
    private static let second = "comparisons cannot be chained"
    private static let join = "join two comparisons with `and`, or put one in parentheses"

    private static let refused: [Case] = [
        Case("", 1, "an empty trigger never matches", everything),
        Case(" \t ", 1, "an empty trigger never matches", everything),
        Case("type =", 7, "a value is missing after `=`"),
        Case(#"type = "track" and"#, 19, "a condition is missing after `and`"),
        Case(#"and type = "track""#, 1, "a condition is missing before `and`"),
        Case("a and or b", 7, "a condition is missing between `and` and `or`"),
        Case("()", 2, "a condition is missing between `(` and `)`"),
        Case("a = ,", 5, "a value is missing between `=` and `,`"),
        Case("[a,]", 4, "a value is missing between `,` and `]`"),
        Case("type = = 'track'", 8, "a value is missing before `=`", "did you mean `=`?"),
        Case("a < = 5", 5, "a value is missing before `=`", "did you mean `<=`?"),
        Case("a > = 5", 5, "a value is missing before `=`", "did you mean `>=`?"),
        Case("a ! = 5", 3, "an operator is missing between `a` and `!`", "did you mean `!=`?"),
        Case(
            "a = and",
            5,
            "a value is missing before `and`",
            "if the word is meant, it needs quotes: `\"and\"`"
        ),
        Case(
            "a = !b",
            5,
            "`!` negates a condition; a value must stand here",
            "put what it negates in parentheses: `(!…)`"
        ),
        Case("a && b", 3, "`&&` is not part of the trigger language", "did you mean `and`?"),
        Case("a || b", 3, "`||` is not part of the trigger language", "did you mean `or`?"),
        Case("a === b", 3, "`===` is not part of the trigger language", "did you mean `=`?"),
        Case("a <> b", 3, "`<>` is not part of the trigger language", "did you mean `!=`?"),
        Case("a => 5", 3, "`=>` is not part of the trigger language", "did you mean `>=`?"),
        Case("a =~ 'x'", 3, "`=~` is not part of the trigger language", "did you mean `match(…)`?"),
        Case("a = “b”", 5, "`“` is not part of the trigger language", "did you mean `\"`?"),
        Case("not a", 5, "an operator is missing between `not` and `a`", "`not` is written `!`"),
        Case("not(a)", 1, "there is no function `not`", "did you mean `!`?"),
        Case("a And b", 3, "an operator is missing between `a` and `And`", "did you mean `and`?"),
        Case("a IN b", 3, "an operator is missing between `a` and `IN`", "did you mean `in`?"),
        Case("a is 'b'", 3, "an operator is missing between `a` and `is`", "did you mean `=`?"),
        Case(
            "event like 'b'",
            7,
            "an operator is missing between `event` and `like`",
            "did you mean `match(…)`?"
        ),
        Case(
            "event contains 'b'",
            7,
            "an operator is missing between `event` and `contains`",
            "a function is written `contains(event, \"part\")`"
        ),
        Case(
            "event = Order Completed",
            15,
            "an operator is missing between `Order` and `Completed`",
            "text with spaces needs quotes: `\"Order Completed\"`"
        ),
        Case("a 'b'", 3, "an operator is missing between `a` and `'b'`"),
        Case("contains(a)", 1, "`contains` takes 2 arguments, not 1", "write `contains(event, \"part\")`"),
        Case("contains()", 1, "`contains` takes 2 arguments, not 0", "write `contains(event, \"part\")`"),
        Case("length(a, b)", 1, "`length` takes 1 argument, not 2", "write `length(event)`"),
        Case("contans(a, 'b')", 1, "there is no function `contans`", "did you mean `contains`?"),
        Case("Contains(a, 'b')", 1, "there is no function `Contains`", "did you mean `contains`?"),
        Case("lower(a) = 'b'", 1, "there is no function `lower`", "did you mean `lowercase`?"),
        Case("lenght(a) = 1", 1, "there is no function `lenght`", "did you mean `length`?"),
        Case("includes(a, 'b')", 1, "there is no function `includes`", "did you mean `contains(…)`?"),
        Case("frobnicate(a)", 1, "there is no function `frobnicate`", functions),
        Case(
            "contains (a, 'b')",
            10,
            "an operator is missing between `contains` and `(`",
            "the parenthesis must directly follow the name of a function: `contains(`"
        ),
        Case("a.b('c')", 4, "an operator is missing between `a.b` and `(`", functions),
        Case("a = b = c", 7, second, join),
        Case("a in b in c", 8, second, join),
        Case(
            "contains(a = b, 'c')",
            12,
            "a condition cannot stand here, only a value",
            "put the condition in parentheses"
        ),
        Case(
            "length(a and b)",
            10,
            "a condition cannot stand here, only a value",
            "put the condition in parentheses"
        ),
        Case("(a, b)", 3, "inside parentheses a comma does not join conditions", "did you mean `and`?"),
        Case("a)", 2, "this `)` closes nothing"),
        Case("a]", 2, "this `]` closes nothing"),
        Case("(a]", 3, "this `]` closes nothing"),
        Case("a and (b", 7, "this `(` is never closed"),
        Case("a in [1, 2", 6, "this `[` is never closed"),
        Case("contains(a, 'b'", 9, "this `(` is never closed"),
        Case(
            "a[0] = 1",
            2,
            "an operator is missing between `a` and `[`",
            "an item of a list is written with a dot: `tags.0`"
        ),
        Case("event = \"open", 9, "the string that begins here is never closed", "add a `\"` where it ends"),
        Case("event = 'open", 9, "the string that begins here is never closed", "add a `'` where it ends"),
        Case(
            #"event = "open\""#,
            9,
            "the string that begins here is never closed",
            "a quote after a backslash belongs to the string; add another `\"`"
        ),
        Case("a = 1e5", 5, "`1e5` has an exponent", "write the number with all its digits"),
        Case("a = 1_000", 5, "a number has no underscores", "write it with digits only"),
        Case("a = 5.", 5, "a digit must follow the point of `5.`"),
        Case("a = .5", 5, "a number begins with a digit", "put a `0` before the point"),
        Case("a = -", 5, "a digit must follow `-`"),
        Case("-a = 1", 1, "a digit must follow `-`", "in the name of a field it is written `\\-`"),
        Case("a = 1.2.3", 5, "`1.2.3` is not a number", "text needs quotes: `\"1.2.3\"`"),
        Case("a > 2024-01-01", 5, "`2024-01-01` is not a number", "text needs quotes: `\"2024-01-01\"`"),
        Case("a.", 3, "the name of a field must follow the dot"),
        Case("a..b", 3, "the name of a field must follow the dot"),
        Case("a.%b = 1", 3, "the name of a field must follow the dot", "in the name of a field it is written `\\%`"),
        Case(#"a\"#, 2, "a character must follow the backslash"),
        Case("and.x = 1", 1, "`and` is a keyword, not a field", "a field of this name is written `\\and`"),
        Case("$.a = 1", 1, "unexpected `$`", quotesAdvice),
        Case("type * 'x'", 6, "unexpected `*`"),
        Case("größe = 1", 3, "unexpected `ö`", "in the name of a field it is written `\\ö`; text needs quotes"),
        Case("a =\u{A0}1", 4, "U+00A0 is not white space of the trigger language", "use an ordinary space"),
        Case("a\u{0}", 2, "unexpected U+0000"),
        Case("\u{FEFF}a", 1, "unexpected U+FEFF"),
    ]

    @Test(arguments: refused)
    func `an error says where, what and what instead`(expected: Case) throws {
        let error = try #require(throws: TriggerError.self) { try Trigger(expected.source) }
        #expect(error.message == expected.message)
        #expect(error.suggestion == expected.suggestion)
        #expect(error.column == expected.column)
        #expect(error.line == 1)
    }

    @Test func `lines end with LF, columns count characters, offsets bytes`() throws {
        let source = "type = \"tr\u{E4}ck\"\r\n  and name = \"e\u{301}\" && b\n"
        let error = try #require(throws: TriggerError.self) { try Trigger(source) }
        #expect(error.line == 2)
        #expect(error.column == 18)
        #expect(error.offset == source.utf8.count - 5)
        #expect(error.rendered() == "  and name = \"e\u{301}\" && b\n                 ^")
        #expect(
            error.description
                == "line 2, column 18: `&&` is not part of the trigger language; did you mean `and`?"
        )
    }

    @Test func `the place of an error at the end is after the last character`() throws {
        let error = try #require(throws: TriggerError.self) { try Trigger("a and\n") }
        #expect(error.offset == 6)
        #expect(error.line == 2)
        #expect(error.column == 1)
        #expect(error.rendered() == "\n^")
    }

    @Test func `the caret stands under the place after tabs too`() throws {
        let error = try #require(throws: TriggerError.self) { try Trigger("\ta\t&& b\u{1B}[2J\r\n or c") }
        #expect(error.rendered() == "\ta\t&& b [2J \n\t \t^")
    }

    @Test func `a long line is cut around the place`() throws {
        let clause = "event = 'a' or "
        let source = String(repeating: clause, count: 100) + "& " + String(repeating: clause, count: 100)
        let error = try #require(throws: TriggerError.self) { try Trigger(source) }
        #expect(error.column == 1_501)
        let before = String(String(repeating: clause, count: 4))
        let behind = String(("& " + String(repeating: clause, count: 3)).prefix(40))
        #expect(error.rendered() == "…\(before)\(behind)…\n" + String(repeating: " ", count: 61) + "^")
    }

    @Test(arguments: [
        ("", TriggerError.Code.empty), ("a\u{7}", .unexpectedCharacter), ("(a", .unclosed), ("1e5", .invalidNumber),
        ("a.", .invalidField), ("a =", .missingOperand), ("a b", .missingOperator), ("a = b = c", .chainedComparison),
        ("a)", .misplaced), ("nope(a)", .unknownFunction), ("match(a)", .wrongArgumentCount),
        (String(repeating: "(", count: 300), .tooDeep), (String(repeating: "a", count: 300_000), .tooLong),
    ])
    func `every kind of fault has its code`(source: String, code: TriggerError.Code) throws {
        let error = try #require(throws: TriggerError.self) { try Trigger(source) }
        #expect(error.code == code)
    }

    @Test func `a long word in the source is cut in the message`() throws {
        let error = try #require(throws: TriggerError.self) {
            try Trigger(String(repeating: "a", count: 100_000) + "(1)")
        }
        #expect(error.message == "there is no function `\(String(repeating: "a", count: 40))…`")
    }
}
