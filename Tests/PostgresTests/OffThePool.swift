import Dispatch
import Testing

/// Runs tests on threads of their own: what waits in libpq would hold those that all tests share, of which there are as many
/// as processor cores.
struct OffThePool: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(DispatchExecutor.shared) { try await function() }
    }
}

extension Trait where Self == OffThePool {
    static var offThePool: Self { Self() }
}

private final class DispatchExecutor: TaskExecutor {
    static let shared = DispatchExecutor()
    private let queue = DispatchQueue(label: "tests that wait", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
