import Diagnostics
import HTTPTypes
import LosslessJSON
package import Storage

/// The sources: those of the configuration file, and those that live in the data, which are made, switched and removed here.
package struct SourcesAPI: Sendable {
    /// The key of a server without a file: everybody may know it.
    package static let wellKnownKey = "ferry-local"

    private let keys: WriteKeys
    private let kept: KeptSources
    private let publicURL: @Sendable () -> String?

    /// - Parameters:
    ///   - keys: what lets clients in; it follows what is changed here.
    ///   - kept: the sources of the data.
    ///   - publicURL: where clients send to, once that is known.
    package init(keys: WriteKeys, kept: KeptSources, publicURL: @escaping @Sendable () -> String?) {
        self.keys = keys
        self.kept = kept
        self.publicURL = publicURL
    }

    /// Lets in the clients of the sources that live in the data.
    package func begin() async throws(StorageError) {
        // Of two at a time the one that has read later counts.
        let turn = keys.nextTurn()
        keys.keep(try await kept.all().flatMap(\.entries), turn)
    }

    /// Changes what is kept, and lets the clients in that it lets in now.
    private func changing<Value>(_ change: () async throws(StorageError) -> Value) async throws -> Value {
        try await stored { () async throws(StorageError) in
            let value = try await change()
            try await begin()
            return value
        }
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/sources"
        routes.on(.get, root, behind: door) { _, _ in try await list() }
        routes.on(.post, root, behind: door) { request, _ in try await make(request) }
        routes.onCall("\(root)/{name}/enable", behind: door) { _, path in
            try await enable(path["name"], true)
        }
        routes.onCall("\(root)/{name}/disable", behind: door) { _, path in
            try await enable(path["name"], false)
        }
        routes.onCall("\(root)/{name}/rotate", behind: door) { _, path in try await rotate(path["name"]) }
        routes.onCall("\(root)/{name}/retire", behind: door) { _, path in try await retire(path["name"]) }
        routes.onCall("\(root)/{name}/remove", behind: door) { _, path in try await remove(path["name"]) }
    }

    private func list() async throws -> Answer {
        let wellKnown = keys.entry(for: Self.wellKnownKey)?.source
        // Those whose key does not open are there, and let nobody in.
        let known = keys.sources
        let others = try await stored { () async throws(StorageError) in try await kept.all() }.map(\.name)
            .filter { name in !known.contains { $0.hasSameBytes(as: name) } }
        let items = (known + others).map { name -> JSON in
            [
                "name": .string(name), "managedBy": .string(keys.isOfFile(name) ? "file" : "database"),
                "enabled": .bool(keys.isEnabled(name)), "writeKeys": .number(JSON.Number(keys.count(of: name))),
                "writeKey": wellKnown?.hasSameBytes(as: name) == true ? .string(Self.wellKnownKey) : .null,
            ]
        }
        return .admin(.done, json: ["items": .array(items), "url": publicURL().map(JSON.string) ?? .null])
    }

    private func make(_ request: IncomingRequest) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue, body.count == 1,
            let name = body["name"]?.stringValue
        else { return .admin(.invalid, #"the body must be {"name": "web"}"#) }
        guard !name.isEmpty, name.utf8.count <= 100, !name.hasPrefix("("),
            name.fitsOnLine
        else {
            return .admin(
                .invalid,
                "a source needs a name of 100 bytes at most, on one line, that does not begin with (: nothing was changed"
            )
        }
        guard !keys.contains(source: name) else {
            return .admin(.invalid, "there is a source \(name) already: nothing was changed")
        }
        let key = Self.newKey()
        let isMade = try await changing { () async throws(StorageError) in
            try await kept.add(name, key: key)
        }
        guard isMade else { return .admin(.invalid, "there is a source \(name) already: nothing was changed") }
        // It is told this once.
        return .admin(.done, json: ["name": .string(name), "writeKey": .string(key)])
    }

    private static func newKey() -> String { String(UInt128.random(in: .min ... .max), radix: 36) }

    private func rotate(_ name: String) async throws -> Answer {
        guard !keys.isOfFile(name) else { return notHere(name) }
        let key = Self.newKey()
        let rotation = try await changing { () async throws(StorageError) in
            try await kept.rotate(name, key: key)
        }
        switch rotation {
        case .done: return .admin(.done, json: ["name": .string(name), "writeKey": .string(key)])
        case .unknown: return notHere(name)
        case .underWay:
            return .admin(.invalid, "the former key of \(name) is not retired yet: retire it, then ask for another one")
        }
    }

    private func retire(_ name: String) async throws -> Answer {
        guard !keys.isOfFile(name), keys.contains(source: name) else { return notHere(name) }
        let wasThere = try await changing { () async throws(StorageError) in
            try await kept.retireFormerKey(of: name)
        }
        return wasThere
            ? .admin(.done, json: ["retired": .string(name)])
            : .admin(.invalid, "\(name) has no former key: nothing was changed")
    }

    private func enable(_ name: String, _ isEnabled: Bool) async throws -> Answer {
        guard !keys.isOfFile(name) else { return notHere(name) }
        let isThere = try await changing { () async throws(StorageError) in
            try await kept.enable(name, isEnabled)
        }
        guard isThere else { return notHere(name) }
        guard keys.contains(source: name) else {
            return .admin(.invalid, "the key of \(name) does not open with seal.key: give it a new one")
        }
        return .admin(.done, json: ["name": .string(name), "enabled": .bool(isEnabled)])
    }

    private func remove(_ name: String) async throws -> Answer {
        guard !keys.isOfFile(name) else { return notHere(name) }
        let wasThere = try await changing { () async throws(StorageError) in
            try await kept.remove(name)
        }
        return wasThere ? .admin(.done, json: ["removed": .string(name)]) : notHere(name)
    }

    private func notHere(_ name: String) -> Answer {
        keys.isOfFile(name)
            ? .admin(.invalid, "\(name) is managed by the configuration file: change it there, and reload")
            : .admin(.unknownPath, "there is no source \(name)")
    }
}

extension KeptSources.Source {
    fileprivate var entries: [WriteKeys.Entry] {
        [key, formerKey].compactMap { key in
            key.map { WriteKeys.Entry(key: $0, source: name, isEnabled: isEnabled) }
        }
    }
}
