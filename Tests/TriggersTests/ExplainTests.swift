import LosslessJSON
import Testing
import Triggers

@Suite struct `Explaining` {
    private static let text = #"""
        {"type":"track","event":"Signed Up","userId":"u1","a":true,"b":false,"n":5,"s":"5","nul":null,"o":{"k":"v"},
        "tags":["x","y"],"p":{"n":7}}
        """#

    /// Trigger, outcome, the clause that decided, the reason.
    private static let explained: [(String, Bool, String, String)] = [
        (#"event = "Order Completed""#, false, #"event = "Order Completed""#, #"event is "Signed Up""#),
        (#"event = "Signed Up""#, true, #"event = "Signed Up""#, #"event is "Signed Up""#),
        (
            #"event = "signed up""#, false, #"event = "signed up""#,
            #"event is "Signed Up" (upper and lower case differ)"#
        ),
        ("missing = 5", false, "missing = 5", "missing is missing"),
        ("o.x.y != null", false, "o.x.y != null", "o.x.y is missing"),
        ("nul != null", false, "nul != null", "nul is null"),
        ("n = '5'", false, "n = '5'", "n is 5 (a number never equals a string)"),
        ("s != 5", true, "s != 5", #"s is "5" (a string never equals a number)"#),
        ("s > 1", false, "s > 1", #"s is "5" (only two numbers have an order)"#),
        ("missing < 5", false, "missing < 5", "missing is missing (only two numbers have an order)"),
        ("n < p.n", true, "n < p.n", "n is 5, p.n is 7"),
        ("n = s", false, "n = s", #"n is 5 (s without quotes is a string here)"#),
        ("s = five", false, "s = five", #"s is "5" (five without quotes is a string here)"#),
        ("type = track", true, "type = track", #"type is "track""#),
        ("type in ['page', 'screen']", false, "type in ['page', 'screen']", #"type is "track""#),
        ("'z' in tags", false, "'z' in tags", #"tags is ["x","y"]"#),
        ("'z' in s", false, "'z' in s", #"s is "5" (not a list)"#),
        ("n in [1, p.n]", false, "n in [1, p.n]", "n is 5, [1, p.n] is [1,7]"),
        ("a", true, "a", "a is true"),
        ("b", false, "b", "b is false"),
        ("n", false, "n", "n is 5 (only true counts as true)"),
        ("typo", false, "typo", "typo is missing"),
        ("false", false, "false", "it is the same for every event"),
        ("1 < 2", true, "1 < 2", "it is the same for every event"),
        ("contains(event, 'Up')", true, "contains(event, 'Up')", #"event is "Signed Up""#),
        (
            "contains(tags, 'x')", false, "contains(tags, 'x')",
            #"tags is ["x","y"] (only a string can contain or match)"#
        ),
        (
            "match(missing, 'x*')", false, "match(missing, 'x*')",
            "missing is missing (only a string can contain or match)"
        ),
        ("length(tags) = 3", false, "length(tags) = 3", "length(tags) is 2"),
        ("lowercase(event) = 'x'", false, "lowercase(event) = 'x'", #"lowercase(event) is "signed up""#),
        // and: the first false operand.
        ("type = 'track' and n = 6 and b", false, "n = 6", "n is 5"),
        ("a and (a and (a and b))", false, "b", "b is false"),
        ("type = 'track', b", false, "b", "b is false"),
        // or: the first true operand.
        ("n = 6 or (b or n = 5) or a", true, "n = 5", "n is 5"),
        // All together.
        ("a and n = 5", true, "a and n = 5", "both hold: a is true, n is 5"),
        ("(a and n = 5)", true, "a and n = 5", "both hold: a is true, n is 5"),
        ("b or n = 6", false, "b or n = 6", "neither holds: b is false, n is 5"),
        (
            "event = 'A' or event = 'B' or event = 'C'", false, "event = 'A' or event = 'B' or event = 'C'",
            #"none of the 3 holds: event is "Signed Up""#
        ),
        (
            "a and n = 5 and s = '5' and userId = 'u1' and o != null", true,
            "a and n = 5 and s = '5' and userId = 'u1' and o != null",
            #"all 5 hold: a is true, n is 5, s is "5", …"#
        ),
        // The negation of a clause, and of several.
        ("!a", false, "!a", "a is true"),
        ("!contains(event, 'X')", true, "!contains(event, 'X')", #"event is "Signed Up""#),
        ("a and !(type = 'track')", false, "!(type = 'track')", #"type is "track""#),
        ("!(a and n = 6)", true, "!(a and n = 6)", "n = 6 is false: n is 5"),
        ("!(b or n = 5)", false, "!(b or n = 5)", "n = 5 is true: n is 5"),
        ("!(b or n = 6)", true, "!(b or n = 6)", "neither holds: b is false, n is 5"),
        ("!!b", false, "!!b", "b is false"),
        // Clauses are cut out of the source as they stand there.
        ("  a\n  and\tb  ", false, "b", "b is false"),
        ("a and (n) = (6)", false, "(n) = (6)", "n is 5"),
        ("((b)) or ((n = 6))", false, "((b)) or ((n = 6))", "neither holds: b is false, n is 5"),
        ("(a and b) = true", false, "(a and b) = true", "a and b is false"),
    ]

    @Test(arguments: explained)
    func `the deciding clause is named with its reason`(
        source: String,
        outcome: Bool,
        clause: String,
        reason: String
    ) throws {
        let explanation = try Trigger(source).explain(event(Self.text))
        #expect(explanation.outcome == outcome)
        #expect(explanation.clause == clause)
        #expect(explanation.reason == reason)
        #expect(explanation.description == "\(clause) is \(outcome): \(reason)")
    }

    @Test func `an event on another call than track is said to be hidden`() throws {
        let trigger = try Trigger("event = 'X'")
        #expect(
            try trigger.explain(event(#"{"type":"page","event":"X"}"#)).reason == "event exists on track calls only"
        )
        #expect(try trigger.explain(event(#"{"type":"page"}"#)).reason == "event is missing")
        #expect(try trigger.explain(event(#"{"type":"track"}"#)).reason == "event is missing")
    }
}
