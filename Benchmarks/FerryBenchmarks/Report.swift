import Foundation

/// The table at the end, and what the lines of it mean beside one another.
struct Report {
    var measurements: [Measurement] = []

    var text: String {
        guard !measurements.isEmpty else { return "nothing has that name" }
        let header = ["one thread", "events/s", "lowest–highest", "ns/event", "allocations", "bytes"]
        let rows = measurements.map { measurement in
            [
                measurement.name, rate(measurement.median),
                rate(measurement.nanoseconds.last ?? 0) + "–" + rate(measurement.nanoseconds.first ?? 0),
                grouped(measurement.median), String(format: "%.1f", measurement.allocations),
                grouped(measurement.allocatedBytes),
            ]
        }
        return (table([header] + rows) + [""] + ratios).joined(separator: "\n")
    }

    /// The goals, where both of their sides were measured.
    private var ratios: [String] {
        var lines: [String] = []
        if let ours = median(.jsonRoundTrip), let foundations = median(.foundationRoundTrip) {
            lines.append(
                String(
                    format: "JSON parse + write: %.1f times Foundation's JSONSerialization (aim: 5)",
                    foundations / ours
                )
            )
        }
        if let road = median(.planningPath) {
            lines.append("message to encoded operations: \(rate(road)) events/s (aim: 100,000)")
        }
        return lines
    }

    private func median(_ name: Benchmark.Name) -> Double? {
        measurements.first { $0.name == name.rawValue }?.median
    }

    /// Pads the columns to a common width, the first to the left and the others to the right.
    private func table(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + padding : padding + cell.0
            }
            .joined(separator: "   ")
        }
    }

    private func rate(_ nanoseconds: Double) -> String {
        nanoseconds > 0 ? grouped(1_000_000_000 / nanoseconds) : "–"
    }

    private func grouped(_ number: Double) -> String {
        let digits = String(Int(number.rounded()))
        var groups: [Substring] = []
        var rest = digits[...]
        while !rest.isEmpty {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return groups.joined(separator: ",")
    }
}

/// The one in the middle.
func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The median, with the lowest and the highest in brackets.
func range(_ values: [Double], _ format: String = "%.0f") -> String {
    let sorted = values.sorted()
    return String(format: "\(format) (\(format)–\(format))", median(values), sorted[0], sorted[sorted.count - 1])
}
