package import Integrations
import LosslessJSON

/// What became of an event, in as few different texts as there are ways to be treated: for counting (delivery.md F33).
///
/// `{"planned":["track-event"],"ignored":{"create-or-update-device":"token is missing"}}`; an event that is not for the
/// integration, or not readable any more, is `{"skipped":"…"}`.
package struct Verdict: Sendable, Hashable {
    package let text: String

    package init(_ plan: Plan) {
        var object = JSON.Object()
        if !plan.operations.isEmpty {
            object.append("planned", .array(plan.operations.map { .string($0.action) }))
        }
        if !plan.ignored.isEmpty {
            var reasons = JSON.Object()
            for ignored in plan.ignored { reasons[ignored.action ?? ""] = .string(ignored.reason.kind) }
            object.append("ignored", .object(reasons))
        }
        text = String(decoding: object.encoded(), as: UTF8.self)
    }

    private init(skipped reason: String) {
        text = "{\"skipped\":\"\(reason)\"}"
    }

    /// Of a source that the integration is not connected to.
    package static let otherSource = Verdict(skipped: "other source")
    /// It left the log before it was planned.
    package static let expired = Verdict(skipped: "expired")
    /// It is in the log and can't be read.
    package static let unreadable = Verdict(skipped: "unreadable")
}
