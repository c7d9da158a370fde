import Events
import HTTPTypes
import LosslessJSON
import Storage
import Workspaces

/// Version 2: one item, or a batch of them (track-api.md §10).
extension TrackEndpoints {
    /// Bytes of a `/entity` body and of each item of a batch (track-api.md §4).
    private static let itemBytes = 32_768
    /// Bytes of a `/batch` body.
    private static let batchBytes = 512_000

    func addV2(to routes: inout Routes) {
        on(.post, "/api/v2/entity", in: &routes) { request, _, workspace in
            try await entity(request, in: workspace)
        }
        on(.post, "/api/v2/batch", in: &routes) { request, _, workspace in
            try await batch(request, in: workspace)
        }
    }

    private func entity(_ request: IncomingRequest, in embedded: EmbeddedWorkspace) async throws -> Answer {
        try await withJSON(request, upTo: Self.itemBytes, in: embedded, refusal: refusal) { item in
            let refusals = try await stored { () async throws(StorageError) in
                try await embedded.workspace.carryOut(entity: item, now: now().seconds)
            }
            guard refusals.isEmpty else {
                let errors = refusals.map { $0.json() }
                return .track(.invalid, json: ["errors": .array(errors)], from: embedded.name)
            }
            return .trackSuccess(from: embedded.name)
        }
    }

    private func batch(_ request: IncomingRequest, in embedded: EmbeddedWorkspace) async throws -> Answer {
        try await withJSON(request, upTo: Self.batchBytes, in: embedded, refusal: refusal) { body in
            guard case .array(let items)? = body["batch"], !items.isEmpty else {
                return refusal("batch", "must be a non-empty array", embedded.name)
            }
            // Large ones are refused before the workspace sees them; the others keep their positions.
            var fitting: [Int] = []
            var errors: [(Int, Refusal)] = []
            for (index, item) in items.enumerated() {
                if item.isEncoded(within: Self.itemBytes) {
                    fitting.append(index)
                } else {
                    errors.append((index, Refusal(reason: .invalid, field: "", message: "request is too large")))
                }
            }
            let refused = try await stored { () async throws(StorageError) in
                try await embedded.workspace.carryOut(batch: fitting.map { items[$0] }, now: now().seconds)
            }
            errors += refused.map { (fitting[$0.index], $0.refusal) }
            guard !errors.isEmpty else { return .trackSuccess(from: embedded.name) }
            errors.sort { $0.0 < $1.0 }
            let isAnyValid =
                embedded.traits.answersInvalidBatchInPart || Set(errors.map(\.0)).count < items.count
            let list = errors.map { index, refusal in refusal.json(batchIndex: index) }
            return .track(isAnyValid ? .partlyInvalid : .invalid, json: ["errors": .array(list)], from: embedded.name)
        }
    }

    private var refusal: MakeRefusal { { .trackRefusal(field: $0, $1, from: $2) } }
}
