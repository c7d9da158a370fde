package import TrackAPI

extension Plan {
    /// A plan of these operations, for tests of those who carry plans out.
    package init(testing operations: [Operation]) {
        self.operations = operations.map {
            Planned(action: "track-event", operation: $0, enableBatching: true, batchSize: 50, rank: .event)
        }
    }
}
