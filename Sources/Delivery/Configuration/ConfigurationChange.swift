/// What a change of the configuration did to one integration.
package struct ConfigurationChange: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case created, changed, unchanged, removed
    }

    package let integration: String
    package let kind: Kind
    /// Where it is written down, and so where it is changed.
    package let home: LiveIntegration.Home
    /// The revision that holds now, and the first event that it holds for; `nil` for one that is removed.
    package let revision: Int64?
    package let firstEvent: Int64?
    /// Line by line; `nil` where nothing changed.
    package let difference: String?

    init(
        integration: String,
        kind: Kind,
        home: LiveIntegration.Home,
        revision: Int64?,
        firstEvent: Int64?,
        difference: String?
    ) {
        self.integration = integration
        self.kind = kind
        self.home = home
        self.revision = revision
        self.firstEvent = firstEvent
        self.difference = difference
    }

    /// One that the file does not define any more.
    init(removed integration: String) {
        self.init(
            integration: integration,
            kind: .removed,
            home: .file,
            revision: nil,
            firstEvent: nil,
            difference: nil
        )
    }
}

/// Why a change was not made. Nothing of it was.
package struct ConfigurationRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// What was asked for can't be.
        case invalid
        /// There is no such thing.
        case unknown
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
