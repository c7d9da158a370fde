import LosslessJSON
import NIOCore
import NIOPosix
import TrackAPI

extension Credentials {
    static let siteId = "5f1e0a7c9b3d8642aa01"
    static let apiKey = "c0ffee11223344556677"
    /// base64 of the two, joined by a colon.
    static let token = "NWYxZTBhN2M5YjNkODY0MmFhMDE6YzBmZmVlMTEyMjMzNDQ1NTY2Nzc="

    static let sample = Credentials(siteId: siteId, apiKey: apiKey)
}

extension Operation {
    /// An event of a person.
    static func event(_ name: String, person: String = "u1") -> Operation {
        Operation(
            kind: .entity,
            body: [
                "type": "person", "action": "event", "identifiers": ["id": .string(person)],
                "name": .string(name), "attributes": [:],
            ]
        )
    }

    static let metric = Operation(kind: .metric, body: ["delivery_id": "RPILAgUBcRhIBqSf", "metric": "opened"])

    /// An item whose compact JSON text has this many bytes.
    static func entity(bytes: Int) -> Operation {
        let frame = Operation(kind: .entity, body: ["x": ""]).encoded().count
        return Operation(kind: .entity, body: ["x": .string(String(repeating: "a", count: bytes - frame))])
    }
}

extension TrackClient.Network {
    /// A network in which every name stands for this machine, and nobody outside is asked.
    static var ofThisMachine: TrackClient.Network {
        var network = TrackClient.Network()
        network.resolver = NameResolver { _, port in
            MultiThreadedEventLoopGroup.singleton.any().makeCompletedFuture {
                [try SocketAddress(ipAddress: "127.0.0.1", port: port)]
            }
        }
        return network
    }
}

extension Answer {
    enum Kind: String, Sendable {
        case delivered, refused, untried, unclear, unavailable, suspicious, timeout, settings, mixed
    }

    /// What the answer says, without its words; all outcomes of a settled one must agree.
    var kind: Kind {
        switch self {
        case .settled(let outcomes):
            if outcomes.allSatisfy({ $0 == .delivered }) { return .delivered }
            if outcomes.allSatisfy({ $0 == .untried }) { return .untried }
            return outcomes.allSatisfy { if case .refused = $0 { true } else { false } } ? .refused : .mixed
        case .unclear: return .unclear
        case .unavailable: return .unavailable
        case .suspicious(_, _, let isTimeout): return isTimeout ? .timeout : .suspicious
        case .settings: return .settings
        }
    }

    /// The words of the answer, or of its first refusal.
    var words: String {
        switch self {
        case .settled(let outcomes):
            for case .refused(let words) in outcomes { return words }
            return ""
        case .unclear(let words), .unavailable(let words, _), .suspicious(let words, _, _), .settings(let words):
            return words
        }
    }

    var retryAfter: Duration? {
        switch self {
        case .unavailable(_, let wait), .suspicious(_, let wait, _): wait
        case .settled, .unclear, .settings: nil
        }
    }
}
