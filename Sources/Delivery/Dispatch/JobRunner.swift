import Logging
import ServiceLifecycle
import Storage

/// Carries out the replays and retries that are to run: those that were left, and those that are asked for.
struct JobRunner: Sendable {
    let jobs: Jobs
    let erasures: Erasures?
    let nodes: Nodes
    let control: DeliveryControl
    let logger: Logger
    /// The lane for a job; `nil` when its integration is not there.
    let lane: @Sendable (Job, Lease) -> Lane?

    func run() async {
        let underWay = UnderWay<Int64>()
        await withDiscardingTaskGroup { group in
            for await _ in control.jobChanges.cancelOnGracefulShutdown() where !control.areJobsHeld {
                guard let running = await running() else { continue }
                // Somebody may have paused or stopped it on another node.
                for id in underWay.all where !running.contains(where: { $0.id == id }) { control.stop(job: id) }
                for job in running {
                    guard let lease = nodes.held(.integration(job.integration)), let lane = lane(job, lease),
                        underWay.begins(job.id)
                    else { continue }
                    group.addTask {
                        await carryOut(job, lane, under: lease)
                        underWay.ended(job.id)
                        // It may have been paused and resumed meanwhile.
                        control.jobsChanged()
                    }
                }
            }
        }
    }

    /// Those that are to run; none while an erasure goes through the log, also one that another process has left. `nil` while
    /// that is not known.
    private func running() async -> [Job]? {
        do {
            return try await erasures?.goThroughLog() == true ? [] : try await jobs.running()
        } catch {
            logger.error("the jobs can't be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func carryOut(_ job: Job, _ lane: Lane, under lease: Lease) async {
        do {
            guard try await lease.holding({ try await lane.run() }) == true else { return }
            _ = try await jobs.under(lease).set(.done, of: job.id, at: lane.surroundings.now().wall)
            logger.notice("a job is done", metadata: ["job": "\(job.id)", "kind": "\(job.kind.rawValue)"])
        } catch {
            logger.error("a job could not go on", metadata: ["job": "\(job.id)", "error": "\(error)"])
            await cancelWhenGracefulShutdown { await lane.surroundings.sleep(.seconds(5)) }
        }
    }
}
