package import CoreMetrics
import Synchronization

/// Telemetry: what is counted while Ferry runs, behind swift-metrics, and the page that Prometheus reads.
///
/// Whoever counts something makes a `Counter`, `Recorder` or `Timer` with this factory; whoever is asked for the page
/// appends what is here to it. The room knows neither HTTP nor what the numbers mean. Series are bounded: labels come from
/// closed sets, and what is made beyond `maximumSeries` all the same counts for nothing.
package final class MetricsRegistry: MetricsFactory {
    package static let maximumSeries = 5_000

    private struct Key: Hashable {
        let name: String
        let labels: [String]
    }

    private let series = Mutex<[Key: Series]>([:])

    /// A registry in which nothing was counted yet.
    package init() {}

    // MARK: swift-metrics

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label.hasSuffix("_total") ? label : label + "_total", dimensions, .counter)
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .histogram(Series.sizes) : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label.hasSuffix("_seconds") ? label : label + "_seconds", dimensions, .histogram(Series.seconds))
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func find(_ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind) -> Series {
        let name = Self.name(label)
        let key = Key(name: name, labels: dimensions.flatMap { [$0.0, $0.1] })
        return series.withLock { series in
            if let known = series[key], known.kind == kind { return known }
            let new = Series(name: name, labels: dimensions.map { (Self.name($0.0), $0.1) }, kind: kind)
            if series[key] == nil, series.count < Self.maximumSeries { series[key] = new }
            return new
        }
    }

    /// A name that Prometheus takes.
    private static func name(_ label: String) -> String {
        let name = label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") ? $0 : "_" }
        return name.first?.isNumber ?? true ? "_" + String(name) : String(name)
    }

    // MARK: The page

    /// Adds everything that was counted, by name and labels.
    ///
    /// - Parameters:
    ///   - page: takes the samples.
    ///   - help: what a name means.
    package func write(to page: inout Exposition, help: (String) -> String) {
        let all = series.withLock { Array($0.values) }
        for series in all.sorted(by: { ($0.name, $0.labelText) < ($1.name, $1.labelText) }) {
            series.write(to: &page, help: help(series.name))
        }
    }
}

/// One name with one set of labels.
final class Series: CounterHandler, RecorderHandler, TimerHandler {
    enum Kind: Equatable {
        case counter, gauge
        case histogram([Double])
    }

    /// Upper bounds of buckets: seconds of requests, and how many things are in a request.
    static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    static let sizes = [1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]

    private struct State {
        var sum = 0.0
        var count = 0
        var buckets: [Int]
    }

    let name: String
    let labels: [(String, String)]
    let kind: Kind
    private let state: Mutex<State>

    init(name: String, labels: [(String, String)], kind: Kind) {
        self.name = name
        self.labels = labels
        self.kind = kind
        var buckets: [Int] = []
        if case .histogram(let bounds) = kind { buckets = bounds.map { _ in 0 } }
        state = Mutex(State(buckets: buckets))
    }

    var labelText: String { labels.map { "\($0.0)=\($0.1)" }.joined(separator: ",") }

    func increment(by amount: Int64) {
        state.withLock { $0.sum += Double(max(0, amount)) }
    }

    func reset() {
        state.withLock { $0.sum = 0 }
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        switch kind {
        case .counter: break
        case .gauge: state.withLock { $0.sum = value }
        case .histogram(let bounds):
            let bucket = bounds.firstIndex { value <= $0 }
            state.withLock { state in
                state.sum += value
                state.count += 1
                if let bucket { state.buckets[bucket] += 1 }
            }
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }

    func write(to page: inout Exposition, help: String) {
        let (sum, count, buckets) = state.withLock { ($0.sum, $0.count, $0.buckets) }
        switch kind {
        case .counter: page.add(name, .counter, help, labels: labels, sum)
        case .gauge: page.add(name, .gauge, help, labels: labels, sum)
        case .histogram(let bounds):
            var below = 0
            for (bound, inBucket) in zip(bounds, buckets) {
                below += inBucket
                let labels = labels + [("le", Self.text(bound))]
                page.add(name, .histogram, help, suffix: "_bucket", labels: labels, Double(below))
            }
            page.add(name, .histogram, help, suffix: "_bucket", labels: labels + [("le", "+Inf")], Double(count))
            page.add(name, .histogram, help, suffix: "_sum", labels: labels, sum)
            page.add(name, .histogram, help, suffix: "_count", labels: labels, Double(count))
        }
    }

    private static func text(_ bound: Double) -> String {
        Int64(exactly: bound).map { String($0) } ?? String(bound)
    }
}
