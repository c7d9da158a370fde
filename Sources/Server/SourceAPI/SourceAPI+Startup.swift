import Events
import HTTPTypes
import LosslessJSON

/// What SDKs ask and tell beside their messages (source-api.md §1.9, §1.10).
extension SourceAPI {
    /// The remote settings that an SDK fetches when it starts: where to send, and nothing that would make it do more.
    ///
    /// A browser refuses to start when this fails, and sends events without a key when `apiKey` is missing; mobile SDKs
    /// take over `apiHost`, which has no scheme and stands for the vendor's host when it is missing.
    func settings(_ request: IncomingRequest, key: String) -> Answer {
        guard let entry = writeKeys.entry(for: key), entry.isEnabled else {
            return .error(
                .unknownPath,
                code: Rejection.Code.invalidWriteKey.rawValue,
                "no source has this write key, or it is switched off"
            )
        }
        guard let host = request.authority, !host.isEmpty else {
            return .error(
                .unreadable,
                code: Rejection.Code.invalidRequest.rawValue,
                "the Host header is missing, from which the SDK learns where to send"
            )
        }
        let sdk: JSON = [
            "apiKey": .string(key), "apiHost": .string("\(host)/v1"), "protocol": .string(request.scheme),
        ]
        return Answer(
            .done,
            headers: [.cacheControl: "private, max-age=60"],
            json: [
                "integrations": ["Customer.io Data Pipelines": sdk, "Segment.io": sdk],
                "plan": ["track": ["__default": ["enabled": true, "integrations": [:]]]],
                "edgeFunction": [:], "middlewareSettings": ["routingRules": []], "enabledMiddleware": [:],
                "metrics": ["sampleRate": 0], "remotePlugins": [], "legacyVideoPluginsEnabled": false,
            ]
        )
    }

    /// An SDK's metrics about itself: read to their end, so that the connection stays of use, and thrown away.
    func takeMetrics(_ request: IncomingRequest) async throws -> Answer {
        let body = try await request.readBody(upTo: limits.bodyBytes, seconds: limits.bodySeconds, budget: budget)
        budget.giveBack(body.heldBytes)
        var answer = Answer.accepted
        if case .tooLarge(isDrained: false, _) = body { answer.closesConnection = true }
        if case .tooSlow = body { answer.closesConnection = true }
        return answer
    }
}

extension IncomingRequest {
    /// Whether the sender speaks `http` or `https` with whoever is in front of this server.
    fileprivate var scheme: String {
        let forwarded = headers[.forwardedProtocol]?.split(separator: ",").first?.lowercased()
        return forwarded == "https" ? "https" : "http"
    }
}
