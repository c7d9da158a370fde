import Events
import HTTPTypes
import Logging
import LosslessJSON
import Storage
import TrackAPI

extension SourceAPI {
    /// Reads a request's body and keeps what it holds. `call` is what the path says, `nil` for a batch.
    func accept(_ request: IncomingRequest, as call: Event.Call?) async throws -> Answer {
        let arrival = Arrival(request, as: call, receivedAt: now())
        let body = try await request.readBody(upTo: limits.bodyBytes, seconds: limits.bodySeconds, budget: budget)
            .inflated(upTo: limits.bodyBytes, budget: budget)
        defer { budget.giveBack(body.heldBytes) }
        switch body {
        case .noRoom: throw Intake.Failure.overloaded(retryAfterSeconds: 1)
        case .tooSlow:
            let words = "the body did not arrive within \(limits.bodySeconds) s"
            var answer = Answer.error(.senderTooSlow, code: Rejection.Code.invalidRequest.rawValue, words)
            answer.closesConnection = true
            return answer
        case .whole, .tooLarge, .damaged: break
        }
        let submission: Submission
        do {
            submission = try Submission(body, of: request, call: call, limits: limits)
        } catch {
            let sender = sender(of: request, bodyKeys: [])
            try await keep(error, source: sender.source, key: sender.unknownKey, body, arrival)
            var answer = Answer.refusal(.unreadable, [error])
            if case .tooLarge(isDrained: false, _) = body { answer.closesConnection = true }
            return answer
        }
        switch sender(of: request, bodyKeys: submission.writeKeys) {
        case .stranger(let rejection, let source, let key):
            return try await refuse(rejection, source: source, key: key, body, arrival)
        case .source(let source):
            guard submission.messages.count <= limits.items else {
                let rejection = Rejection(
                    .tooManyEvents,
                    field: "batch",
                    "the batch has \(submission.messages.count) messages: \(limits.items) at most were expected"
                )
                return try await refuse(rejection, source: source, body, arrival)
            }
            return try await accept(submission, source: source, arrival)
        }
    }

    private func accept(_ submission: Submission, source: String, _ arrival: Arrival) async throws -> Answer {
        let sorted = sort(submission, source: source, arrival)
        if arrival.strictness == .strict, let first = sorted.refused.first {
            let faults = sorted.refused.map { refused in
                submission.call == nil ? refused.rejection.inBatch(at: refused.index) : refused.rejection
            }
            return .refusal(.refused(first.rejection.code, .strict), faults)
        }
        if sorted.refused.isEmpty {
            try await intake.store(sorted.accepted)
        } else {
            let refused = sorted.refused.map { $0.kept(source: source, submission, arrival) }
            try await keep(refused, beside: sorted.accepted, trace: arrival.trace)
        }
        return .accepted
    }

    func sort(_ submission: Submission, source: String, _ arrival: Arrival) -> Sorted {
        let receipt = Event.Receipt(
            source: source,
            receivedAt: arrival.receivedAt,
            strictness: arrival.strictness,
            peerAddress: arrival.peerAddress,
            makeMessageId: makeMessageId
        )
        var scale = MessageScale(submission, limits: limits)
        var sorted = Sorted()
        for (index, message) in submission.messages.enumerated() {
            do throws(Rejection) {
                try scale.weigh(message)
                let event = try Event(
                    normalising: message,
                    as: submission.call,
                    envelope: submission.envelope,
                    receipt: receipt
                )
                sorted.accepted.append(NewEvent(event, of: message, receivedAt: arrival.receivedAt))
            } catch {
                sorted.refused.append(Sorted.Refused(index: index, rejection: error, message: message))
            }
        }
        return sorted
    }

    // MARK: Refusals

    /// Refuses a request on purpose: in permissive mode it is kept and answered 200.
    private func refuse(
        _ rejection: Rejection,
        source: String?,
        key: String? = nil,
        _ body: ReceivedBody,
        _ arrival: Arrival
    ) async throws -> Answer {
        guard arrival.strictness == .permissive else {
            return .refusal(.refused(rejection.code, .strict), [rejection])
        }
        try await keep(rejection, source: source, key: key, body, arrival)
        return .accepted
    }

