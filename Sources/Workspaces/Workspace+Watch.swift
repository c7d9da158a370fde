package import LosslessJSON
package import Storage

/// Looking for what may not be there yet.
extension Workspace {
    /// How often the workspace was written so far: ask before looking.
    package var writes: UInt64 { store.changes.count(of: name) }

    /// Returns once the workspace was written more than `writes` times, or the task is cancelled.
    package func change(after writes: UInt64) async {
        await store.changes.wait(for: name, beyond: writes)
    }

    /// A part of the activity log.
    package struct FoundActivity: Sendable {
        /// `{"items":[…],"next":…}`
        package let list: JSON
        package let isEmpty: Bool
        /// What the log reached to; a later search need only look above it.
        package let newest: Int64
    }

    /// The entries that a filter lets through, the newest first. One call looks at 20,000 entries; `next` goes on there.
    ///
    /// - Parameters:
    ///   - identifier: of the person whose they are; `nil` for everybody's.
    ///   - filter: which ones.
    ///   - floor: the `newest` of a search before.
    ///   - page: how many.
    /// - Returns: `nil` when there is no such person.
    /// - Throws: the error of the disk.
    package func activity(
        of identifier: String?,
        _ filter: ActivityFilter,
        above floor: Int64 = 0,
        _ page: Page
    ) async throws(StorageError) -> FoundActivity? {
        try await read { workspace in
            let person = try identifier.flatMap { try find($0, workspace) }
            if identifier != nil, person == nil { return nil }
            let found = try workspace.searchActivity(
                of: person?.key,
                filter,
                // What somebody did may have been logged as somebody else's.
                above: person == nil ? floor : 0,
                before: page.cursor,
                limit: page.limit
            )
            return FoundActivity(
                list: [
                    "items": .array(found.entries.map(entry)),
                    "next": found.next.map { .string(String($0)) } ?? .null,
                ],
                isEmpty: found.entries.isEmpty,
                newest: try workspace.newestActivity()
            )
        }
    }

    /// What there is in the log of late, in words: `event "Ordered"`.
    package func recentActivity(limit: Int) async throws(StorageError) -> [(type: String, name: String?)] {
        try await read { try $0.recentActivityNames(limit: limit) }
    }

    /// Ids and e-mail addresses of the first people.
    package func knownPeople(limit: Int) async throws(StorageError) -> [String] {
        try await read { workspace in
            try workspace.people(after: nil, limit: limit).flatMap { [$0.id, $0.email].compactMap(\.self) }
        }
    }
}
