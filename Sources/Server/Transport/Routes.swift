import HTTPTypes

/// Which handler answers which method and path.
///
/// A table of our own, since Hummingbird's router tells an unknown path and a wrong method apart no further than 404,
/// and decodes a path before it is split.
struct Routes: Sendable {
    typealias Handler = @Sendable (IncomingRequest, Parameters) async throws -> Answer

    /// The decoded segments that a pattern left open.
    struct Parameters: Sendable {
        fileprivate(set) var values: [String: String] = [:]

        /// The segment behind `{name}`; empty for a name that the pattern does not have.
        subscript(name: String) -> String { values[name] ?? "" }
    }

    /// What the table holds for a request.
    enum Match {
        case handler(Handler, Parameters)
        /// The path exists; `allowed` are the methods that it takes.
        case wrongMethod(allowed: [HTTPRequest.Method])
        case unknownPath
    }

    fileprivate enum Segment {
        case literal(String)
        case parameter(String)
    }

    fileprivate struct Entry {
        let path: String
        let segments: [Segment]
        var handlers: [HTTPRequest.Method: Handler]
    }

    /// By number of segments.
    private var entries: [Int: [Entry]] = [:]

    /// Adds a handler; `{name}` in the path takes any one segment.
    mutating func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        let segments = path.split(separator: "/").map { part -> Segment in
            guard part.hasPrefix("{"), part.hasSuffix("}") else { return .literal(String(part)) }
            return .parameter(String(part.dropFirst().dropLast()))
        }
        entries[segments.count, default: []].append(Entry(path: path, segments: segments, handlers: [method: handler]))
    }

    /// The methods and paths of the table, each as `GET /a/{b}`.
    var operations: Set<String> {
        Set(entries.values.joined().flatMap { entry in entry.handlers.keys.map { "\($0) \(entry.path)" } })
    }

    /// Finds the handler for a request. HEAD is answered by the handler of GET.
    ///
    /// A path that is written out is not another one's open segment: `/failed/retry` is no `/failed/{id}`.
    func match(_ request: IncomingRequest) -> Match {
        guard let path = RequestPath(target: request.target) else { return .unknownPath }
        let fitting = (entries[path.segments.count] ?? []).compactMap { entry in
            entry.parameters(of: path).map { (entry: entry, parameters: $0) }
        }
        guard let fewest = fitting.map(\.parameters.values.count).min() else { return .unknownPath }
        let closest = fitting.filter { $0.parameters.values.count == fewest }
        let method = request.method == .head ? .get : request.method
        for (entry, parameters) in closest {
            if let handler = entry.handlers[method] { return .handler(handler, parameters) }
        }
        return .wrongMethod(allowed: closest.flatMap(\.entry.handlers.keys))
    }
}

extension Routes.Entry {
    /// The open segments of a path that has as many segments; `nil` if a literal one differs.
    fileprivate func parameters(of path: RequestPath) -> Routes.Parameters? {
        var parameters = Routes.Parameters()
        for (segment, text) in zip(segments, path.segments) {
            switch segment {
            case .literal(let literal): if literal != text { return nil }
            case .parameter(let name): parameters.values[name] = text
            }
        }
        return parameters
    }
}
