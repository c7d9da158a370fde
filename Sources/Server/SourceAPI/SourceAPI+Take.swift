import Events
import HTTPTypes
package import NIOCore

extension SourceAPI {
    /// What nearly every answer is, outside of browsers.
    private static let accepted = CrossOrigin.decorated(.accepted, for: nil)

    /// Takes a call or a small batch that is accepted as it stands. Every other request is left to `answer`, which refuses, keeps
    /// what it refuses, decompresses, and knows all ways to write a path.
    package func take(
        _ request: IncomingRequest,
        _ body: ByteBuffer,
        reply: @escaping @Sendable (Answer) -> Void
    ) -> Bool {
        guard
            request.method == .post, let call = Self.paths[request.target],
            body.readableBytes <= limits.bytesAtOnce, !body.isGzip,
            let submission = try? Submission(.whole(body), of: request, call: call, limits: limits),
            submission.messages.count <= limits.items,
            case .source(let source) = sender(of: request, bodyKeys: submission.writeKeys)
        else { return false }
        let arrival = Arrival(request, as: call, receivedAt: now())
        let sorted = sort(submission, source: source, arrival)
        guard sorted.refused.isEmpty, budget.take(body.readableBytes) else { return false }
        let (held, origin, trace) = (body.readableBytes, request.header(.origin), arrival.trace)
        intake.store(sorted.accepted) { [self] result in
            budget.giveBack(held)
            switch result {
            case .success:
                reply(origin.map { CrossOrigin.decorated(.accepted, for: $0) } ?? Self.accepted)
            case .failure(let failure):
                reply(CrossOrigin.decorated(self.answer(to: failure, trace: trace), for: origin))
            }
        }
        return true
    }
}
