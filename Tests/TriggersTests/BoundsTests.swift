import LosslessJSON
import Testing
import Triggers

/// Sizes at which a quadratic or exponential step would take minutes; the time limit is far above what linear takes.
@Suite(.timeLimit(.minutes(1))) struct `Bounds` {
    @Test(arguments: [
        (" or ", #"event = "Name NUMBER of an event""#, false), (" and ", #"event != "Name NUMBER of an event""#, true),
        (", ", "properties.pNUMBER = null", true), (" or ", "properties.pNUMBER = null and type = page", false),
        (" or ", #"contains(event, "xNUMBER")"#, false), (" and ", #"!match(event, "x*NUMBER")"#, true),
        (" or ", "NUMBER in properties.list", false), (" and ", "!(event = 'NUMBER')", true),
    ])
    func `a trigger of 100 kB is read and evaluated`(joint: String, clause: String, expected: Bool) throws {
        var clauses: [String] = []
        var size = 0
        while size < 100_000 {
            let parts = clause.split(separator: "NUMBER", omittingEmptySubsequences: false)
            clauses.append(parts.joined(separator: "\(clauses.count)"))
            size += clause.utf8.count + joint.utf8.count
        }
        let trigger = try Trigger(clauses.joined(separator: joint))
        let event: JSON.Object = ["type": "track", "event": "Order Completed", "properties": ["list": ["a", "b"]]]
        #expect(trigger.matches(event) == expected)
        #expect(trigger.explain(event).outcome == expected)
    }

    @Test(arguments: ["[", "(", "!", "'", "\\", "a.", "a(", "[[", "a,", "-", "5", "é", "!(", "length(", "a\n", "\n"])
    func `100 kB of one thing are refused or accepted in no time`(piece: String) {
        let source = String(repeating: piece, count: 100_000 / piece.utf8.count)
        do {
            #expect(try !Trigger(source).matches([:]))
        } catch {
            #expect(error.rendered().count < 1_000)
            #expect(error.description.count < 1_000)
        }
    }

    @Test func `a list of ten thousand texts is searched`() throws {
        let items = (0..<10_000).map { "'\($0)'" }.joined(separator: ", ")
        let trigger = try Trigger("event in [\(items)]")
        #expect(trigger.matches(["type": "track", "event": "9999"]))
        #expect(!trigger.matches(["type": "track", "event": "10000"]))
    }

    @Test func `a source beyond the limit is refused by name`() {
        let source = "a = '" + String(repeating: "x", count: Trigger.Limits.bytes) + "'"
        let error = #expect(throws: TriggerError.self) { try Trigger(source) }
        #expect(error?.code == .tooLong)
        #expect(error?.message == "the trigger is longer than 262144 bytes")
    }

    @Test(arguments: [("(", "a", ")"), ("!", "a", ""), ("[", "", "]"), ("lowercase(", "a", ")"), ("!(", "a", ")")])
    func `nesting goes to the limit and not beyond`(open: String, middle: String, close: String) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)
        }
        let levels = open == "!(" ? Trigger.Limits.depth / 2 : Trigger.Limits.depth
        let trigger = try Trigger(nested(levels))
        #expect(trigger.explain(["a": true]).outcome == trigger.matches(["a": true]))
        let error = #expect(throws: TriggerError.self) { try Trigger(nested(levels + 1)) }
        #expect(error?.code == .tooDeep)
        #expect(throws: TriggerError.self) { try Trigger(nested(100_000)) }
    }

    @Test func `parentheses side by side are not nesting`() throws {
        let source = Array(repeating: "(!(a = [1]))", count: 1_000).joined(separator: " and ")
        #expect(try Trigger(source).matches([:]))
    }

    @Test func `the deepest event that is read can be compared and explained`() throws {
        let depth = 126
        let nested = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let event = try event(#"{"l":\#(nested),"r":\#(nested)}"#)
        let path = "l" + String(repeating: ".a", count: depth)
        #expect(try Trigger("l = (r) and \(path) = 1 and l in [r]").matches(event))
        #expect(try Trigger("l = (r)").explain(event).reason.count < 250)
    }

    @Test func `a pattern of many stars takes time proportional to text times pattern`() throws {
        let text = String(repeating: "a", count: 20_000)
        let event: JSON.Object = ["t": .string(text)]
        #expect(try !Trigger("match(t, '\(String(repeating: "a*", count: 50))b')").matches(event))
        #expect(try Trigger("match(t, '\(String(repeating: "*a", count: 50))')").matches(event))
        #expect(try !Trigger("match(t, '\(String(repeating: "*[ab]?", count: 50))b?')").matches(event))
        #expect(try !Trigger("match(t, '*\(String(repeating: "a", count: 1_000))b*')").matches(event))
    }

    @Test func `a pattern of unclosed classes is read in linear time`() throws {
        let pattern = String(repeating: "[a", count: 50_000)
        let event: JSON.Object = ["p": .string(pattern)]
        #expect(try Trigger("match(p, p.x)").matches(event) == false)
        #expect(try Trigger("match(p, lowercase(p))").matches(event))
    }

    @Test func `a value in a reason is cut to 80 characters`() throws {
        let event: JSON.Object = ["a": .string(String(repeating: "x", count: 100_000))]
        let reason = try Trigger("a = 'y'").explain(event).reason
        #expect(reason == "a is \"" + String(repeating: "x", count: 79) + "…")
    }
}
