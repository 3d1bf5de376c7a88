// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "carryon",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "carryon", targets: ["carryon"]),
        .library(name: "CarryonService", targets: ["CarryonService"]),
        .library(name: "CarryonTesting", targets: ["CarryonTesting"]),
        .library(name: "HTTPTools", targets: ["HTTPTools"]),
        .library(name: "ChatAgent", targets: ["ChatAgent"]),
        .library(name: "LanguageModels", targets: ["LanguageModels"]),
        .library(name: "Conversation", targets: ["Conversation"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Arrows point down only: a target may depend on those below it, never on those above.
        .executableTarget(
            name: "carryon", dependencies: ["CarryonService"], swiftSettings: strict),
        // An agent with tools, as the documentation shows it: without the package's own access, as in anybody's package.
        .executableTarget(
            name: "carryon-example",
            dependencies: ["CarryonService", "HTTPTools", "ChatAgent", "LanguageModels", "Conversation"],
            packageAccess: false, swiftSettings: strict),
        .executableTarget(
            name: "carryon-bench",
            dependencies: [
                "CarryonService", "Consumer", "TurnHost", "ChatAgent", "LanguageModels", "SessionStore", "Telemetry",
                "Conversation", "Kafka", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "carryon-chaos",
            dependencies: [
                "SessionStore", "Conversation", "Kafka", "TestSupport", "HTTPTestServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "CarryonService",
            dependencies: [
                "Gateway", "Consumer", "TurnHost", "HTTPTools", "ChatAgent", "LanguageModels", "SessionStore",
                "Telemetry", "Conversation", "Kafka",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Gateway",
            dependencies: [
                "SessionStore", "Telemetry", "Conversation", "Kafka",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                logging,
            ],
            resources: [.embedInCode("Page/index.html")],
            swiftSettings: strict),
        .target(
            name: "CarryonTesting",
            dependencies: [
                "TurnHost", "ChatAgent", "LanguageModels", "SessionStore", "Conversation", "Kafka", logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Consumer",
            dependencies: [
                "TurnHost", "SessionStore", "Telemetry", "Conversation", "Kafka",
                .product(name: "DequeModule", package: "swift-collections"),
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "TurnHost",
            dependencies: [
                "ChatAgent", "LanguageModels", "SessionStore", "Telemetry", "Conversation", "Kafka",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "HTTPTools",
            dependencies: [
                "ChatAgent", "LanguageModels", "Conversation",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "ChatAgent",
            dependencies: [
                "LanguageModels", "Telemetry", "Conversation",
                .product(name: "Tracing", package: "swift-distributed-tracing"), logging,
            ],
            swiftSettings: strict),
        .target(
            name: "LanguageModels",
            dependencies: [
                "Conversation", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "SessionStore",
            dependencies: [
                "CPostgres", "Telemetry",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Telemetry",
            dependencies: [
                "Conversation",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                logging,
            ],
            swiftSettings: strict),
        .target(name: "Conversation", swiftSettings: strict),
        .target(name: "Kafka", dependencies: ["CRdkafka", logging], swiftSettings: strict),
        .systemLibrary(name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // What several test targets need: real server processes, a relay in front of them, seeded randomness, deadlines.
        .target(
            name: "TestSupport", dependencies: ["Kafka", "Conversation", "CPostgres", logging],
            path: "Tests/TestSupport", swiftSettings: strict),
        // A little HTTP server on loopback, for what is asked by HTTP.
        .target(
            name: "HTTPTestServer",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/HTTPTestServer", swiftSettings: strict),
        .testTarget(name: "ConversationTests", dependencies: ["Conversation", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: [
                "Telemetry", "Conversation", "HTTPTestServer", "TestSupport",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"), logging,
            ],
            exclude: ["read_telemetry.py"], swiftSettings: strict),
        .testTarget(name: "KafkaTests", dependencies: ["Kafka", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "SessionStoreTests", dependencies: ["CarryonTesting", "SessionStore", "Conversation", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LanguageModelsTests",
            dependencies: ["LanguageModels", "Conversation", "HTTPTestServer", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ConsumerTests",
            dependencies: [
                "Consumer", "TurnHost", "SessionStore", "Conversation", "Kafka", "TestSupport", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TurnHostTests",
            dependencies: [
                "CarryonTesting", "TurnHost", "ChatAgent", "LanguageModels", "SessionStore", "Telemetry",
                "Conversation", "TestSupport",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CarryonTestingTests",
            dependencies: ["CarryonTesting", "ChatAgent", "LanguageModels", "SessionStore", "Conversation"],
            swiftSettings: strict),
        .testTarget(
            name: "ExampleTests",
            dependencies: ["carryon-example", "CarryonTesting", "LanguageModels", "Conversation"], packageAccess: false,
            swiftSettings: strict
        ),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "CarryonTesting", "SessionStore", "Conversation", "Kafka", "HTTPTestServer", "TestSupport",
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPToolsTests",
            dependencies: ["HTTPTools", "ChatAgent", "Conversation", "HTTPTestServer", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ChaosTests",
            dependencies: [
                "carryon-chaos", "LanguageModels", "SessionStore", "Conversation", "Kafka", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "carryon", "carryon-chaos", "CarryonService", "Consumer", "TurnHost", "HTTPTools", "ChatAgent",
                "LanguageModels", "SessionStore", "Telemetry", "Conversation", "Kafka", "HTTPTestServer", "TestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                logging,
            ],
            exclude: [
                "Deployment/check_deployment.py", "Deployment/check_schemas.py", "Deployment/check_publishing.py",
                "Gateway/ui_message_stream.py",
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
