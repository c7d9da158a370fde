/// How events wait on this machine's disk while the database of the log can't take them.
package struct SpoolSettings: Sendable {
    /// Whether events go there. What is there from before is brought into the log in either case.
    package var isOn: Bool
    /// Bytes that they may use; beyond them nothing is accepted until the database is back.
    package var bytes: Int64
    /// Is told when it begins, ends and fails.
    package var note: @Sendable (SpoolNote) -> Void

    package init(
        isOn: Bool = false,
        bytes: Int64 = 1_000_000_000,
        note: @escaping @Sendable (SpoolNote) -> Void = { _ in }
    ) {
        self.isOn = isOn
        self.bytes = bytes
        self.note = note
    }
}

/// What is to be told of a spool.
package enum SpoolNote: Sendable, Equatable {
    /// The database takes no events, in the words of its error: they wait here from now on.
    case began(String)
    /// So many waited when the data were opened.
    case found(events: Int)
    /// Something else than the database's absence keeps events here.
    case stuck(String)
    /// All of them are in the log, so many since it began.
    case ended(events: Int)
}

/// What waits in a spool.
package struct SpoolStatus: Sendable, Equatable {
    package internal(set) var events = 0
    /// Milliseconds since 1970 at which the first of them was received; `nil` when there is none.
    package internal(set) var oldestAt: Int64?
}

extension StorageError {
    /// Whether the database takes no events for the time being, whatever they are.
    var isAbsence: Bool {
        switch code {
        case .unavailable, .full, .unwritable: true
        case .corrupt, .newerVersion, .locked, .busy, .overloaded, .refused, .other: false
        }
    }
}
