import LosslessJSON

/// An HTTP answer, as far as it matters here.
struct Response: Sendable {
    /// Who answered: the endpoint, or where it redirected to.
    let endpoint: Endpoint
    let status: Int
    /// The body; `nil` when it was longer than `TrackLimits.responseBytes` and not read to its end.
    let body: [UInt8]?
    let location: String?
    let retryAfter: String?
    let workspace: String?
    /// When it was given, in Unix seconds: by its own `Date`, else by this machine's clock.
    let date: Int64

    /// The body as what every answer of the Track API is.
    var object: JSON.Object? {
        body.flatMap { try? JSON(parsing: $0).objectValue }
    }

    /// Whether there is nothing but white space in the body.
    var isEmpty: Bool {
        body?.allSatisfy { $0 == 0x20 || 0x09...0x0D ~= $0 } ?? false
    }
}

/// Decides what an HTTP answer says about the operations of its request (actions.md §5, delivery.md F14–F26, C.3).
struct AnswerReader: Sendable {
    let endpoint: Endpoint
    let credentials: Credentials

    /// What any answer but a 403 says about what was sent; `forbidden` decides that one.
    func answer(to batch: Batch, from response: Response) -> Answer {
        switch response.status {
        case 207 where response.isEmpty || response.object != nil: partial(response, batch: batch)
        case 200...299: success(response, batch: batch)
        case 401: .settings(words: refusedWords(response))
        case 300...399, 404, 405, 410: .settings(words: wrongAddressWords(response, call: "POST \(batch.path)"))
        case 429: .unavailable(words: words(response), retryAfter: wait(response))
        case 408, 500...: later(response)
        case 400...499: clientError(response, batch: batch)
        default: .suspicious(words: words(response), retryAfter: nil, isTimeout: false)
        }
    }

    /// 403 speaks of the settings when the region call refuses the credentials too; a firewall that dislikes one body
    /// answers 403 as well, and must not stop the rest (delivery.md F19).
    func forbidden(_ response: Response, batch: Batch, check: CredentialsCheck) -> Answer {
        switch check {
        case .valid: clientError(response, batch: batch)
        case .refused(let words): .settings(words: words)
        case .unreachable(let checkWords):
            // As long as nothing is known of the credentials, the operation may be to blame.
            .suspicious(
                words: "\(words(response)), and then: \(checkWords)",
                retryAfter: wait(response),
                isTimeout: false
            )
        case .unexpected(let checkWords): .settings(words: "\(words(response)), and then: \(checkWords)")
        }
    }

    /// What the answer to the region call says (track-api.md §9.1).
    func credentialsCheck(from response: Response) -> CredentialsCheck {
        switch response.status {
        case 200...299:
            guard let account = response.object else { return .unexpected(words: notAnAnswerWords(response)) }
            return valid(account)
        case 401, 403: return .refused(words: refusedWords(response))
        case 408, 429, 500...: return .unreachable(words: words(response))
        case 300...399, 404, 405, 410:
            return .unexpected(words: wrongAddressWords(response, call: "GET \(TrackClient.regionPath)"))
        default: return .unexpected(words: words(response))
        }
    }

    private func success(_ response: Response, batch: Batch) -> Answer {
        guard response.isEmpty || response.object != nil else {
            return .settings(words: notAnAnswerWords(response))
        }
        return .settled(batch.operations.map { _ in .delivered })
    }

    /// A server that says when to come again is busy, whatever it was sent; one that fails without a word may have
    /// met an operation that it can't take.
    private func later(_ response: Response) -> Answer {
        let wait = wait(response)
        if response.status == 503, wait != nil { return .unavailable(words: words(response), retryAfter: wait) }
        // The gateway gave up waiting for what stands behind it, which goes on.
        let isTimeout = response.status == 504 || response.status == 524
        return .suspicious(words: words(response), retryAfter: wait, isTimeout: isTimeout)
    }

    /// 207: the items that are named are bad, the others are delivered; believed only when every entry names one.
    private func partial(_ response: Response, batch: Batch) -> Answer {
        if batch.operations.count > 1, let refused = refusedItems(response, count: batch.operations.count) {
            return .settled(batch.operations.indices.map { refused[$0].map(ItemOutcome.refused) ?? .delivered })
        }
        return blame(response, batch: batch)
    }

    /// 400, 413, 422 and the like: nothing was taken.
    private func clientError(_ response: Response, batch: Batch) -> Answer {
        if batch.operations.count > 1, let refused = refusedItems(response, count: batch.operations.count) {
            return .settled(batch.operations.indices.map { refused[$0].map(ItemOutcome.refused) ?? .untried })
        }
        return blame(response, batch: batch)
    }

    /// An answer that cannot be pinned on items: alone, the verdict is the operation's own (delivery.md F17).
    private func blame(_ response: Response, batch: Batch) -> Answer {
        let words = itemWords(response.status, explanation(response))
        return batch.operations.count > 1 ? .unclear(words: words) : .settled([.refused(words)])
    }

