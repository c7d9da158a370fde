package import LosslessJSON

extension Trigger {
    /// An event as triggers see it, with the two fields that nearly every trigger asks for already found.
    ///
    /// Made once an event and handed to all triggers, it saves each of them the search.
    package struct Subject: Sendable {
        private let fields: JSON.Object
        let type: JSON
        /// Null on all calls but track: for a trigger, `event` exists there only (actions.md §3, source-api.md §4.2).
        let event: JSON

        package init(_ event: JSON.Object) {
            fields = event
            type = event[.type] ?? .null
            let isTrack = if case .string(let type) = type { type.hasSameBytes(as: "track") } else { false }
            self.event = isTrack ? event[.event] ?? .null : .null
        }

        /// The value of a top-level field, `nil` when there is none.
        func value(of field: JSON.Path.Step) -> JSON? {
            if field == .event, event.isNull { return hidesEvent ? nil : fields[field] }
            return fields[field]
        }

        /// The value at the end of a path, `nil` when a step is missing.
        func value(at path: JSON.Path) -> JSON? {
            guard let first = path.steps.first, var value = value(of: first) else { return nil }
            for step in path.steps.dropFirst() {
                guard let next = value.value(of: step) else { return nil }
                value = next
            }
            return value
        }

        /// Whether the event carries an `event` that triggers do not see, because it is no track call.
        var hidesEvent: Bool {
            event.isNull && fields[.event].map { !$0.isNull } ?? false
        }
    }
}

extension JSON.Path.Step {
    static let type = JSON.Path.Step("type")
    static let event = JSON.Path.Step("event")
}
