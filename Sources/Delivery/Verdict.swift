package import Integrations
import LosslessJSON
import TrackAPI

/// What became of an event, in as few different texts as there are ways to be treated: for counting (delivery.md F33).
///
/// `{"planned":["track-event"],"ignored":{"create-or-update-device":"token is missing"}}`. Metrics stand under `metrics`, for
/// another cursor delivers and counts them. An event that is not for the integration, or not there any more, is
/// `{"skipped":"…"}`.
package struct Verdict: Sendable, Hashable {
    package let text: String

    /// What an event became, all of it.
    package init(_ plan: Plan) {
        self.init(
            planned: plan.operations.filter { $0.operation.kind == .entity }.map(\.action),
            metrics: plan.operations.filter { $0.operation.kind == .metric }.map(\.action),
            ignored: plan.ignored
        )
    }

    /// Of a cursor that delivers everything in the plan itself.
    init(own plan: Plan) {
        self.init(planned: plan.operations.map(\.action), metrics: [], ignored: plan.ignored)
    }

    /// Operations that had failed.
    init(retried actions: [String]) {
        self.init(planned: actions, metrics: [], ignored: [])
    }

    private init(planned: [String], metrics: [String], ignored: [Plan.Ignored]) {
        var object = JSON.Object()
        if !planned.isEmpty { object.append("planned", .array(planned.map(JSON.string))) }
        if !metrics.isEmpty { object.append("metrics", .array(metrics.map(JSON.string))) }
        if !ignored.isEmpty {
            var reasons = JSON.Object()
            for ignored in ignored { reasons[ignored.action ?? ""] = .string(ignored.reason.kind) }
            object.append("ignored", .object(reasons))
        }
        text = String(decoding: object.encoded(), as: UTF8.self)
    }

    private init(skipped reason: String) {
        text = "{\"skipped\":\"\(reason)\"}"
    }

    /// Of a source that the integration is not connected to.
    package static let otherSource = Verdict(skipped: "other source")
    /// It arrived while the integration was switched off.
    package static let switchedOff = Verdict(skipped: "switched off")
    /// A replay is not about it.
    package static let notSelected = Verdict(skipped: "not selected")
    /// It was erased before it was planned.
    package static let erased = Verdict(skipped: "erased")
    /// It left the log before it was planned.
    package static let expired = Verdict(skipped: "expired")
    /// It is in the log and can't be read.
    package static let unreadable = Verdict(skipped: "unreadable")
}