    /// Keeps a whole body among the rejections; strict mode told the sender instead.
    private func keep(
        _ rejection: Rejection,
        source: String?,
        key: String? = nil,
        _ body: ReceivedBody,
        _ arrival: Arrival
    ) async throws {
        guard arrival.strictness == .permissive else { return }
        var message = RefusedMessage(rejection, source: source, raw: body.bytes, arrival)
        message.isCut = body.isCut
        message.keyMark = key.map(intake.mark)
        try await keep([message], trace: arrival.trace)
    }

    private func keep(_ refused: [RefusedMessage], beside accepted: [NewEvent] = [], trace: TraceID?) async throws {
        let displaced = try await intake.refuse(refused, accepted)
        if displaced > 0 {
            log.note(
                .error,
                "Refused messages are gone for good: newer ones needed the room",
                kind: "displaced",
                count: displaced,
                trace: trace,
                now: now()
            )
        }
        for (code, messages) in Dictionary(grouping: refused, by: \.code) {
            log.note(.warning, "Messages were refused", kind: code, count: messages.count, trace: trace, now: now())
        }
    }
}

/// What became of each message of a request, in their order.
struct Sorted {
    struct Refused {
        let index: Int
        let rejection: Rejection
        let message: JSON
    }

    var accepted: [NewEvent] = []
    var refused: [Refused] = []
}

/// What is known of a request before its body is.
struct Arrival {
    /// Where it was sent to: the name of a call, or `batch`.
    let path: String
    let receivedAt: Timestamp
    let strictness: Event.Strictness
    let peerAddress: String?
    /// The one that the sender has named.
    let trace: TraceID?

    init(_ request: IncomingRequest, as call: Event.Call?, receivedAt: Timestamp) {
        path = call?.rawValue ?? "batch"
        self.receivedAt = receivedAt
        strictness = request.header(.strictMode) == "1" ? .strict : .permissive
        peerAddress = request.peerAddress
        trace = request.trace
    }

    /// That of a message which was refused in permissive mode and comes again.
    init(again message: RefusedMessage) {
        path = message.path
        receivedAt = Timestamp(milliseconds: message.receivedAt)
        strictness = .permissive
        peerAddress = message.peerAddress
        trace = nil
    }
}

extension NewEvent {
    /// What the log keeps of an event, which was made of `message`.
    fileprivate init(_ event: Event, of message: JSON, receivedAt: Timestamp) {
        let messageId = event.messageId ?? ""
        // An id that was made here never comes again (source-api.md §2.7).
        let isSenders =
            switch message["messageId"] {
            case .string(let text)?: text.hasSameBytes(as: messageId)
            case .number(let number)?: number.text == messageId
            default: false
            }
        self.init(
            source: event.source,
            messageId: messageId,
            type: event.call.rawValue,
            name: event.name,
            userId: event.userId,
            anonymousId: event.anonymousId,
            receivedAt: receivedAt.milliseconds,
            body: event.message.encoded(),
            deduplicates: isSenders
        )
    }
}

extension RefusedMessage {
    init(_ rejection: Rejection, source: String?, raw: [UInt8], _ arrival: Arrival) {
        self.init(
            source: source,
            code: rejection.code.rawValue,
            reason: rejection.message,
            raw: WriteKeyMask.masked(raw),
            path: arrival.path,
            peerAddress: arrival.peerAddress,
            receivedAt: arrival.receivedAt.milliseconds
        )
    }
}

extension Sorted.Refused {
    /// This message as it is kept, with what held for all messages of its batch.
    func kept(source: String, _ submission: Submission, _ arrival: Arrival) -> RefusedMessage {
        var kept = RefusedMessage(rejection, source: source, raw: message.encoded(), arrival)
        guard submission.call == nil else { return kept }
        // What is too large is often so because of its envelope, which thousands of messages may share.
        if rejection.code == .messageTooLarge, submission.envelopeBytes > 1024 {
            kept.isCut = true
        } else {
            kept.envelope = submission.envelope.encoded
        }
        return kept
    }
}

extension Rejection {
    /// The same fault, with its place in a batch.
    fileprivate func inBatch(at index: Int) -> Rejection {
        Rejection(
            code,
            field: field.map { "batch[\(index)].\($0)" } ?? "batch[\(index)]",
            "batch[\(index)]: \(message)"
        )
    }
}
