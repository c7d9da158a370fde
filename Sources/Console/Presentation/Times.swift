import Diagnostics
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
        return seconds > 0 ? "\(seconds.span) ago" : "in \(seconds.span)"
    }
}
