import Logging
import ServiceLifecycle
import Storage

/// Keeps the place of the one process that delivers from a database, and ends this one when another has taken it.
struct PlaceKeeper: Service {
    let ledger: Ledger
    let logger: Logger

    /// Several times in the time for which it is certain.
    private static let pace = Duration.seconds(2)

    /// - Throws: `StorageError` when another process delivers now.
    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await ledger.keepPlace()
                } catch let error as StorageError where error.code == .locked {
                    throw error
                } catch {
                    logger.warning("delivery waits for the database", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.pace)
            }
        }
    }
}
