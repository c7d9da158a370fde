import Events
import LosslessJSON
package import Storage

extension SourceAPI {
    /// What became of a refused message that was to be accepted.
    package enum Readmission: Equatable, Sendable {
        /// So many of its messages are in the log now, and so many were there before. What of a batch is refused again
        /// stands among the refused by itself.
        case accepted(Int, duplicates: Int, refused: Int)
        /// It stays where it is, for this reason.
        case refused(String)
        /// Somebody else was faster, or it was too old.
        case gone
    }

    /// Takes a refused message as if it came now, but for the time of its receipt: by today's keys, limits and rules.
    ///
    /// Without `source` it is that of the refused message; for an unknown key the source that has this key by now.
    ///
    /// - Throws: `Intake.Failure` when nothing could be stored; the message stays refused.
    package func readmit(
        _ refused: ListedRefusedMessage,
        as source: String?,
        into data: DataStore
    ) async throws(Intake.Failure) -> Readmission {
        var submission: Submission
        let name: String
        do {
            submission = try self.submission(of: refused.message)
            name = try self.source(of: refused.message, chosen: source)
        } catch {
            return .refused(error.message)
        }
        let arrival = Arrival(again: refused.message)
        submission = submission.withoutErased()
        guard !submission.messages.isEmpty else { return .refused("whose it was has been erased since") }
        let sorted = sort(submission, source: name, arrival)
        if sorted.accepted.isEmpty, let first = sorted.refused.first { return .refused(first.rejection.message) }
        let stillRefused = sorted.refused.map { $0.kept(source: name, submission, arrival) }
        let appended = try await stored { () async throws(StorageError) in
            try await data.log.append(sorted.accepted, inPlaceOf: refused.number, stillRefused: stillRefused)
        }
        guard let appended else { return .gone }
        let stored = appended.count { $0.isNew }
        return .accepted(stored, duplicates: appended.count - stored, refused: stillRefused.count)
    }

    private func submission(of message: RefusedMessage) throws(Rejection) -> Submission {
        guard !message.isCut else {
            throw Rejection(.messageTooLarge, "only its beginning was kept, so that it can't be accepted any more")
        }
        let root: JSON
        do {
            root = try JSON(parsing: message.raw)
        } catch {
            throw Rejection(.invalidJSON, "it is not JSON: \(error)")
        }
        guard let call = Event.Call(rawValue: message.path) else {
            let submission = try Submission(message.inItsBatch(root), bytes: message.raw.count, call: nil)
            guard submission.messages.count <= limits.items else {
                throw Rejection(.tooManyEvents, "the batch has more than \(limits.items) messages")
            }
            return submission
        }
        return try Submission(root, bytes: message.raw.count, call: call)
    }

    private func source(of message: RefusedMessage, chosen: String?) throws(Rejection) -> String {
        if let source = chosen ?? message.source {
            guard writeKeys.contains(source: source) else {
                throw Rejection(.invalidWriteKey, "there is no source \(source) in the configuration")
            }
            return source
        }
        let entry = message.keyMark.flatMap { writeKeys.entry(withMark: $0, by: intake.mark) }
        guard let entry, entry.isEnabled else {
            throw Rejection(.invalidWriteKey, "no source has its write key yet: declare it, or choose a source for it")
        }
        return entry.source
    }
}

extension RefusedMessage {
    /// A message of a batch as the only one of its batch again; a whole batch is what it is.
    fileprivate func inItsBatch(_ root: JSON) -> JSON {
        guard let envelope, case .object(var batch)? = try? JSON(parsing: envelope) else { return root }
        batch["batch"] = [root]
        return .object(batch)
    }
}
