/// The waits between tries of the same request: growing, jittered, bounded.
struct Backoff: Sendable {
    private static let first = 1.0
    private static let longest = 60.0
    private var tries = 0

    mutating func reset() {
        tries = 0
    }

    /// The next wait: between half and all of 1, 2, 4 … 60 seconds, as `chance` (0 to 1) has it, and no less than the
    /// destination asked for.
    mutating func next(atLeast minimum: Duration?, chance: Double) -> Duration {
        var seconds = Self.first
        for _ in 0..<tries where seconds < Self.longest { seconds *= 2 }
        tries = min(tries + 1, 16)
        let wait = Duration.seconds(min(seconds, Self.longest) * (0.5 + chance / 2))
        return max(wait, minimum ?? .zero)
    }
}
