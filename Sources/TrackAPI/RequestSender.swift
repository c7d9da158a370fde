import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1

/// Makes one HTTP request to the endpoint and reads its whole answer, or tells why there was none. A redirect to the
/// other region's Track API is followed once (`RegionHosts`).
struct RequestSender: Sendable {
    let httpClient: HTTPClient
    let endpoint: Endpoint
    let addresses: AddressCheck
    let regions: RegionHosts
    /// The value of the header; secret.
    let authorization: String
    /// From the start of a request to the last byte of its answer.
    let timeout: Duration
    let logger: Logger
    let now: @Sendable () -> Int64

    /// What is asked, wherever.
    private struct Call {
        let method: HTTPMethod
        let path: String
        let body: [UInt8]?
        let trace: TraceID
        let gate: DepartureGate
    }

    func send(
        _ method: HTTPMethod,
        _ path: String,
        body: [UInt8]?,
        trace: TraceID,
        gate: @escaping DepartureGate = { true }
    ) async -> Result<Response, ConnectionFailure> {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let call = Call(method: method, path: path, body: body, trace: trace, gate: gate)
        let first = await send(call, to: endpoint, until: deadline)
        guard case .success(let response) = first,
            let other = regions.target(
                status: response.status,
                location: response.location,
                path: path,
                from: endpoint
            )
        else { return first }
        return await send(call, to: other, until: deadline)
    }

    /// A kept connection that the other side is closing is still handed out, now and then: of a request that met one
    /// nothing has left, and another connection takes it at once.
    private func send(
        _ call: Call,
        to endpoint: Endpoint,
        until deadline: NIODeadline
    ) async -> Result<Response, ConnectionFailure> {
        let first = await attempt(call, to: endpoint, until: deadline)
        guard case .failure(let failure) = first, failure.kind == .missed else { return first }
        return await attempt(call, to: endpoint, until: deadline)
    }

    private func attempt(
        _ call: Call,
        to endpoint: Endpoint,
        until deadline: NIODeadline
    ) async -> Result<Response, ConnectionFailure> {
        let departure = Departure(hasBegun: call.body == nil)
        do {
            try await addresses.check(endpoint, until: deadline)
            // The client begins a request first, and looks at the clock then.
            guard NIODeadline.now() < deadline else { throw ConnectionFailure.Overdue() }
            let answer = try await httpClient.execute(
                request(call, to: endpoint, departure: departure),
                deadline: deadline,
                logger: nil
            )
            let bytes = try await collect(answer.body, until: deadline)
            logger.debug(
                "the Track API answered",
                metadata: [
                    "host": .string(endpoint.authority), "path": .string(call.path),
                    "status": .stringConvertible(answer.status.code), "trace": .stringConvertible(call.trace),
                ]
            )
            return .success(response(answer, from: endpoint, body: bytes))
        } catch {
            let failure = ConnectionFailure(
                error,
                endpoint: endpoint,
                timeout: timeout,
                hasBegun: departure.hasBegun
            )
            logger.debug(
                "the Track API did not answer",
                metadata: [
                    "host": .string(endpoint.authority), "path": .string(call.path), "reason": .string(failure.words),
                    "trace": .stringConvertible(call.trace),
                ]
            )
            return .failure(failure)
        }
    }

    private func request(_ call: Call, to endpoint: Endpoint, departure: Departure) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: endpoint.url(for: call.path))
        request.method = call.method
        request.headers.add(name: "authorization", value: authorization)
        request.headers.add(name: "user-agent", value: TrackClient.userAgent)
        request.headers.add(name: "accept", value: "application/json")
        // Each attempt is a span of its own.
        request.headers.add(name: "traceparent", value: call.trace.traceparent(span: .random(in: 1 ... .max)))
        if let body = call.body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .stream(
                DepartingBody(
                    bytes: ByteBuffer(bytes: body),
                    departure: departure,
                    isOpen: call.gate
                ),
                length: .known(Int64(body.count))
            )
        }
        return request
    }

    private func response(_ answer: HTTPClientResponse, from endpoint: Endpoint, body: [UInt8]?) -> Response {
        // A client that follows redirects may have turned the POST into a GET: what answered that says nothing.
        let followed = answer.history.dropLast().first?.responseHead
        let head = followed?.headers ?? answer.headers
        let locations = head["location"]
        return Response(
            endpoint: endpoint,
            status: Int(followed?.status.code ?? answer.status.code),
            body: body,
            location: locations.count == 1 ? locations[0] : nil,
            retryAfter: head.first(name: "retry-after"),
            workspace: head.first(name: "x-ferry-workspace"),
            date: head.first(name: "date").flatMap(HTTPDate.seconds) ?? now()
        )
    }

    /// The body; `nil` when it is longer than `TrackLimits.responseBytes`. The client's own deadline ends with the
    /// head.
    private func collect(_ body: HTTPClientResponse.Body, until deadline: NIODeadline) async throws -> [UInt8]? {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                for try await buffer in body {
                    guard bytes.count + buffer.readableBytes <= TrackLimits.responseBytes else { return nil }
                    bytes += buffer.readableBytesView
                }
                return bytes
            }
            group.addTask {
                try await Task.sleep(for: Duration(deadline - .now()))
                throw ConnectionFailure.Overdue()
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw ConnectionFailure.Overdue() }
            return bytes
        }
    }
}
