import GRDB
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A flush of a database's file that failed, outside of any commit.
///
/// What was folded into the file and not yet written may be lost then. But SQLite counts it as folded in, the system no
/// longer as unwritten, and the next flush works without it: the journal would begin anew over the only copy. All that
/// was acknowledged is in the journal still, and who opens the database first after this process folds in all of it. So the
/// process ends at once and closes nothing, as a server of PostgreSQL does for the same reason.
package enum FailedFlush {
    private static let tell = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Who says why the process ends. Without it the words go to standard error.
    package static func isTold(by tell: @escaping @Sendable (String) -> Void) {
        Self.tell.withLock { $0 = tell }
    }

    /// Does something that may fold the journal in and flush the file. It ends the process if the flush fails.
    static func endsProcess<Value>(of file: String, _ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_IOERR_FSYNC {
            end(file)
        }
    }

    static func end(_ file: String) -> Never {
        let words =
            "\(file) could not be flushed to the disk, so Ferry has ended: look after the disk, then start it again. Everything "
            + "acknowledged is in the journal beside the file; the next start takes it from there"
        if let tell = tell.withLock({ $0 }) {
            tell(words)
        } else {
            _ = Array((words + "\n").utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
        _exit(EX_IOERR)
    }
}
