import ChatAgent
import Foundation
import SessionStore
import Telemetry
import TestSupport
import Testing

@testable import CarryonService

/// What the files under `deploy/` name is what the program has.
@Suite("The files that deploy the service")
struct DeploymentFileTests {
    @Test("Each is well formed, and what one of them names in another is there")
    func shapes() async throws {
        let files = try await DeploymentFiles.read()
        #expect(files.problems == [])
        #expect(files.files.count > 20)
    }

    @Test("Each variable that they name is a setting")
    func variables() async throws {
        let plain = Set(Setting.all.map(\.variable))
        let asFile = Set(Setting.all.filter(\.isGuarded).map { "\($0.variable)_FILE" })
        let unknown = try await DeploymentFiles.read().variables.filter { variable in
            !plain.contains(variable) && !asFile.contains(variable) && !variable.hasPrefix("CARRYON_KAFKA_")
        }
        // What Kubernetes would set, as a comment says.
        #expect(unknown == ["CARRYON_GATEWAY_PORT"])
    }

    @Test("The program takes what each process of it is given, and can be reached where its file says")
    func settings() async throws {
        let files = try await DeploymentFiles.read()
        #expect(Set(files.processes.compactMap(\.arguments.first)) == ["work", "gateway"])
        for process in files.processes {
            let settings = try settings(of: process)
            // The unit's variables are in a file of the machine.
            if process.environment.isEmpty { continue }
            if process.arguments == ["gateway"] {
                #expect(settings.gatewayAddress.host == "0.0.0.0", "\(process.place)")
                #expect(!settings.apiKeys.isEmpty, "\(process.place)")
            } else {
                #expect(settings.adminAddress.host == "0.0.0.0", "\(process.place)")
            }
        }
        #expect(files.ports["work"] == [Settings().adminAddress.port])
        #expect(files.ports["gateway"] == [Settings().gatewayAddress.port])
    }

    @Test("A worker that is told to stop has longer than its drain and its handover may take")
    func grace() async throws {
        let workers = try await DeploymentFiles.read().processes.filter { $0.arguments.first == "work" }
        var compared = 0
        for process in workers {
            guard let grace = process.grace else { continue }
            let settings = try settings(of: process)
            #expect(Duration.seconds(grace) > settings.drainTimeout + settings.revokeTimeout, "\(process.place)")
            compared += 1
        }
        // Two of the compose file, one of Kubernetes, one of systemd.
        #expect(compared == 4)
    }

    @Test("Each metric that they name is one of the service's, and has the labels that it is picked by")
    func metrics() async throws {
        var labels: [String: Set<String>] = [:]
        for metric in MetricCatalog.all {
            var names = [metric.prometheusName]
            if case .histogram = metric.kind { names += ["_bucket", "_sum", "_count"].map { names[0] + $0 } }
            for name in names { labels[name] = Set(metric.labels) }
        }
        let files = try await DeploymentFiles.read()
        #expect(files.metrics.filter { labels[$0] == nil } == [])
        // Prometheus's own.
        let everywhere: Set = ["instance", "job", "le"]
        let unknown = files.selectors.filter { selector in
            !everywhere.contains(selector.label) && labels[selector.metric]?.contains(selector.label) != true
        }
        #expect(unknown == [])
    }

    @Test("Each alert has its section of the runbook, and each section its alert")
    func runbook() async throws {
        let files = try await DeploymentFiles.read()
        let sections = files.headings.filter { $0 != "Overview" }
        #expect(files.alerts.count >= 12)
        #expect(Set(files.alerts.map(\.runbook)).sorted() == sections.sorted())
    }

