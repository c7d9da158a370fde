import Foundation
import LosslessJSON

extension Benchmark {
    /// The benchmarks that others refer to.
    enum Name: String {
        case jsonRoundTrip = "JSON parse + write"
        case foundationRoundTrip = "Foundation parse + write"
        case planningPath = "message to encoded operations"
    }
}

/// LosslessJSON beside Foundation's `JSONSerialization`, each with the bytes in the form that it likes best.
func jsonBenchmarks(_ messages: Messages) throws -> [Benchmark] {
    let all = messages.all
    let data = all.map { Data($0) }
    // What can't be parsed is found here, not in the middle of a measurement.
    for message in all { _ = try JSON(parsing: message) }
    return [
        Benchmark(name: Benchmark.Name.jsonRoundTrip.rawValue, events: all.count) {
            all.reduce(0) { sum, message in sum &+ ((try? JSON(parsing: message))?.encoded().count ?? 0) }
        },
        Benchmark(name: Benchmark.Name.foundationRoundTrip.rawValue, events: all.count) {
            data.reduce(0) { sum, message in
                let written = (try? JSONSerialization.jsonObject(with: message)).flatMap { value in
                    try? JSONSerialization.data(withJSONObject: value)
                }
                return sum &+ (written?.count ?? 0)
            }
        },
    ]
}
