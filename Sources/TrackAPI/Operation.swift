package import LosslessJSON

/// One thing that Customer.io is told: an item of the v2 API, or a delivery metric of the v1 API.
package struct Operation: Sendable, Equatable {
    /// Which of the two APIs takes the operation.
    package enum Kind: Sendable, Equatable {
        /// An item of `/api/v2/entity` and `/api/v2/batch` (track-api.md §10).
        case entity
        /// A metric of `/api/v1/metrics` (track-api.md §18.1).
        case metric
    }

    package let kind: Kind
    /// The item or the metric as it goes over the wire: key order and number text are kept.
    package let body: JSON.Object

    package init(kind: Kind, body: JSON.Object) {
        self.kind = kind
        self.body = body
    }

    /// Where the operation goes when it is alone in its request.
    package var path: String {
        switch kind {
        case .entity: "/api/v2/entity"
        case .metric: "/api/v1/metrics"
        }
    }

    /// The compact JSON text of the body.
    package func encoded() -> [UInt8] {
        body.encoded()
    }
}

/// What the Track API takes at most, and what this room keeps at most of its answers.
package enum TrackLimits {
    /// Bytes of one item's compact JSON text (actions.md §5, track-api.md §4).
    package static let itemBytes = 32_768
    /// Bytes of the whole body of a batch (actions.md §5, track-api.md §4).
    package static let batchBytes = 500_000
    /// Bytes of an answer's body that are read; a longer one is no answer of the Track API.
    package static let responseBytes = 1 << 20
    /// Bytes of the words that are kept of an answer.
    package static let wordsBytes = 1_000
    /// The words with which an item beyond `itemBytes` fails (actions.md §5).
    package static let tooLargeWords = "larger than 32 KB"
}