    @Test("Alerts go by the values that the service gives its labels, and wait for what may take its time")
    func alertValues() async throws {
        let alerts = Dictionary(
            try await DeploymentFiles.read().alerts.map { ($0.name, $0.expression) }, uniquingKeysWith: { $1 })
        #expect(alerts["CarryonHostsDie"]?.contains("kind!=\"\(RunEnd.handover.rawValue)\"") == true)
        let deaths = [RecoveryCause.crashed("SIGSEGV"), .outOfMemory, .unknown].map(\.description)
        let recoveries = try #require(alerts["CarryonCrashRecoveries"])
        #expect(recoveries.contains("cause=~\"\(deaths.joined(separator: "|"))\""))
        // No turn may hold its partition for longer than it may take.
        let limit = try #require(alerts["CarryonOldestRequestTooOld"]?.firstMatch(of: /> ([0-9]+)$/)?.1)
        let seconds = try #require(Int(limit))
        #expect(Duration.seconds(seconds) > Settings().turnTimeout)
    }

    @Test("Each command that they give is one of the program's, with its flags")
    func commands() async throws {
        let carryon = try CarryonExecutable.find("carryon")
        for command in try await DeploymentFiles.read().commands {
            let path = Array(command.prefix { $0.wholeMatch(of: /[a-z][a-z\-]*/) != nil })
            let help = try await ProgramOutput.of(carryon, ["help"] + path)
            #expect(help.contains("USAGE: \((["carryon"] + path).joined(separator: " "))"), "\(command)")
            for flag in command where flag.hasPrefix("--") {
                let isSetting = Setting.all.contains { $0.flag == flag }
                #expect(isSetting || help.contains(flag), "\(command)")
            }
        }
    }

