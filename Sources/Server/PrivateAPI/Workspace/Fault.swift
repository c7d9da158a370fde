import Diagnostics
import Events
import HTTPTypes
import LosslessJSON

/// Something that goes wrong on purpose: which requests it befalls, and what becomes of them.
struct Fault: Sendable {
    /// Which requests; what is not said is any.
    struct Match: Sendable {
        var path: PathPattern?
        var method: String?
        var identifier: String?
        var action: String?

        /// Whether it is about items and not about the request as a whole.
        var isOfItem: Bool { identifier != nil || action != nil }
    }

    /// Items of a batch that are answered as failed, and not carried out.
    struct FailedItems: Sendable {
        /// Their places, from 0; `nil` for those that `match` names.
        var places: Set<Int>?
        var reason = "invalid"
        var field = ""
        var message = "failed on purpose"
    }

    struct Response: Sendable {
        var status: Int?
        var body: [UInt8]?
        var headers: HTTPFields = [:]
        var latency: Duration = .zero
        /// The connection is reset instead of an answer.
        var isReset = false
        /// The connection ends after so many bytes of the answer's body.
        var truncatedTo: Int?
        var failedItems: FailedItems?
        /// Whether the request is carried out although its answer is another one, or is lost.
        var isCarriedOut = false
    }

    var match = Match()
    var response = Response()
    /// That a request which matches is befallen.
    var probability = 1.0
    /// Of the chance.
    var seed: UInt64 = 0
    /// How many requests it befalls at most.
    var times: Int?
    /// What it was made of, to show it.
    var definition: JSON.Object

    struct Mistake: Error {
        let message: String
    }

    static let longestLatency = 30_000
}

// MARK: Reading

extension Fault {
    init(_ json: JSON) throws(Mistake) {
        guard let object = json.objectValue else { throw Mistake(message: "a fault must be an object") }
        definition = object
        for member in try Self.members(object, of: "a fault", ["match", "respond", "probability", "seed", "times"]) {
            switch member.key {
            case "match": match = try Match(member.value)
            case "respond": response = try Response(member.value)
            case "probability":
                guard let number = member.value.numberValue?.double, 0...1 ~= number else {
                    throw Mistake(message: "probability must be a number from 0 to 1")
                }
                probability = number
            case "seed": seed = UInt64(bitPattern: Int64(try member.whole(in: 0...Int.max)))
            default: times = try member.whole(in: 1...1_000_000)
            }
        }
        guard object["respond"] != nil else {
            throw Mistake(
                message: #"a fault needs "respond": what becomes of the request, for example {"status": 503}"#
            )
        }
        guard response.failedItems == nil || response.failedItems?.places != nil || match.isOfItem else {
            throw Mistake(
                message: #"fail_items needs "places", or a match by identifier or action that says which items"#
            )
        }
    }

    fileprivate static func members(
        _ object: JSON.Object,
        of what: String,
        _ known: [String]
    ) throws(Mistake) -> [JSON.Object.Member] {
        for member in object where !known.contains(member.key) {
            let nearest = member.key.nearest(among: known).map { "did you mean \"\($0)\"?" }
            throw Mistake(
                message: "\(what) has no \"\(member.key)\": \(nearest ?? "there are \(known.joined(separator: ", "))")"
            )
        }
        return object.members
    }
}

extension Fault.Match {
    fileprivate init(_ json: JSON) throws(Fault.Mistake) {
        guard let object = json.objectValue else { throw Fault.Mistake(message: "match must be an object") }
        for member in try Fault.members(object, of: "match", ["path", "method", "identifier", "action"]) {
            let text = try member.text()
            switch member.key {
            case "path":
                guard text.hasPrefix("/") else { throw Fault.Mistake(message: "path must begin with a slash") }
                path = PathPattern(text)
            case "method": method = text.uppercased()
            case "identifier": identifier = text
            default: action = text
            }
        }
    }
}

extension Fault.Response {
    private static let known = [
        "status", "body", "headers", "retry_after", "latency_ms", "reset", "truncate", "fail_items", "carry_out",
    ]

