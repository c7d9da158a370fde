extension JSON {
    /// An object whose keys keep the order in which they came. No key stands twice.
    ///
    /// Lookup is a scan: the objects of this field have a dozen keys. Operations that would be quadratic on a large
    /// object (reading, comparison, overlaying) build an index first. Whoever makes an object out of many keys that he
    /// did not choose uses `init(lastWins:)`; setting them one by one takes time that grows with their number squared.
    package struct Object: Sendable {
        /// A key and its value.
        package struct Member: Sendable {
            @usableFromInline let fingerprint: KeyFingerprint
            package let key: String
            package var value: JSON

            @inlinable
            package init(key: String, value: JSON) {
                self.fingerprint = KeyFingerprint(key)
                self.key = key
                self.value = value
            }

            func hasSameKey(as other: Member) -> Bool {
                fingerprint == other.fingerprint && (fingerprint.isWholeKey || key.hasSameBytes(as: other.key))
            }

            /// A member whose key has this fingerprint.
            init(key: String, _ fingerprint: KeyFingerprint, value: JSON) {
                self.fingerprint = fingerprint
                self.key = key
                self.value = value
            }
        }

        /// The keys and values in their order.
        package private(set) var members: [Member]

        @inlinable
        package init() {
            members = []
        }

        /// The object of these members; the caller vouches that no key stands twice.
        @inlinable
        package init(uniqueMembers members: [Member]) {
            self.members = members
        }

        /// The object of members among which a key may stand twice: its last value counts, at the place of the first.
        package init(lastWins members: [Member]) {
            self.init(uniqueMembers: Self.hasRepeatedKey(members) ? Self.withoutRepeatedKeys(members) : members)
        }

        @inlinable package var count: Int { members.count }
        @inlinable package var isEmpty: Bool { members.isEmpty }

        @inlinable
        package func contains(_ key: String) -> Bool {
            position(of: key) != nil
        }

        /// Reads, sets (at its old place, or at the end) or, with `nil`, removes the value of a key.
        @inlinable
        package subscript(key: String) -> JSON? {
            get {
                guard let position = position(of: key) else { return nil }
                return members[position].value
            }
            set {
                set(key, to: newValue)
            }
        }

        @usableFromInline
        mutating func set(_ key: String, to newValue: JSON?) {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }

        /// Adds a member whose key the caller knows to be new.
        package mutating func append(_ key: String, _ value: JSON) {
            members.append(Member(key: key, value: value))
        }

        /// Makes room for so many members in all.
        package mutating func reserveCapacity(_ count: Int) {
            members.reserveCapacity(count)
        }

        /// This object without the keys for which `isDropped` holds.
        package func removing(where isDropped: (String) -> Bool) -> Object {
            Object(uniqueMembers: members.filter { !isDropped($0.key) })
        }

        /// This object with every value changed by `change`; a `nil` removes the key.
        package func compactMapValues<Failure: Error>(
            _ change: (JSON) throws(Failure) -> JSON?
        ) throws(Failure) -> Object {
            var result: [Member] = []
            result.reserveCapacity(members.count)
            for member in members {
                if let value = try change(member.value) {
                    result.append(Member(key: member.key, value: value))
                }
            }
            return Object(uniqueMembers: result)
        }

        /// Both objects in one. A key of both keeps its place in `self`; `combine` (its value here, its value there)
        /// decides which value it gets, and a `nil` removes it. Keys only in `other` follow in their order.
        package func overlaid(
            with other: Object,
            combine: (_ here: JSON, _ there: JSON) -> JSON? = { _, there in there }
        ) -> Object {
            guard !other.isEmpty else { return self }
            guard !isEmpty else { return other }
            let there = Index(other)
            var result: [Member] = []
            result.reserveCapacity(count + other.count)
            var taken = [Bool](repeating: false, count: other.count)
            for member in members {
                guard let position = there.position(of: member) else {
                    result.append(member)
                    continue
                }
                taken[position] = true
                if let value = combine(member.value, other.members[position].value) {
                    result.append(Member(key: member.key, value: value))
                }
            }
            for (position, member) in other.members.enumerated() where !taken[position] {
                result.append(member)
            }
            return Object(uniqueMembers: result)
        }

        /// Where a key stands among the members.
        @inlinable
        func position(of key: String) -> Int? {
            position(of: key, KeyFingerprint(key))
        }

        @usableFromInline
        func position(of key: String, _ fingerprint: KeyFingerprint) -> Int? {
            for position in members.indices where members[position].fingerprint == fingerprint {
                if fingerprint.isWholeKey || members[position].key.hasSameBytes(as: key) { return position }
            }
            return nil
        }
    }
}

