import Events
import HTTPTypes

extension SourceAPI {
    /// Whose message a request brings.
    enum Sender {
        case source(String)
        /// It came without a key, with one that no source has, or with that of a source that is switched off.
        case stranger(Rejection, source: String?, unknownKey: String?)

        var source: String? {
            switch self {
            case .source(let source): source
            case .stranger(_, let source, _): source
            }
        }

        var unknownKey: String? {
            if case .stranger(_, _, let key) = self { key } else { nil }
        }
    }

    /// Finds the sender by the first key that is not empty, in the order of source-api.md §1.2: Basic, Bearer, the
    /// body's keys, the query's.
    ///
    /// An unknown Bearer token does not settle it, since SDKs send an access token beside the key in the body.
    func sender(of request: IncomingRequest, bodyKeys: [String]) -> Sender {
        var candidates = bodyKeys
        if let key = request.query["writeKey"] { candidates.append(key) }
        candidates.removeAll { $0.isEmpty }
        if let authorization = Authorization(request.header(.authorization)) {
            switch authorization.scheme {
            case .basic:
                // An older form has no colon: the whole token is the key.
                let user = BasicCredentials(token: authorization.token)?.user ?? []
                if !user.isEmpty { candidates = [String(decoding: user, as: UTF8.self)] }
            case .bearer:
                let token = String(authorization.token)
                if writeKeys.entry(for: token) != nil || candidates.isEmpty, !token.isEmpty { candidates = [token] }
            }
        }
        guard let key = candidates.first else {
            return .stranger(
                Rejection(
                    .missingWriteKey,
                    field: "writeKey",
                    "there is no write key: it comes as the user name of Basic authorization or as writeKey in the body"
                ),
                source: nil,
                unknownKey: nil
            )
        }
        guard let entry = writeKeys.entry(for: key) else {
            return .stranger(
                Rejection(.invalidWriteKey, field: "writeKey", "no source has this write key"),
                source: nil,
                unknownKey: key
            )
        }
        guard entry.isEnabled else {
            return .stranger(
                Rejection(.invalidWriteKey, field: "writeKey", "the source of this write key is switched off"),
                source: entry.source,
                unknownKey: nil
            )
        }
        return .source(entry.source)
    }
}
