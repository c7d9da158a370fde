/// Waits between tries: growing, jittered, bounded.
enum Backoff {
    /// What is tried again.
    enum Subject {
        /// Anything at all: at most a minute, because everybody waits for it.
        case road
        /// One operation that failed alone: at most a quarter of an hour, because only its followers do.
        case operation

        fileprivate var longest: Int64 {
            switch self {
            case .road: 60_000
            case .operation: 900_000
            }
        }
    }

    /// Milliseconds before the next try, after so many failures: between half and all of 1, 2, 4 … seconds, as `chance`
    /// (0 to 1) has it.
    static func wait(_ failures: Int, of subject: Subject, chance: Double) -> Int64 {
        let wait = min(1_000 << Int64(min(max(failures - 1, 0), 20)), subject.longest)
        return wait / 2 + Int64(Double(wait / 2) * chance)
    }
}