extension JSON.Object {
    /// The number of members up to which looking at all of them beats hashing.
    private static let scanLimit = 24

    /// Finds keys by scanning a small object and by hash in a large one, so that joining two large objects takes time
    /// proportional to their size.
    private struct Index {
        private let object: JSON.Object
        private let positions: [ExactText: Int]?

        init(_ object: JSON.Object) {
            self.object = object
            guard object.count > JSON.Object.scanLimit else {
                positions = nil
                return
            }
            var positions: [ExactText: Int] = [:]
            positions.reserveCapacity(object.count)
            for (position, member) in object.members.enumerated() {
                positions[ExactText(member.key)] = position
            }
            self.positions = positions
        }

        func position(of member: Member) -> Int? {
            if let positions { return positions[ExactText(member.key)] }
            return object.position(of: member.key, member.fingerprint)
        }
    }

    private static func hasRepeatedKey(_ members: [Member]) -> Bool {
        members.count <= scanLimit ? hasRepeatedKey(scanning: members) : hasRepeatedKey(hashing: members)
    }

    /// Compares a key with those in front of it only when its filter bit has come before.
    private static func hasRepeatedKey(scanning members: [Member]) -> Bool {
        var filter: UInt64 = 0
        for later in members.indices {
            let bit = members[later].fingerprint.filterBit
            if filter & bit != 0, members[..<later].contains(where: { $0.hasSameKey(as: members[later]) }) {
                return true
            }
            filter |= bit
        }
        return false
    }

    /// The hash has a random seed, so that nobody can choose keys that collide.
    private static func hasRepeatedKey(hashing members: [Member]) -> Bool {
        var seen: Set<ExactText> = []
        seen.reserveCapacity(members.count)
        return members.contains { !seen.insert(ExactText($0.key)).inserted }
    }

    private static func withoutRepeatedKeys(_ members: [Member]) -> [Member] {
        var positions: [ExactText: Int] = [:]
        var unique: [Member] = []
        for member in members {
            if let position = positions[ExactText(member.key)] {
                unique[position].value = member.value
            } else {
                positions[ExactText(member.key)] = unique.count
                unique.append(member)
            }
        }
        return unique
    }
}

extension JSON.Object: Equatable {
    /// Equal when both have the same keys with equal values, in whatever order.
    package static func == (left: JSON.Object, right: JSON.Object) -> Bool {
        guard left.count == right.count else { return false }
        for position in left.members.indices {
            guard left.members[position].hasSameKey(as: right.members[position]) else {
                return left.hasMembers(from: position, equalTo: right)
            }
            guard left.members[position].value == right.members[position].value else { return false }
        }
        return true
    }

    /// The slower way, for objects whose keys stand in different orders.
    private func hasMembers(from first: Int, equalTo other: JSON.Object) -> Bool {
        let index = Index(other)
        return members[first...].allSatisfy { member in
            guard let position = index.position(of: member) else { return false }
            return member.value == other.members[position].value
        }
    }
}

extension JSON.Object: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(lastWins: elements.map { Member(key: $0.0, value: $0.1) })
    }
}

extension JSON.Object: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> {
        members.makeIterator()
    }
}
