import CountingAllocator
import Foundation

/// Something that is done once for each message.
struct Benchmark {
    let name: String
    /// How many events `body` handles.
    let events: Int
    /// Handles them all, and returns a number that depends on all the work, so that none of it can be left out.
    let body: () -> Int
}

/// What one benchmark took, an event.
struct Measurement {
    let name: String
    /// Nanoseconds an event, one number a run, in ascending order.
    let nanoseconds: [Double]
    let allocations: Double
    let allocatedBytes: Double

    var median: Double { nanoseconds[nanoseconds.count / 2] }
}

/// Measures on the calling thread: a warm-up, then runs of about 25 milliseconds each.
///
/// The clock is that of the thread, so that what else runs on the machine takes no time; it still takes caches. The
/// runs are short and many, so that on a busy machine some of them are undisturbed: compare the highest rates there.
struct Harness {
    let runs: Int
    let filter: String?

    func measure(_ benchmark: Benchmark) -> Measurement? {
        if let filter, !benchmark.name.contains(filter) { return nil }
        _ = cpuNanoseconds(of: benchmark, repeating: 2)
        let repetitions = max(1, Int(25_000_000 / max(cpuNanoseconds(of: benchmark, repeating: 1), 1)))
        let events = Double(benchmark.events)
        let blocks = ferry_allocations()
        let bytes = ferry_allocated_bytes()
        consume(benchmark.body())
        let allocations = Double(ferry_allocations() - blocks)
        let allocatedBytes = Double(ferry_allocated_bytes() - bytes)
        let times = (0..<runs).map { _ in
            cpuNanoseconds(of: benchmark, repeating: repetitions) / (events * Double(repetitions))
        }
        return Measurement(
            name: benchmark.name,
            nanoseconds: times.sorted(),
            allocations: allocations / events,
            allocatedBytes: allocatedBytes / events
        )
    }

    private func cpuNanoseconds(of benchmark: Benchmark, repeating count: Int) -> Double {
        let start = threadNanoseconds()
        for _ in 0..<count { consume(benchmark.body()) }
        return Double(threadNanoseconds() - start)
    }

    private func threadNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Takes a result as if it were used.
    @inline(never)
    private func consume(_ result: Int) {
        withExtendedLifetime(result) {}
    }

    /// A counter that stands still would look like a program that allocates nothing.
    func checkThatAllocationsAreCounted() throws {
        let before = ferry_allocations()
        let blocks = (1...1_000).map { [UInt8](repeating: 0, count: $0) }
        guard ferry_allocations() - before >= blocks.count else { throw AllocationsAreNotCounted() }
    }

    struct AllocationsAreNotCounted: Error, CustomStringConvertible {
        let description = "allocations are not counted: the counting malloc is not linked in front of the C library's"
    }
}
