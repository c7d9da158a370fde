import LosslessJSON

/// What one check has found, in a line.
struct Finding: Sendable, Equatable {
    enum State: String, Sendable, CaseIterable, Comparable {
        /// It could not be looked at, for a reason that is no fault.
        case skipped
        case ok
        /// Ferry works, and may not for long, or not as well as it could.
        case warning
        /// Ferry does not work like this.
        case fault

        static func < (left: State, right: State) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// What was looked at: one of a few names, which scripts may rely on.
    let check: String
    let state: State
    let words: String
    /// What to do about it.
    var help: String?

    static func ok(_ check: String, _ words: String) -> Finding {
        Finding(check: check, state: .ok, words: words)
    }

    static func skipped(_ check: String, _ words: String) -> Finding {
        Finding(check: check, state: .skipped, words: words)
    }

    static func warning(_ check: String, _ words: String, _ help: String) -> Finding {
        Finding(check: check, state: .warning, words: words, help: help)
    }

    static func fault(_ check: String, _ words: String, _ help: String) -> Finding {
        Finding(check: check, state: .fault, words: words, help: help)
    }

    /// A log is copied there, and nobody serves it yet.
    static func halfCopied(through seq: Int64, command: String, givingUp: String) -> Finding {
        fault(
            "log",
            "a log is being copied there, up to event \(seq) so far: no server starts over a part of it",
            "\(command) goes on where it was; \(givingUp) gives it up"
        )
    }

    var json: JSON {
        [
            "check": .string(check), "state": .string(state.rawValue), "words": .string(words),
            "help": help.map(JSON.string) ?? .null,
        ]
    }
}
