/// Triggers: the conditions that decide for which events an action runs.
///
/// This room reads the trigger language of source-api.md §4, answers whether an event makes a trigger true, and says
/// why. A trigger is parsed and compiled once. `Syntax` is the tree that was read, with the place of every clause in
/// the source; explaining walks it. `Program` is the same trigger made ready for matching, which is done for every
/// action on every event and therefore allocates nothing in all ordinary cases. The room refuses to know what an action
/// is, where triggers are stored, and what happens when one is true.
package import LosslessJSON

/// A condition on events, compiled.
///
/// Two triggers are equal when their sources are the same bytes.
package struct Trigger: Sendable {
    /// The text as it was given.
    package var source: String { compiled.source }

    private let compiled: Compiled

    /// One reference, so that handing a trigger on counts one and not all of its parts.
    private final class Compiled: Sendable {
        let source: String
        let syntax: Syntax
        let program: Program

        init(_ source: String, _ syntax: Syntax) {
            self.source = source
            self.syntax = syntax
            program = Program(syntax)
        }
    }

    var syntax: Syntax { compiled.syntax }

    /// Reads and compiles a trigger (source-api.md §4.1). Time grows linearly with the length of the source.
    ///
    /// - Throws: `TriggerError` with the place of the first fault. An empty source is a fault, and so is one beyond
    ///   `Trigger.Limits`.
    package init(_ source: String) throws(TriggerError) {
        do {
            compiled = Compiled(source, try Parser.syntax(of: source))
        } catch {
            throw TriggerError(error, in: source)
        }
    }

    /// Whether an event makes this trigger true (source-api.md §4.2).
    package func matches(_ event: JSON.Object) -> Bool {
        compiled.program.matches(Subject(event))
    }

    /// Whether an event makes this trigger true, for a caller who asks many triggers about one event.
    package func matches(_ subject: Subject) -> Bool {
        compiled.program.matches(subject)
    }
}

extension Trigger {
    /// Whether another trigger is the same but for spaces, quotes, and parentheses that change nothing.
    package func isSameCondition(as other: Trigger) -> Bool {
        syntax == other.syntax
    }
}

extension Trigger {
    /// What a trigger may hold at most.
    package enum Limits {
        /// Bytes of source.
        package static let bytes = 256 * 1024
        /// Parentheses, `!`, functions and lists inside one another.
        package static let depth = 200
    }
}

extension Trigger: Equatable {
    package static func == (left: Trigger, right: Trigger) -> Bool {
        left.source.hasSameBytes(as: right.source)
    }
}

extension Trigger: CustomStringConvertible {
    package var description: String { source }
}
