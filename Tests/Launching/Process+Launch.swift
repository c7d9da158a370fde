import Foundation
import Synchronization

/// One at a time: Foundation's `Process.run` was seen to read memory that is not there when tests started many programs at
/// once.
private let isLaunching = Mutex(())

extension Process {
    /// As `run`, one after the other in this process.
    package func launchAlone() throws {
        try isLaunching.withLock { _ in try run() }
    }
}
