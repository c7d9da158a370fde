import Testing
import Triggers

@Suite struct `Two triggers` {
    @Test(arguments: [
        (#"type = "track""#, #" type="track"\#n"#), (#"type = "track""#, "type = 'track'"),
        (#"type = "track""#, #"((type = "track"))"#), ("a = 1 and b = 2 and c = 3", "(a = 1 and b = 2 and c = 3)"),
        (#"event in ["A", "B"]"#, #"event in ["A","B"]"#), ("!(a = b)", "!( a = b )"), ("a == 1", "a = 1"),
        ("a = 1 AND b = 2", "a = 1 and b = 2"),
    ])
    func `are the same condition however they are written`(left: String, right: String) throws {
        #expect(try Trigger(left).isSameCondition(as: Trigger(right)))
        #expect(try Trigger(right).isSameCondition(as: Trigger(left)))
    }

    @Test(arguments: [
        (#"type = "track""#, #"type = "page""#), ("a = 1 and b = 2", "a = 1 or b = 2"),
        ("a = 1 and b = 2", "b = 2 and a = 1"), ("a = 1", "a != 1"), ("a = 1", "!(a = 1)"), ("a = \"1\"", "a = 1"),
        (#"match(event, "A*")"#, #"contains(event, "A*")"#), ("a.b = 1", "a.c = 1"),
    ])
    func `are not where anything else differs`(left: String, right: String) throws {
        #expect(try !Trigger(left).isSameCondition(as: Trigger(right)))
    }
}
