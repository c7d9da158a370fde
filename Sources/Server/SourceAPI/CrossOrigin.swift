import HTTPTypes

/// The headers that let pages of any origin call the source API and read its answers (source-api.md §1.8).
enum CrossOrigin {
    /// At least these are allowed, whatever a preflight asks for.
    private static let allowedHeaders =
        "authorization, content-type, content-encoding, x-retry-count, x-strict-mode, anonymousid"

    /// An answer with what every one carries, errors included: without it a page sees a network error and tries again.
    static func decorated(_ answer: Answer, for origin: String?) -> Answer {
        var answer = answer
        answer.headers[.accessControlAllowOrigin] = origin ?? "*"
        answer.headers[.vary] = "Origin"
        answer.headers[.accessControlAllowCredentials] = "true"
        answer.headers[.accessControlExposeHeaders] = "Retry-After, X-RateLimit-Reset"
        return answer
    }

    /// The answer to OPTIONS on a path that exists, which needs no key.
    static func preflight(_ request: IncomingRequest) -> Answer {
        let requested = request.headers[.accessControlRequestHeaders]
        return Answer(
            .preflight,
            headers: [
                .accessControlAllowMethods: "GET, POST, OPTIONS",
                .accessControlAllowHeaders: requested.map { "\($0), \(allowedHeaders)" } ?? allowedHeaders,
                .accessControlMaxAge: "7200",
            ],
            body: []
        )
    }
}
