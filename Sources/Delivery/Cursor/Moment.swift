/// A reading of two clocks, in milliseconds.
package struct Moment: Sendable, Equatable {
    /// Of a clock that only moves on, for waiting.
    package let steady: Int64
    /// Since 1970, for what is kept.
    package let wall: Int64

    package init(steady: Int64, wall: Int64) {
        self.steady = steady
        self.wall = wall
    }
}
