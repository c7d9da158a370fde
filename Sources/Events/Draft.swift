import Diagnostics
import LosslessJSON

/// A message on its way to being an event: each step settles the fields that it names.
struct Draft {
    private(set) var message: JSON.Object
    private let strictness: Event.Strictness

    /// Fields whose explicit `null` means absent (source-api.md §2.1).
    private static let nullMeansAbsent = [
        "userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name", "category", "timestamp",
        "originalTimestamp", "sentAt",
    ]

    /// The message as it was sent, without its write key and without nulls that say nothing.
    init(_ sent: JSON.Object, strictness: Event.Strictness) {
        self.strictness = strictness
        // From here on `sent` is used no more: where the caller lets go of it too, its members are moved, not copied.
        message = sent
        // Room for what is filled in, so that this happens once.
        message.reserveCapacity(message.count + 6)
        message["writeKey"] = nil
        for position in message.members.indices.reversed() where message.members[position].value.isNull {
            let key = message.members[position].key
            if Self.nullMeansAbsent.contains(where: key.hasSameBytes) { message[key] = nil }
        }
    }

    // MARK: Type and ids (source-api.md §2.1)

    /// The call is that of the path, if there is one, else that of `type`.
    mutating func settleType(_ call: Event.Call?) throws(Rejection) -> Event.Call {
        if let call {
            message["type"] = .string(call.rawValue)
            return call
        }
        let expected = "one of identify, track, page, screen, group, alias was expected"
        guard let type = message["type"], !type.isNull else {
            throw Rejection(.invalidRequest, field: "type", "type is missing: \(expected)")
        }
        guard case .string(let text) = type else {
            throw Rejection(.invalidRequest, field: "type", "type must be a string, not \(type.kindName): \(expected)")
        }
        guard let call = Event.Call(rawValue: text) else {
            throw Rejection(.invalidRequest, field: "type", "type \"\(text.onOneLine())\" is unknown: \(expected)")
        }
        return call
    }

    /// An id that a call has no use for is an unknown key, which is none of our business.
    mutating func settleIdentifiers(of call: Event.Call) throws(Rejection) {
        try settleIdentifier("userId")
        try settleIdentifier("anonymousId")
        if call == .group { try settleIdentifier("groupId") }
        if call == .alias { try settleIdentifier("previousId") }
    }

    /// A message id that is too long is kept whole: cut ones would collide (source-api.md §2.6).
    mutating func settleMessageId(_ make: (@Sendable () -> String)?) throws(Rejection) {
        try settleIdentifier("messageId")
        guard let given = message["messageId"]?.stringValue, !given.isBlank else {
            message["messageId"] = make.map { .string($0()) }
            return
        }
        let limit = 100
        // No text has more characters than bytes, and the bytes need no counting.
        guard strictness == .strict, given.utf8.count > limit else { return }
        let length = given.unicodeScalars.count
        if length > limit {
            throw Rejection(
                .invalidRequest,
                field: "messageId",
                "messageId must have \(limit) characters at most, not \(length)"
            )
        }
    }

    /// Ids are text: a number becomes its exact text, an empty id is dropped.
    private mutating func settleIdentifier(_ field: String) throws(Rejection) {
        switch message[field] {
        case nil: break
        case .string(let text)?: if text.isEmpty { message[field] = nil }
        case .number(let number)?: message[field] = .string(number.text)
        case let value?:
            throw Rejection(
                .invalidRequest,
                field: field,
                "\(field) must be a string or a number, not \(value.kindName)"
            )
        }
    }

    // MARK: Objects (source-api.md §2.1 to §2.3, §2.5, §2.8)

    /// The item's context, or the old `options` in its place, over the envelope's.
    mutating func settleContext(_ envelope: Event.Envelope, peerAddress: String?) throws(Rejection) {
        let own = try object("context") ?? takeOptions() ?? JSON.Object()
        var context = own.deeplyMerged(over: envelope.context)
        if let peerAddress, context["ip"]?.isNull ?? true, context.isClientSide {
            context["ip"] = .string(peerAddress)
        }
        message["context"] = .object(context)
    }

    private mutating func takeOptions() -> JSON.Object? {
        guard case .object(let options)? = message["options"] else { return nil }
        message["options"] = nil
        return options
    }

