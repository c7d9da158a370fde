import Logging
import ServiceLifecycle
import Storage

/// Carries out the replays and retries that are to run: those that were left, and those that are asked for.
struct JobRunner: Sendable {
    let jobs: Jobs
    let control: DeliveryControl
    let logger: Logger
    /// The lane for a job; `nil` when its integration is not there.
    let lane: @Sendable (Job) -> Lane?

    func run() async {
        let underWay = UnderWay<Int64>()
        await withDiscardingTaskGroup { group in
            for await _ in control.jobChanges.cancelOnGracefulShutdown() where !control.areJobsHeld {
                for job in await running() {
                    guard let lane = lane(job), underWay.begins(job.id) else { continue }
                    group.addTask {
                        await carryOut(job, lane)
                        underWay.ended(job.id)
                        // It may have been paused and resumed meanwhile.
                        control.jobsChanged()
                    }
                }
            }
        }
    }

    private func running() async -> [Job] {
        do {
            return try await jobs.running()
        } catch {
            logger.error("the jobs can't be read", metadata: ["error": "\(error)"])
            return []
        }
    }

    private func carryOut(_ job: Job, _ lane: Lane) async {
        do {
            guard try await lane.run() else { return }
            _ = try await jobs.set(.done, of: job.id, at: lane.surroundings.now().wall)
            logger.notice("a job is done", metadata: ["job": "\(job.id)", "kind": "\(job.kind.rawValue)"])
        } catch {
            logger.error("a job could not go on", metadata: ["job": "\(job.id)", "error": "\(error)"])
            await cancelWhenGracefulShutdown { await lane.surroundings.sleep(.seconds(5)) }
        }
    }
}
