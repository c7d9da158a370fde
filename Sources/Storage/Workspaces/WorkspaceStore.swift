package import LosslessJSON

/// The tables of the embedded workspaces, each of which is known by its name.
///
/// What a workspace does with an operation is decided in the room Workspaces; here stands what it remembers.
package struct WorkspaceStore: Sendable {
    let engine: any WorkspaceEngine
    /// Tells of what was written.
    package let changes: WorkspaceChanges

    let seal: SecretSeal

    init(_ engine: any WorkspaceEngine, seal: SecretSeal) {
        self.engine = engine
        self.seal = seal
        changes = engine.isShared ? WorkspaceChanges { await Self.writes(engine) } : WorkspaceChanges()
    }

    /// Whether other processes keep workspaces here too.
    package var isShared: Bool { engine.isShared }

    /// Carries out all of `work` on one workspace, or nothing of it when it throws. The workspace is made on first use.
    ///
    /// Writers of a workspace come one after the other, whichever processes they are in. The commit survives the process; see
    /// `DataStore` for the loss of power. Cancelling the task has no effect.
    ///
    /// - Throws: the error of the disk. Where the connection to a server was lost at the very end, all of it may have been
    ///   done all the same.
    package func write<Value: Sendable>(
        in workspace: String,
        _ work: @escaping @Sendable (WorkspaceTransaction) throws -> Value
    ) async throws(StorageError) -> Value {
        let value = try await engine.write { try work(WorkspaceTransaction(writing: workspace, $0)) }
        changes.written(workspace)
        return value
    }

    /// Reads one workspace as it stands at one moment. One that was never written is empty.
    package func read<Value: Sendable>(
        in workspace: String,
        _ work: @escaping @Sendable (WorkspaceTransaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await engine.read { try work(WorkspaceTransaction(reading: workspace, $0)) }
    }

    /// The names of the workspaces that were ever written, in the order of their first use.
    package func names() async throws(StorageError) -> [String] {
        try await engine.read { connection in
            try connection.rows("SELECT name FROM workspaces ORDER BY workspace").map { try $0.text(0) }
        }
    }

    /// How often each was written; none while they can't be read.
    private static func writes(_ engine: any WorkspaceEngine) async -> [String: Int64]? {
        try? await engine.read { connection in
            try connection.rows("SELECT name, writes FROM workspaces").reduce(into: [:]) {
                $0[try $1.text(0)] = try $1.integer(1)
            }
        }
    }
}

/// A person's place in the tables. Rises in the order in which people were made, and is never used again.
package struct PersonKey: Hashable, Sendable, Comparable {
    package let number: Int64

    package static func < (left: PersonKey, right: PersonKey) -> Bool {
        left.number < right.number
    }
}

/// An object's place in the tables. Rises in the order in which objects were made, and is never used again.
package struct ObjectKey: Hashable, Sendable {
    package let number: Int64
}

/// One of the values by which a person is found (track-api.md §6.1). E-mail addresses are compared without case,
/// everything else byte for byte.
package enum PersonIdentifier: Sendable {
    case id(String)
    case email(String)
    case cioId(String)
    /// In E.164: the attribute `phone`, by which people are found where a workspace says so. Several may have the same;
    /// the one who was made first is found.
    case phone(String)
}

extension PersonIdentifier {
    /// The name of the column and the text that is compared.
    var comparable: (kind: String, value: String) {
        switch self {
        case .id(let value): ("id", value)
        case .email(let value): ("email", PersonIdentifier.comparableEmail(value))
        case .cioId(let value): ("cio_id", value)
        case .phone(let value): ("phone", value)
        }
    }

    static func comparableEmail(_ email: String) -> String {
        email.lowercased()
    }
}

extension PersonIdentifier: Equatable {
    /// Whether both find the same person.
    package static func == (left: PersonIdentifier, right: PersonIdentifier) -> Bool {
        let (left, right) = (left.comparable, right.comparable)
        return left.kind == right.kind && left.value.hasSameBytes(as: right.value)
    }
}

/// A person without the attributes.
package struct StoredPerson: Sendable {
    package let key: PersonKey
    package var id: String?
    package var email: String?
    package let cioId: String
    /// Unix seconds.
    package let madeAt: Int64
}

/// An object without the attributes.
package struct StoredObject: Sendable {
    package let key: ObjectKey
    package let type: Int64
    package let id: String
    package let cioId: String
}

/// A push device (track-api.md §16).
package struct StoredDevice: Sendable {
    package var person: PersonKey
    package var token: String
    package var platform: String
    /// Unix seconds.
    package var lastUsed: Int64
    package var attributes: JSON.Object

    package init(person: PersonKey, token: String, platform: String, lastUsed: Int64, attributes: JSON.Object) {
        self.person = person
        self.token = token
        self.platform = platform
        self.lastUsed = lastUsed
        self.attributes = attributes
    }
}

/// An entry of the activity log (track-api.md §20).
package struct ActivityEntry: Sendable {
    /// Of whom it speaks.
    package enum Subject: Sendable {
        /// A living person; the entry goes when the person is removed.
        case person(PersonKey)
        /// Whoever is joined with this anonymous id one day.
        case anonymous(String)
        /// Somebody who has no profile, by these identifiers (empty: not told).
        case nobody(identifiers: JSON.Object)
    }

    package var subject: Subject
    package var type: String
    /// When it happened, in Unix seconds.
    package var timestamp: Int64
    /// When the workspace learnt of it, in Unix seconds.
    package var loggedAt: Int64
    /// The name of an event or a screen, the URL of a page.
    package var name: String?
    package var data: JSON?

    package init(
        subject: Subject,
        type: String,
        timestamp: Int64,
        loggedAt: Int64,
        name: String? = nil,
        data: JSON? = nil
    ) {
        self.subject = subject
        self.type = type
        self.timestamp = timestamp
        self.loggedAt = loggedAt
        self.name = name
        self.data = data
    }
}

/// An entry of the activity log with its number in it and with the person as it is now.
package struct ListedActivity: Sendable {
    /// Rises in the order in which entries were logged.
    package let number: Int64
    package let type: String
    package let timestamp: Int64
    package let loggedAt: Int64
    package let name: String?
    package let data: JSON?
    package let anonymousId: String?
    /// The living person of the entry.
    package let person: StoredPerson?
    /// Of whom the entry speaks when there is no living person.
    package let identifiers: JSON.Object?
}

/// A reported delivery metric (track-api.md §18).
package struct DeliveryMetric: Sendable {
    package var deliveryId: String
    package var name: String
    /// Unix seconds.
    package var timestamp: Int64
    /// Recipient, reason, href, metadata, as they came.
    package var data: JSON.Object

    package init(deliveryId: String, name: String, timestamp: Int64, data: JSON.Object) {
        self.deliveryId = deliveryId
        self.name = name
        self.timestamp = timestamp
        self.data = data
    }
}

/// How many of each kind a workspace holds.
package struct WorkspaceCounts: Sendable, Equatable {
    package var people: Int64 = 0
    package var objects: Int64 = 0
    package var relationships: Int64 = 0
    package var devices: Int64 = 0
    /// Events, pages, screens and content events, anonymous ones included.
    package var events: Int64 = 0
    /// Those of `events` that no person has been joined with.
    package var anonymousEvents: Int64 = 0
    package var metrics: Int64 = 0
    /// Identifiers that are suppressed.
    package var suppressed: Int64 = 0
    /// Entries of the activity log.
    package var activity: Int64 = 0

    package init() {}
}