    @Test("The topics that they make are those that the service uses, and its events have the requests' partitions")
    func topics() async throws {
        let settings = Settings()
        let made = Dictionary(grouping: try await DeploymentFiles.read().topics, by: \.file)
        #expect(made.count == 2)
        for (file, topics) in made {
            #expect(Set(topics.map(\.name)) == Set(TopicKind.allCases.map { settings.topic($0) }), "\(file)")
            let byName = Dictionary(topics.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            let requests = try #require(byName[settings.requestsTopic])
            let events = try #require(byName[settings.eventsTopic])
            #expect(events.partitions == requests.partitions, "\(file)")
            let largest = try #require(requests.options["max.message.bytes"].flatMap { Int($0) })
            #expect(largest > settings.maxRequestBytes, "\(file)")
        }
    }

    /// Mistakes that were once made, or would be costly, and have to be found.
    static let mistakes = [
        edit("compose.yaml", "condition: service_healthy", "condition: service_completed_successfully"),
        edit("compose.yaml", "./observe/alerts.yaml", "./observe/alarms.yaml"),
        edit("compose.yaml", "worker-1:9464,worker-2:9464", "worker-1:9464,worker-3:9464"),
        edit("compose.yaml", "stop_grace_period: 45s", "stop_grace_period: 45s\n  stop_grace_period: 5s"),
        edit("compose.yaml", "    CARRYON_ADMIN_KEY: ${CARRYON_ADMIN_KEY:-development-only}\n", ""),
        edit("compose.yaml", "${CARRYON_ADMIN_KEY:-development-only}", "${CARRYON_ADMIN_KEY:-}"),
        edit("kubernetes/worker.yaml", "name: CARRYON_ADMIN_KEY_FILE", "name: CARRYON_API_KEYS_FILE"),
        edit("kubernetes/secret.example.yaml", "  admin-key: REPLACE-ME\n", ""),
        edit("kubernetes/worker.yaml", "enableServiceLinks: false", "enableServiceLinks: true"),
        edit("kubernetes/worker.yaml", "port: admin", "port: metrics"),
        edit("kubernetes/worker.yaml", "path: /readyz", "path: /healthz"),
        edit("kubernetes/worker.yaml", "/run/secrets/carryon/store", "/run/secrets/carryon/url"),
        edit("kubernetes/worker.yaml", "  strategy:", "  replicas: 2\n  strategy:"),
        edit("kubernetes/worker-disruption.yaml", "component: worker", "component: workers"),
        edit("kubernetes/gateway.yaml", "targetPort: http", "targetPort: web"),
        edit("kubernetes/kustomization.yaml", "  - topics.yaml\n", ""),
        edit("kubernetes/configmap.yaml", "  CARRYON_GROUP_ID:", "  CARRYON_STORE: sqlite:a\n  CARRYON_GROUP_ID:"),
        edit("image/Dockerfile", "swift:6.3-bookworm", "swift:6.1-bookworm"),
        edit("image/Dockerfile", "USER 10001:10001", "USER root"),
        edit("image/Dockerfile", "ENV CARRYON", "ENV CARRYON_STORE=sqlite:a CARRYON"),
        edit("image/Dockerfile", "ENV CARRYON", "ENV CARRYON_ADMIN_KEY=a CARRYON"),
        edit("image/Dockerfile", " tini curl", " curl"),
        edit("systemd/carryon.service", "KillMode=mixed", "KillMode=control-group"),
        edit("observe/alerts.yaml", "(sum(carryon_ready)", "(sum(carryon_ready"),
        edit("observe/alerts.yaml", "          runbook: Lag grows\n", ""),
        edit("observe/prometheus.yaml", "\"worker-2:9464\"", ""),
        edit("observe/otel-collector.yaml", "exporters: [debug]", "exporters: [file]"),
        edit("observe/otel-collector.yaml", "http://jaeger:4318", "http://tempo:4318"),
        edit("observe/grafana/provisioning/datasources/jaeger.yaml", "http://jaeger:16686", "http://tempo:16686"),
        edit("observe/grafana/dashboards/carryon.json", "\"uid\": \"carryon-prometheus\"", "\"uid\": \"prometheus\""),
        workflow("actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "actions/checkout@v4"),
        DeploymentFiles.Edit(file: "README.md", from: "exec worker-1 ", to: "exec worker "),
        DeploymentFiles.Edit(file: "README.md", from: "exec deploy/carryon-worker ", to: "exec deploy/carryon "),
        workflow("BASE: ${{ github.event.pull_request.base.sha }}", "BASE: main"),
        workflow("BASE: ${{ github.event.pull_request.base.sha }}", "BASE_BRANCH: 'main'"),
        workflow("deploy/check-changelog \"$BASE\"", "deploy/check-changelog main"),
        workflow("\n  pull_request:\n", "\n  pull_request:\n    branches: [main]\n"),
        workflow("          REGISTRY_TOKEN: ${{ secrets.REGISTRY_TOKEN }}\n", ""),
        workflow(
            "if: github.event_name == 'push'\n        env:\n          TAG: ${{ github.ref_name }}\n          REP",
            "env:\n          REP"),
        workflow("run: deploy/publish \"$TAG\"", "run: docker push \"$REGISTRY/$REPOSITORY:latest\""),
        workflow("run: deploy/publish \"$TAG\"", "run: deploy/publishing \"$TAG\""),
    ]

    @Test("Each is what other people's description of such files allows")
    func schemas() async throws {
        #expect(try await DeploymentFiles.problems(foundBy: "check_schemas.py") == [])
    }

    @Test("What such a description does not allow is found", arguments: schemaMistakes)
    func foundBySchema(mistake: DeploymentFiles.Edit) async throws {
        #expect(try await DeploymentFiles.problems(foundBy: "check_schemas.py", [mistake]) != [])
    }

    @Test(
        "What Prometheus would not read is found", .enabled(if: hasPromtool, "deploy/prepare could not get promtool"),
        arguments: prometheusMistakes)
    func foundByPrometheus(mistake: DeploymentFiles.Edit) async throws {
        #expect(try await DeploymentFiles.problems(foundBy: "check_schemas.py", [mistake]) != [])
    }

    private static let hasPromtool = FileManager.default.isExecutableFile(
        atPath: PythonEnvironment.path(of: "promtool"))

    @Test("A release is published under its own names, with both secrets only, and if the changelog has its version")
    func publishing() async throws {
        #expect(try await DeploymentFiles.problems(foundBy: "check_publishing.py") == [])
    }

    @Test("A mistake in what publishes is found", arguments: publishingMistakes)
    func foundByPublishing(mistake: DeploymentFiles.Edit) async throws {
        #expect(try await DeploymentFiles.problems(foundBy: "check_publishing.py", [mistake]) != [])
    }

    @Test("A mistake in one of them is found", arguments: mistakes)
    func found(mistake: DeploymentFiles.Edit) async throws {
        #expect(try await DeploymentFiles.read([mistake]).problems != [])
    }

    /// What other people's descriptions of such files refuse, one at least of each kind of file.
    static let schemaMistakes = [
        edit("compose.yaml", "stop_grace_period: 45s", "stop_grace_time: 45s"),
        edit("compose.yaml", "condition: service_started", "condition: service_is_started"),
        edit("kubernetes/namespace.yaml", "kind: Namespace", "kind: Names"),
        edit("kubernetes/configmap.yaml", "\ndata:", "\nsettings:"),
        edit("kubernetes/secret.example.yaml", "stringData:", "texts:"),
        edit("kubernetes/topics.yaml", "restartPolicy: OnFailure", "restart: OnFailure"),
        edit("kubernetes/worker.yaml", "containerPort: 9464", "containerPort: \"9464\""),
        edit("kubernetes/worker.yaml", "failureThreshold: 60", "failures: 60"),
        edit("kubernetes/worker-disruption.yaml", "maxUnavailable:", "unavailable:"),
        edit("kubernetes/gateway.yaml", "targetPort: http", "targetPorts: [http]"),
        edit("kubernetes/gateway.yaml", "replicas: 2", "replicas: two"),
        edit("kubernetes/networkpolicy.yaml", "{port: 53, protocol: UDP}", "{port: 53, protocols: UDP}"),
        workflow("cancel-in-progress:", "cancels-in-progress:"),
        workflow("needs: changelog", "needed: changelog"),
    ]

    static let prometheusMistakes = [
        edit("kubernetes/scaledobject.yaml", "clamp_min(max by", "clamp_least(max by"),
        edit("observe/alerts.yaml", "for: 2m", "for: two minutes"),
        edit("observe/alerts.yaml", "(sum(carryon_ready) or", "(sum(carryon_ready) else"),
        edit("observe/prometheus.yaml", "scrape_interval: 10s", "scrape_every: 10s"),
        edit("observe/grafana/dashboards/carryon.json", "histogram_quantile(", "histogram_share("),
    ]

    /// What would publish an image to the wrong people or under the wrong name, or a version that the changelog lacks.
    static let publishingMistakes = [
        edit("publish", "[ -z \"${REGISTRY_USER:-}\" ] || ", ""),
        edit("publish", " || [ -z \"${REGISTRY_TOKEN:-}\" ]", ""),
        edit("publish", "channel=beta", "channel=latest"),
        edit("publish", "[ \"$tag\" = \"$newest\" ]", "true"),
        edit("publish", "sort --version-sort", "sort"),
        edit("publish", "pattern=\"^v$number\\$\"", "pattern=\"^v\""),
        edit("publish", "push \"${tag#v}\"", "push \"$tag\""),
        edit("publish", "${REPOSITORY,,}", "$REPOSITORY"),
        edit("publish", "--password-stdin", "--password \"$REGISTRY_TOKEN\""),
        edit("publish", "trap 'docker logout", ": 'docker logout"),
        edit("check-changelog", "[] if written else [f\"there", "[] if True else [f\"there"),
        edit("check-changelog", "if own is None or own.group(1) != version", "if own is None"),
        edit("check-changelog", "return 1 if problems else 0", "return 0"),
    ]

    private static func edit(_ file: String, _ from: String, _ to: String) -> DeploymentFiles.Edit {
        DeploymentFiles.Edit(file: "deploy/\(file)", from: from, to: to)
    }

    private static func workflow(_ from: String, _ to: String) -> DeploymentFiles.Edit {
        DeploymentFiles.Edit(file: ".github/workflows/release.yaml", from: from, to: to)
    }

    /// The settings of a process, with something in each file that it is given.
    private func settings(of process: DeploymentFiles.StartedProcess) throws -> Settings {
        let paths = process.environment.filter { $0.key.hasSuffix("_FILE") }
        var contents: [String: String] = [:]
        for (variable, path) in paths {
            let isStore = variable == "CARRYON_STORE_FILE"
            contents[path] = isStore ? "postgres://carryon@database/carryon" : "0123456789abcdef"
        }
        return try resolveSettings(process.arguments, environment: process.environment, files: contents)
    }
}
