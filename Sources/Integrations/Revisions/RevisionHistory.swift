import Synchronization

/// One state of an integration's configuration, and from which event on it holds.
package struct Revision: Sendable, Equatable {
    /// From 1, for each integration.
    package let number: Int64
    /// The first event that is planned under it.
    package let firstEvent: Int64
    /// Milliseconds since 1970.
    package let at: Int64
    /// Who made it.
    package let author: Author
    /// The integration's section as YAML, without secrets.
    package let yaml: String
    /// Settings whose secret became another one with it.
    package let changedSecrets: [String]

    /// Where a change came from.
    package enum Author: String, Sendable {
        case file, api = "API", console
    }

    package init(
        number: Int64,
        firstEvent: Int64,
        at: Int64,
        author: Author,
        yaml: String,
        changedSecrets: [String] = []
    ) {
        self.number = number
        self.firstEvent = firstEvent
        self.at = at
        self.author = author
        self.yaml = yaml
        self.changedSecrets = changedSecrets
    }

    /// How it differs from the one before, line by line; of secrets it says only that they are others. `nil` where nothing
    /// differs.
    package func difference(from before: Revision?) -> String? {
        let secrets = changedSecrets.map { "~ settings.\($0): another secret, which is not shown\n" }
        let lines = [TextDifference.lines(from: before?.yaml ?? "", to: yaml)].compactMap(\.self) + secrets
        return lines.isEmpty ? nil : lines.joined()
    }

    /// The integration of this name as it was.
    ///
    /// - Throws: `ConfigurationError` where this version does not take the text.
    package func compile(named name: String) throws(ConfigurationError) -> Integration {
        try IntegrationDefinition.compile(yaml, named: name, file: "revision \(number) of \(name)")
    }
}

/// All revisions of an integration. Each event is planned under exactly one of them: the newest that begins with it or
/// before (delivery.md F40).
package final class RevisionHistory: Sendable {
    /// A revision, ready for planning.
    package struct Compiled: Sendable {
        package let number: Int64
        package let integration: Integration
    }

    private let state: Mutex<State>

    private struct State {
        /// In their order.
        var revisions: [Revision]
        var newest: Compiled
        var compiled: [Int64: Compiled]

        /// A text that a newer Ferry does not take any more gives way to the next one that it takes.
        mutating func compile(from position: Int) -> Compiled {
            for revision in revisions[position...] {
                if let known = compiled[revision.number] { return known }
                guard let integration = try? revision.compile(named: newest.integration.name) else { continue }
                let made = Compiled(number: revision.number, integration: integration)
                compiled[revision.number] = made
                return made
            }
            return newest
        }
    }

    /// A history with its newest revision, compiled already, and those before it in their order.
    package init(_ newest: Revision, _ integration: Integration, before: [Revision] = []) {
        let compiled = Compiled(number: newest.number, integration: integration)
        state = Mutex(
            State(revisions: before + [newest], newest: compiled, compiled: [newest.number: compiled])
        )
    }

    package var revisions: [Revision] { state.withLock { $0.revisions } }

    /// The one that holds for what arrives from now on.
    package var newest: Compiled { state.withLock { $0.newest } }

    /// The one under which an event is planned; one from before the first is planned under that.
    package func revision(of event: Int64) -> Compiled {
        state.withLock { state in
            state.compile(from: state.revisions.lastIndex { $0.firstEvent <= event } ?? 0)
        }
    }

    /// The one with a number; `nil` when there is none.
    package func revision(numbered number: Int64) -> Compiled? {
        state.withLock { state in
            state.revisions.firstIndex { $0.number == number }.map { state.compile(from: $0) }
        }
    }

    /// Adds the newest revision, compiled already, behind those that came between.
    package func append(_ revision: Revision, _ integration: Integration, behind others: [Revision] = []) {
        let compiled = Compiled(number: revision.number, integration: integration)
        state.withLock { state in
            state.revisions += others + [revision]
            state.newest = compiled
            state.compiled[revision.number] = compiled
        }
    }

    /// Puts those that are missing before the newest one to their places.
    package func insert(_ older: [Revision]) {
        state.withLock { state in
            let known = Set(state.revisions.map(\.number))
            let missing = older.filter { !known.contains($0.number) && $0.number < state.newest.number }
            guard !missing.isEmpty else { return }
            state.revisions = (state.revisions + missing).sorted { $0.number < $1.number }
        }
    }
}