    mutating func settleIntegrations(_ envelope: Event.Envelope) throws(Rejection) {
        let own = strictness == .strict ? try object("integrations") : message["integrations"]?.objectValue
        let integrations = (own ?? JSON.Object()).deeplyMerged(over: envelope.integrations)
        message["integrations"] = .object(integrations)
    }

    mutating func settleBodies(of call: Event.Call) throws(Rejection) {
        for field in ["properties", "traits"] {
            if try object(field) == nil, message.contains(field) { message[field] = .object(JSON.Object()) }
        }
        switch call {
        case .track, .page:
            if !message.contains("properties") { message["properties"] = .object(JSON.Object()) }
        case .identify:
            // Rudder's libraries put the traits of an identify into the context only.
            if !message.contains("traits") {
                message["traits"] = .object(message["context"]?["traits"]?.objectValue ?? JSON.Object())
            }
        case .group:
            if !message.contains("traits") { message["traits"] = .object(JSON.Object()) }
        case .screen, .alias: break
        }
    }

    /// The object of a field; `nil` if it is absent or `null`.
    private func object(_ field: String) throws(Rejection) -> JSON.Object? {
        switch message[field] {
        case nil, .null?: return nil
        case .object(let object)?: return object
        case let value?:
            throw Rejection(.invalidRequest, field: field, "\(field) must be an object, not \(value.kindName)")
        }
    }

    // MARK: Times (source-api.md §2.4)

    mutating func settleTimes(_ envelope: Event.Envelope, receivedAt clock: Timestamp?) {
        let arrival = clock ?? message["receivedAt"].flatMap(Timestamp.init(callTime:))
        let arrivalText = arrival?.iso8601
        // A time that can't be written down is as good as none.
        let receivedAt = arrivalText == nil ? nil : arrival
        var original = message["originalTimestamp"]
        if original == nil {
            original = message["timestamp"]
            message["originalTimestamp"] = original
        }
        var sentAt = message["sentAt"]
        if sentAt == nil {
            sentAt = envelope.sentAt
            message["sentAt"] = sentAt
        }
        let happened = original.flatMap(Timestamp.init(callTime:))
        let sent = sentAt.flatMap(Timestamp.init(callTime:))
        let corrected = happened.flatMap { Self.corrected($0, sent: sent, received: receivedAt) }
        message["receivedAt"] = arrivalText.map(JSON.string)
        message["timestamp"] = (corrected?.iso8601 ?? arrivalText).map(JSON.string)
    }

    /// When it happened by the server's clock: the sender's clock may be wrong, the time between happening and sending
    /// is not. `nil` beyond 64 bits.
    private static func corrected(_ happened: Timestamp, sent: Timestamp?, received: Timestamp?) -> Timestamp? {
        guard let sent, let received else { return happened }
        let (waited, overflow) = sent.milliseconds.subtractingReportingOverflow(happened.milliseconds)
        let (corrected, carry) = received.milliseconds.subtractingReportingOverflow(waited)
        return overflow || carry ? nil : Timestamp(milliseconds: corrected)
    }
}

extension JSON.Object {
    /// Both objects in one; where both hold an object it is merged in turn, else the value here wins.
    fileprivate func deeplyMerged(over other: JSON.Object) -> JSON.Object {
        overlaid(with: other) { here, there in
            guard case .object(let here) = here, case .object(let there) = there else { return here }
            return .object(here.deeplyMerged(over: there))
        }
    }

    /// Whether a context tells of a browser or a phone, whose address is the customer's own (source-api.md §2.3).
    fileprivate var isClientSide: Bool {
        if self["direct"]?.boolValue == true { return true }
        if let library = self["library"]?["name"]?.stringValue {
            return clientLibraries.contains(where: library.hasSameBytes)
        }
        // Customer.io's Android library takes its name out of the context and leaves it in the user agent.
        let userAgent = self["userAgent"]?.stringValue
        return userAgent?.utf8.starts(with: "Customer.io Android Client/".utf8) ?? false
    }
}

private let clientLibraries = [
    "analytics.js", "@segment/analytics-next", "@customerio/cdp-analytics-browser", "analytics-swift", "analytics-ios",
    "analytics-kotlin", "analytics-android", "analytics-react-native", "ferry.js",
]
