import Events
import HTTPTypes
import LosslessJSON
import Storage
import Workspaces

/// What all calls of version 1 have in common: their bodies, and the two envelopes of their errors.
extension TrackEndpoints {
    /// Bytes of a body. The largest that can be right has 300 attributes of 1,150 bytes, which JSON may write in three
    /// times as many (track-api.md §4).
    private static let bodyBytes = 2 << 20

    /// `{"meta":{"error":…}}` or `{"meta":{"errors":[…]}}`: which one is a matter of the endpoint (track-api.md §3.2).
    enum Envelope: Sendable {
        case singular, plural

        func answer(_ messages: [String], from workspace: String) -> Answer {
            switch self {
            case .singular: .problem(.invalid, messages.first ?? "", from: workspace)
            case .plural:
                .track(
                    .invalid,
                    json: ["meta": ["errors": .array(messages.map(JSON.string))]],
                    from: workspace
                )
            }
        }
    }

    /// Carries out a call with the body of the request.
    func call(
        _ call: V1Call,
        _ request: IncomingRequest,
        in embedded: EmbeddedWorkspace,
        _ envelope: Envelope,
        success: Situation = .done
    ) async throws -> Answer {
        let refusal: MakeRefusal = { _, message, name in envelope.answer([message], from: name) }
        return try await withJSON(
            request,
            upTo: Self.bodyBytes,
            in: embedded,
            absent: .null,
            refusal: refusal
        ) { body in
            try await carryOut(call, body, in: embedded, envelope, success: success)
        }
    }

    /// Carries out a call that needs no body. Clients send none, `{}` or `null` (track-api.md §21): what it is does not
    /// matter.
    func callWithoutBody(_ call: V1Call, in embedded: EmbeddedWorkspace) async throws -> Answer {
        try await carryOut(call, .null, in: embedded, .singular, success: .done)
    }

    private func carryOut(
        _ call: V1Call,
        _ body: JSON,
        in embedded: EmbeddedWorkspace,
        _ envelope: Envelope,
        success: Situation
    ) async throws -> Answer {
        let refusals = try await stored { () async throws(StorageError) in
            try await embedded.workspace.carryOut(call, body: body, now: now().seconds)
        }
        if refusals == [.missingEventName] {
            return Envelope.singular.answer(refusals.map(\.words), from: embedded.name)
        }
        if refusals == [.unknownSegment], embedded.traits.missesSegments {
            return .problem(.unknownPath, Refusal.unknownSegment.words, from: embedded.name)
        }
        guard refusals.isEmpty else { return envelope.answer(refusals.map(\.words), from: embedded.name) }
        switch success {
        case .doneWithoutBody: return .track(success, [], from: embedded.name)
        default: return .trackSuccess(from: embedded.name)
        }
    }
}