    /// The words for each item that `errors` names, by its index; `nil` when there is no entry, or one without a usable
    /// index: then some unnamed item may be bad, and nothing is believed.
    private func refusedItems(_ response: Response, count: Int) -> [Int: String]? {
        guard let object = response.object else { return nil }
        var words: [Int: [String]] = [:]
        for error in ForeignWords.errors(in: object) {
            guard let index = error["batch_index"]?.numberValue?.int64, 0..<Int64(count) ~= index else { return nil }
            words[Int(index), default: []].append(ForeignWords.words(of: error))
        }
        guard !words.isEmpty else { return nil }
        return words.mapValues { itemWords(response.status, ForeignWords.joined($0, credentials: credentials)) }
    }

    private func valid(_ account: JSON.Object) -> CredentialsCheck {
        let named = account["region"]?.stringValue ?? account["data_center"]?.stringValue
        let region = named.map { ForeignWords.clean(credentials.redacting($0.uppercased())) }
        let environment: String? =
            switch account["environment_id"] {
            case .number(let number): ForeignWords.clean(number.text)
            case .string(let text): ForeignWords.clean(credentials.redacting(text))
            default: nil
            }
        var note: String?
        if let region, let own = Region(rawValue: region), let chosen = endpoint.region, own != chosen {
            note =
                "the account's region is \(own.rawValue), but account_region is \(chosen.rawValue): "
                + "set it to \(own.rawValue)"
        }
        return .valid(region: region, environment: environment, note: note)
    }
}

// MARK: - Words

extension AnswerReader {
    /// `400: name: is required (required)`. What a 207 refuses is told as a 400 tells it of one alone: whether an operation
    /// went out by itself or among others, one fault is one reason.
    private func itemWords(_ status: Int, _ explanation: String?) -> String {
        let status = status == 207 ? 400 : status
        return ForeignWords.clean("\(status): \(explanation ?? "refused without an explanation")")
    }

    /// `track.customer.io answered 503: try later`.
    private func words(_ response: Response) -> String {
        let opening = "\(response.endpoint.authority) answered \(response.status)"
        guard let explanation = explanation(response) else { return opening }
        return ForeignWords.clean("\(opening): \(explanation)")
    }

    private func explanation(_ response: Response) -> String? {
        guard let body = response.body else { return nil }
        return ForeignWords.explanation(in: body, json: response.object, credentials: credentials)
    }

    private func refusedWords(_ response: Response) -> String {
        let advice =
            endpoint.region == nil
            ? "check site_id and api_key"
            : "check site_id, api_key and account_region; the keys of one region are unknown in the other"
        return "\(words(response)). It refuses the credentials: \(advice)"
    }

    private func wrongAddressWords(_ response: Response, call: String) -> String {
        let opening = "\(response.endpoint.authority) answered \(response.status) to \(call)"
        guard 300...399 ~= response.status else {
            return "\(opening): no Track API stands at \(response.endpoint). Check the endpoint setting"
        }
        guard response.endpoint == endpoint else {
            return "\(opening), a redirect, which is not followed: \(endpoint.authority) had redirected there already. "
                + "Check account_region"
        }
        switch RedirectTarget(response.location) {
        case .region(let region):
            return "\(opening), a redirect to \(region.host), which is not followed. "
                + "Set account_region to \(region.rawValue), or the endpoint to https://\(region.host)"
        case .host(let address):
            return "\(opening), a redirect to \(address), which is not followed. "
                + "If that is the Track API, make it the endpoint"
        case .samePlace:
            return "\(opening), a redirect to another path there, which is not followed. Check the endpoint setting"
        case .unknown:
            return "\(opening), a redirect, which is not followed. Check the endpoint setting"
        }
    }

    private func notAnAnswerWords(_ response: Response) -> String {
        let what =
            switch response.body {
            case nil: "more than \(TrackLimits.responseBytes) bytes"
            case .some(let body) where body.first == UInt8(ascii: "<"): "a web page"
            case .some: "something that is not a JSON object"
            }
        return "\(response.endpoint.authority) answered \(response.status) with \(what), which no Track API does. "
            + "Check the endpoint setting"
    }

    private func wait(_ response: Response) -> Duration? {
        response.retryAfter.flatMap { RetryAfter.wait($0, now: response.date) }
    }
}

/// Where a redirect leads, as far as it may be shown: no path, no query, no credentials.
private enum RedirectTarget {
    case region(Region)
    case host(String)
    case samePlace
    case unknown

    init(_ location: String?) {
        guard let location else {
            self = .unknown
            return
        }
        guard let scheme = location.firstRange(of: "://"), !location.hasPrefix("/") else {
            self = location.hasPrefix("//") ? .unknown : .samePlace
            return
        }
        let authority = location[scheme.upperBound...].prefix { !"/?#\\".contains($0) }
        let host = authority.split(separator: "@").last ?? ""
        guard let target = try? Endpoint("\(location[..<scheme.lowerBound])://\(host)") else {
            self = .unknown
            return
        }
        self = target.region.map(RedirectTarget.region) ?? .host(target.description)
    }
}