    fileprivate init(_ json: JSON) throws(Fault.Mistake) {
        guard let object = json.objectValue, !object.isEmpty else {
            throw Fault.Mistake(
                message: #"respond must be an object that says what happens, for example {"status": 503}"#
            )
        }
        for member in try Fault.members(object, of: "respond", Self.known) {
            switch member.key {
            case "status": status = try member.whole(in: 200...599)
            case "body":
                let bytes = member.value.stringValue.map { Array($0.utf8) } ?? member.value.encoded()
                guard bytes.count <= 64 << 10 else {
                    throw Fault.Mistake(message: "body can have 65536 bytes at most")
                }
                body = bytes
            case "headers": try read(headers: member.value)
            case "retry_after": headers[.retryAfter] = String(try member.whole(in: 0...86_400))
            case "latency_ms": latency = .milliseconds(try member.whole(in: 0...Fault.longestLatency))
            case "reset": isReset = try member.flag()
            case "truncate": truncatedTo = try member.whole(in: 0...1_000_000)
            case "carry_out": isCarriedOut = try member.flag()
            default: failedItems = try Fault.FailedItems(member.value)
            }
        }
        if status == nil, body != nil || object["headers"] != nil || object["retry_after"] != nil {
            throw Fault.Mistake(message: #"body, headers and retry_after need a "status""#)
        }
        let endings = [status != nil, isReset, failedItems != nil].filter(\.self).count
        guard endings <= 1 else {
            throw Fault.Mistake(message: "one of status, reset and fail_items at a time")
        }
        guard !isReset || truncatedTo == nil else {
            throw Fault.Mistake(message: "one of reset and truncate at a time")
        }
    }

    private mutating func read(headers json: JSON) throws(Fault.Mistake) {
        guard let object = json.objectValue, object.count <= 20 else {
            throw Fault.Mistake(message: "headers must be an object of 20 members at most")
        }
        for member in object {
            let text = try member.text()
            guard let name = HTTPField.Name(member.key), HTTPField.isValidValue(text),
                ![.contentLength, .transferEncoding, .connection].contains(name)
            else {
                throw Fault.Mistake(message: "\"\(member.key)\" is not a header that can be set")
            }
            headers[name] = text
        }
    }
}

extension Fault.FailedItems {
    fileprivate init(_ json: JSON) throws(Fault.Mistake) {
        guard let object = json.objectValue else { throw Fault.Mistake(message: "fail_items must be an object") }
        for member in try Fault.members(object, of: "fail_items", ["places", "reason", "field", "message"]) {
            switch member.key {
            case "places":
                var places: Set<Int> = []
                for item in member.value.arrayValue ?? [] {
                    guard let place = item.numberValue?.int64, 0...100_000 ~= place else { continue }
                    places.insert(Int(place))
                }
                guard !places.isEmpty, places.count == member.value.arrayValue?.count else {
                    throw Fault.Mistake(message: "places must be numbers of items, each once, the first being 0")
                }
                self.places = places
            case "reason": reason = try member.text()
            case "field": field = try member.text()
            default: message = try member.text()
            }
        }
    }
}

extension JSON.Object.Member {
    fileprivate func text() throws(Fault.Mistake) -> String {
        guard let text = value.stringValue, text.utf8.count <= 1000 else {
            throw Fault.Mistake(message: "\(key) must be a text of 1000 bytes at most")
        }
        return text
    }

    fileprivate func flag() throws(Fault.Mistake) -> Bool {
        guard let flag = value.boolValue else { throw Fault.Mistake(message: "\(key) must be true or false") }
        return flag
    }

    fileprivate func whole(in range: ClosedRange<Int>) throws(Fault.Mistake) -> Int {
        guard let number = value.numberValue?.int64, let whole = Int(exactly: number), range.contains(whole) else {
            throw Fault.Mistake(
                message: "\(key) must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return whole
    }
}

// MARK: Matching

extension Fault {
    /// Whether it is about this request.
    func matches(method: String, path: [String], _ contents: RequestContents) -> Bool {
        if let wanted = match.path, !wanted.matches(path) { return false }
        if let wanted = match.method, wanted != method { return false }
        guard match.isOfItem else { return true }
        return contents.items.contains(where: matches)
    }

    func matches(_ item: RequestContents.Item) -> Bool {
        if let wanted = match.identifier, !item.identifiers.contains(where: { $0.hasSameBytes(as: wanted) }) {
            return false
        }
        if let wanted = match.action, item.action != wanted { return false }
        return true
    }
}
