import Events
import LosslessJSON

extension Console {
    /// A time as it is told: how long ago, and exactly.
    func time(_ json: JSON?) -> View {
        guard let json, let time = Timestamp(callTime: json) else { return ["iso": "", "words": "–"] }
        return ["iso": time.iso8601 ?? "", "words": Self.ago((now() - time.milliseconds) / 1_000)]
    }

    /// `3 min ago`, `in 5 s`.
    static func ago(_ seconds: Int64) -> String {
        if -1...1 ~= seconds { return "now" }
        let span = span(seconds)
        return seconds > 0 ? "\(span) ago" : "in \(span)"
    }

    /// `45 s`, `3 min`, `5 h`, `12 d`.
    static func span(_ seconds: Int64) -> String {
        let seconds = seconds.magnitude
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) d"
        }
    }
}
