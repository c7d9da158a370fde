import CoreMetrics
import Telemetry
import Testing

@Suite struct `The page of metrics` {
    private func text(_ registry: MetricsRegistry) -> String {
        var page = Exposition()
        registry.write(to: &page) { "About \($0)." }
        return page.text
    }

    @Test func `counters of one name stand together, under one line of help`() {
        let registry = MetricsRegistry()
        Counter(label: "b", factory: registry).increment(by: 2)
        Counter(label: "a_total", dimensions: [("source", "web")], factory: registry).increment()
        Counter(label: "a", dimensions: [("source", "app")], factory: registry).increment(by: 5)
        Counter(label: "a", dimensions: [("source", "web")], factory: registry).increment()
        #expect(
            text(registry) == """
                # HELP a_total About a_total.
                # TYPE a_total counter
                a_total{source="app"} 5
                a_total{source="web"} 2
                # HELP b_total About b_total.
                # TYPE b_total counter
                b_total 2

                """
        )
    }

    @Test func `a timer is a histogram of seconds, whose buckets add up`() {
        let registry = MetricsRegistry()
        let timer = Timer(label: "took", dimensions: [("to", "x")], factory: registry)
        for milliseconds in [1, 3, 3, 400, 90_000] { timer.recordMilliseconds(milliseconds) }
        let lines = text(registry).split(separator: "\n").map(String.init)
        #expect(lines.contains("# TYPE took_seconds histogram"))
        #expect(lines.contains(#"took_seconds_bucket{to="x",le="0.001"} 1"#))
        #expect(lines.contains(#"took_seconds_bucket{to="x",le="0.005"} 3"#))
        #expect(lines.contains(#"took_seconds_bucket{to="x",le="30"} 4"#))
        #expect(lines.contains(#"took_seconds_bucket{to="x",le="+Inf"} 5"#))
        #expect(lines.contains(#"took_seconds_count{to="x"} 5"#))
        #expect(lines.contains(#"took_seconds_sum{to="x"} 90.407"#))
    }

    @Test func `labels and names are escaped as Prometheus wants them`() {
        let registry = MetricsRegistry()
        Counter(label: "1 odd-näme", dimensions: [("l", "a\"b\\c\nd")], factory: registry).increment()
        let lines = text(registry).split(separator: "\n")
        #expect(lines.last == #"_1_odd_n_me_total{l="a\"b\\c\nd"} 1"#)
    }

    @Test func `a gauge has the last value, and numbers are printed as they are`() {
        let registry = MetricsRegistry()
        let gauge = Gauge(label: "g", factory: registry)
        for value in [1.5, -3] { gauge.record(value) }
        #expect(text(registry).contains("\ng -3\n"))
        var page = Exposition()
        for value in [0.25, .infinity, -.infinity, .nan, 1e15] { page.add("x", .gauge, "Of \\ and\nlines.", value) }
        #expect(
            page.text
                == "# HELP x Of \\\\ and\\nlines.\n# TYPE x gauge\nx 0.25\nx +Inf\nx -Inf\nx NaN\nx 1000000000000000\n"
        )
    }

    @Test func `series are bounded, whatever labels come`() {
        let registry = MetricsRegistry()
        for number in 0..<(MetricsRegistry.maximumSeries + 100) {
            Counter(label: "many", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        #expect(text(registry).split(separator: "\n").count == MetricsRegistry.maximumSeries + 2)
    }

    @Test func `nothing is lost when many count at once`() async {
        let registry = MetricsRegistry()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "c", factory: registry)
                    for _ in 0..<1_000 { counter.increment() }
                }
            }
        }
        #expect(text(registry).contains("c_total 8000\n"))
    }
}
