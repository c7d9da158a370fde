package import Integrations
import LosslessJSON
import Synchronization

/// The integrations of a running Ferry, in the order in which people see them.
package final class LiveIntegrations: Sendable {
    private let members = Mutex<[LiveIntegration]>([])
    /// The environment variables that the configuration file names.
    private let variables = Mutex<Set<String>>([])
    /// The state of the configuration that they are of (`EventLog.Page`).
    private let known = Mutex<Int64>(0)
    /// What plans, and what changes under which configuration is planned, goes through here.
    let gate = PlanningGate()
    /// A signal after integrations have come or gone, and one at the beginning.
    let changes: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    package init() {
        (changes, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal.yield()
    }

    /// The environment variables that the configuration file names, and so lets others name.
    var fileVariables: Set<String> {
        get { variables.withLock(\.self) }
        set { variables.withLock { $0 = newValue } }
    }

    /// The state of the configuration that they are of (`EventLog.Page`).
    package internal(set) var configuration: Int64 {
        get { known.withLock(\.self) }
        set { known.withLock { $0 = newValue } }
    }

    package var all: [LiveIntegration] { members.withLock(\.self) }

    package func named(_ name: String) -> LiveIntegration? {
        all.first { $0.name.hasSameBytes(as: name) }
    }

    /// Adds one that never changes: for those who have no configuration.
    package func add(_ integration: Integration, _ connection: Connection, at now: Moment) {
        let revision = Revision(number: 1, firstEvent: 1, at: now.wall, author: .api, yaml: "")
        add(LiveIntegration(RevisionHistory(revision, integration), home: .database, connection: connection, at: now))
    }

    func add(_ integration: LiveIntegration) {
        members.withLock { $0.append(integration) }
        signal.yield()
    }

    func remove(_ name: String) {
        named(name)?.leave()
        members.withLock { $0.removeAll { $0.name.hasSameBytes(as: name) } }
        signal.yield()
    }

    /// A lane has ended, or another may be begun here: somebody has to look.
    package func lookAgain() {
        signal.yield()
    }
}
