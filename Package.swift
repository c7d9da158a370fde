// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every room: language mode 6, explicit imports, warnings are errors.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A room: a library target whose sources stand in `Sources/<name>`, its tests in `Tests/<name>Tests`.
/// `scripts/rooms` holds the same table and refuses an import that this one does not allow.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let collections: [Target.Dependency] = ["DequeModule", "HeapModule"].map {
    .product(name: $0, package: "swift-collections")
}
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let nio: [Target.Dependency] = ["NIOCore", "NIOHTTP1", "NIOPosix"].map { .product(name: $0, package: "swift-nio") }
let httpTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let http2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

/// What `make` says of the build. (`Context.gitInformation` is not asked: SwiftPM keeps what a manifest came to, and would
/// go on naming an old commit.) Only these few lines of C know it, so that a new commit compiles no room anew.
let buildInformation = ["FERRY_COMMIT", "FERRY_SWIFT"].map { CSetting.define($0, to: Context.environment[$0] ?? "") }

let package = Package(
    name: "ferry",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "ferry", targets: ["ferry"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.0.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // gzip, from the system.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // The header of PostgreSQL's client library. It has no `pkgConfig`: that would link the library, which is loaded.
        .systemLibrary(name: "CPostgres", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        // What `ferry --version` says of the build.
        .target(name: "CBuild", cSettings: buildInformation),
        // That SQLite counts no memory.
        .target(name: "CSQLite"),

        room("Telemetry", [metrics]),
        room("LosslessJSON"),
        room("Diagnostics"),
        room("Events", ["LosslessJSON", "Diagnostics", crypto]),
        room("Triggers", ["LosslessJSON", "Diagnostics"]),
        room("Mappings", ["LosslessJSON", "Diagnostics"]),
        room("TrackAPI", ["LosslessJSON", asyncHTTPClient, logging] + nio),
        room("Integrations", ["LosslessJSON", "Diagnostics", "Events", "Triggers", "Mappings", "TrackAPI", yams]),
        room("Postgres", ["CPostgres"]),
        room("Storage", ["CSQLite", "LosslessJSON", "Postgres", crypto, grdb, sqlite]),
        room(
            "Delivery",
            ["LosslessJSON", "Events", "TrackAPI", "Integrations", "Storage", lifecycle, logging, metrics] + collections
        ),
        room("Workspaces", ["LosslessJSON", "Storage"]),
        room(
            "Console",
            ["LosslessJSON", "Diagnostics", "Events", .product(name: "Mustache", package: "swift-mustache")],
            resources: [.embedInCode("Templates"), .embedInCode("Assets")]
        ),
        room(
            "Server",
            [
                "CZlib", "Telemetry", "LosslessJSON", "Diagnostics", "Events", "TrackAPI", "Integrations", "Storage",
                "Delivery", "Workspaces", "Console",
                hummingbird, hummingbirdTLS, httpTypes, lifecycle, logging, metrics, tls,
            ] + nio,
            // In the program itself, which stays one file.
            resources: [
                .embedInCode("Resources/ferry.js"), .embedInCode("PrivateAPI/openapi.yaml"),
                .embedInCode("PrivateAPI/track-openapi.yaml"),
            ]
        ),
        .executableTarget(
            name: "ferry",
            dependencies: [
                "CBuild", "Telemetry", "LosslessJSON", "Diagnostics", "Events", "TrackAPI", "Integrations", "Storage",
                "Delivery", "Workspaces", "Server", asyncHTTPClient, crypto, lifecycle, logging, metrics, tls,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + nio,
            swiftSettings: settings,
            // The allocator of what is released, in the place of glibc's (docs/performance.md).
            linkerSettings: [.linkedLibrary("jemalloc", .when(platforms: [.linux], configuration: .release))]
        ),

        // Chance for the tests and benchmarks that draw.
        .target(name: "Seeding", path: "Tests/Seeding", swiftSettings: settings),
        // Other programs for the tests that start some.
        .target(name: "Launching", path: "Tests/Launching", swiftSettings: settings),
        // A PostgreSQL server for the tests that need one.
        .target(
            name: "PostgresServer",
            dependencies: ["Postgres", "Launching"],
            path: "Tests/PostgresServer",
            swiftSettings: settings
        ),
        tests("TelemetryTests", ["Telemetry", metrics]),
        tests("LosslessJSONTests", ["LosslessJSON", "Seeding"], resources: [.copy("Vectors")]),
        tests("DiagnosticsTests", ["Diagnostics"]),
        tests("EventsTests", ["Events", "LosslessJSON", "Seeding"], resources: [.copy("Vectors")]),
        tests("TriggersTests", ["Triggers", "LosslessJSON", "Seeding"], resources: [.copy("Vectors")]),
        tests("MappingsTests", ["Mappings", "LosslessJSON", "Seeding"], resources: [.copy("Vectors")]),
        tests(
            "TrackAPITests",
            ["TrackAPI", "LosslessJSON", "Seeding", "Launching", asyncHTTPClient, http2, logging, tls] + nio
        ),
        tests(
            "IntegrationsTests",
            ["Integrations", "LosslessJSON", "Events", "Triggers", "Mappings", "TrackAPI", "Seeding"],
            resources: [.copy("Vectors")]
        ),
        tests("PostgresTests", ["Postgres", "PostgresServer"]),
        tests("StorageTests", ["Storage", "Workspaces", "LosslessJSON", "Seeding", "PostgresServer", grdb, sqlite]),
        tests(
            "DeliveryTests",
            [
                "Delivery", "Storage", "Integrations", "LosslessJSON", "Events", "TrackAPI", "Seeding", logging,
                lifecycle,
            ]
        ),
        tests("ConsoleTests", ["Console", "LosslessJSON"]),
        tests("WorkspacesTests", ["Workspaces", "Storage", "LosslessJSON", "Seeding", "Postgres", "PostgresServer"]),
        tests(
            "ServerTests",
            [
                "Server", "CZlib", "Telemetry", "LosslessJSON", "Events", "Storage", "Delivery", "Workspaces",
                asyncHTTPClient, hummingbird, lifecycle, logging, yams,
            ] + nio
        ),
        tests(
            "EndToEndTests",
            [
                "ferry", "LosslessJSON", "Console", "Seeding", "Launching", "Storage", "Postgres", "PostgresServer",
                asyncHTTPClient,
                grdb, yams,
            ] + nio,
            resources: [.copy("Browser"), .copy("SDKs"), .copy("Vectors")]
        ),
    ]
)

// `make bench`: nothing of it is in the product, and the C target needs glibc.
if Context.environment["FERRY_BENCHMARKS"] != nil {
    package.targets += [
        .target(name: "CountingAllocator", path: "Benchmarks/CountingAllocator"),
        .executableTarget(
            name: "ferry-benchmarks",
            dependencies: [
                hummingbird, logging, "CountingAllocator", "Seeding", "LosslessJSON", "Events", "Triggers", "Mappings",
                "TrackAPI",
                "Integrations", "Storage", "Postgres", "PostgresServer",
                asyncHTTPClient, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + nio,
            path: "Benchmarks/FerryBenchmarks",
            swiftSettings: settings
        ),
    ]
}
