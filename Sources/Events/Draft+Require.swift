import LosslessJSON

/// What must be there (source-api.md §2.6).
///
/// The fields have been settled before: an id that is there is a non-empty text, `context`, `properties` and `traits`
/// are objects.
extension Draft {
    func requireFields(of call: Event.Call) throws(Rejection) {
        switch call {
        case .track:
            let name = try requireEventName()
            if !namesWithoutIdentifier.contains(where: name.hasSameBytes) { try requireIdentifier(call) }
        case .identify, .page, .screen: try requireIdentifier(call)
        case .group: try requireId("groupId")
        case .alias:
            try requireId("previousId")
            try requireSurvivor()
        }
    }

    private func requireEventName() throws(Rejection) -> String {
        switch message["event"] {
        case nil:
            throw Rejection(
                .missingEventName,
                field: "event",
                "event is missing: a track needs the name of what happened"
            )
        case .string("")?:
            throw Rejection(.missingEventName, field: "event", "event must be a non-empty string, not an empty one")
        case .string(let name)?: return name
        case let value?:
            throw Rejection(
                .missingEventName,
                field: "event",
                "event must be a non-empty string, not \(value.kindName)"
            )
        }
    }

    private func requireId(_ field: String) throws(Rejection) {
        if message.contains(field) { return }
        throw Rejection(
            .invalidRequest,
            field: field,
            "\(field) is missing: a non-empty string or a number was expected"
        )
    }

    /// An alias says who stays in `userId`, or, where that is absent, in a top-level `id`.
    private func requireSurvivor() throws(Rejection) {
        if message.contains("userId") { return }
        switch message["id"] {
        case .string(let id)? where !id.isEmpty: return
        case .number?: return
        default: throw Rejection(.invalidRequest, field: "userId", "userId is missing: an alias needs userId or id")
        }
    }

    private func requireIdentifier(_ call: Event.Call) throws(Rejection) {
        if message.contains("userId") || message.contains("anonymousId") { return }
        if isEmail(message["email"]) || isEmail(message["context"]?["traits"]?["email"]) { return }
        if call == .identify, isEmail(message["traits"]?["email"]) { return }
        if call == .track, isEmail(message["properties"]?["email"]) { return }
        throw Rejection(
            .noIdentifier,
            field: "userId",
            "there is neither a userId nor an anonymousId nor an e-mail: \(call.rawValue) needs one of them"
        )
    }

    /// Any text that is not blank, whatever its shape, and a number, which counts as its text (actions.md §2).
    private func isEmail(_ value: JSON?) -> Bool {
        switch value {
        case .string(let text)?: !text.isBlank
        case .number?: true
        default: false
        }
    }
}

private let namesWithoutIdentifier = ["Object Deleted", "Report Delivery Event", "Report Content Event"]
