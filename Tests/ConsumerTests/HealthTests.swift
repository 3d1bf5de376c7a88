import Kafka
import Testing
import TurnHost

@testable import Consumer

@Suite("A worker's health")
struct HealthTests {
    private func evidence(
        vitals: HostVitals = HostVitals(), membership: GroupMembership = .member,
        _ change: (inout HealthEvidence) -> Void = { _ in }
    ) -> HealthEvidence {
        let host = ConsumerStatus.Host(
            slot: 0, hostID: "h", processID: 1, isUp: true, held: 0, vitals: vitals, silence: .milliseconds(3))
        let status = ConsumerStatus(partitions: [], hosts: [host], holds: [], pollAge: .milliseconds(20))
        var evidence = HealthEvidence(status: status, membership: membership, storeAge: .milliseconds(500))
        change(&evidence)
        return evidence
    }

    private func failures(_ evidence: HealthEvidence) -> (alive: Bool, ready: Bool, failed: [String]) {
        let health = evidence.judged(by: HealthThresholds(turn: .seconds(900)))
        return (health.isAlive, health.isReady, health.checks.filter { !$0.isPassed }.map(\.name))
    }

    @Test("A worker with much to do is alive and ready")
    func busy() {
        let busy = HostVitals(running: 4096, sessions: 90_000, oldestTurn: .seconds(899), oldestSession: "s")
        #expect(failures(evidence(vitals: busy)) == (true, true, []))
    }

    @Test("A poll thread that stands still is death, after its threshold and not before")
    func poll() {
        #expect(failures(evidence { $0.status.pollAge = .seconds(30) }) == (true, true, []))
        #expect(failures(evidence { $0.status.pollAge = .seconds(31) }) == (false, false, ["poll"]))
    }

    @Test("A turn that no timeout has ended is death, and names its session")
    func turn() throws {
        let stuck = HostVitals(running: 1, oldestTurn: .seconds(901), oldestSession: "s")
        #expect(failures(evidence(vitals: stuck)) == (false, false, ["oldest-turn"]))
        let check = try #require(
            evidence(vitals: stuck).judged(by: HealthThresholds(turn: .seconds(900))).checks.first { !$0.isPassed })
        #expect(check.detail == "the turn of session s was not ended by its timeout")
        #expect(evidence(vitals: stuck).judged(by: HealthThresholds(turn: nil)).isAlive, "turns may run for ever")
    }

    @Test("A worker that joins is not ready; one that has been outside its group for too long is dead")
    func group() {
        #expect(
            failures(evidence(membership: .joining) { $0.outsideGroup = .seconds(10) }) == (true, false, ["joined"]))
        #expect(
            failures(evidence(membership: .lost) { $0.outsideGroup = .seconds(91) })
                == (false, false, ["group", "joined"]))
        let error = KafkaError(code: -1, operation: "poll", reason: "closed", isFatal: true)
        #expect(failures(evidence(membership: .fenced(error))) == (false, false, ["group", "joined"]))
        #expect(failures(evidence { $0.fatal = error }) == (false, false, ["group"]))
    }

    @Test("A store or a broker that is away makes a worker unready, and nobody restarts it for that")
    func surroundings() {
        let storeAway = evidence {
            $0.storeAge = .seconds(6)
            $0.storeError = "connection refused"
            $0.status.holds = [.storeAway]
        }
        #expect(failures(storeAway) == (true, false, ["store", "intake"]))
        #expect(failures(evidence(vitals: HostVitals(eventsStalled: .seconds(11)))) == (true, false, ["producer"]))
        #expect(failures(evidence(vitals: HostVitals(eventsStalled: .seconds(9)))) == (true, true, []))
    }

    @Test("A partition that is ours and cannot be worked on makes a worker unready, and says what is in the way")
    func partitions() throws {
        func waiting(_ ages: Duration...) -> HealthEvidence {
            evidence {
                $0.status.partitions = ages.enumerated().map { index, age in
                    ConsumerStatus.Partition(
                        partition: partition(Int32(index)), assignment: 1, isGranted: false,
                        wait: .init(age: age, obstacle: "obstacle \(index)"), held: 0, running: 0, deferred: 0,
                        span: 0,
                        isPaused: true, isScouted: false)
                }
            }
        }
        #expect(failures(waiting(.seconds(30), .seconds(29))) == (true, true, []))
        #expect(failures(waiting(.seconds(29), .seconds(31))) == (true, false, ["partitions"]))
        let check = try #require(
            waiting(.seconds(29), .seconds(31)).judged(by: HealthThresholds(turn: nil)).checks.first { !$0.isPassed })
        #expect(check.detail == "chat.requests-1 is assigned and not worked on: obstacle 1")
    }

    @Test("A host that is down or silent makes a worker unready; one that is there on demand need not be up")
    func hosts() {
        #expect(failures(evidence { $0.status.hosts[0].isUp = false }) == (true, false, ["hosts"]))
        #expect(failures(evidence { $0.status.hosts[0].silence = .seconds(11) }) == (true, false, ["hosts"]))
        let onDemand = ConsumerStatus.Host(
            slot: 1, hostID: nil, processID: nil, isUp: false, held: 0, isOnDemand: true)
        #expect(failures(evidence { $0.status.hosts.append(onDemand) }) == (true, true, []))
    }

    @Test(
        "A request that holds its partition back is told of when it is found, and again each time its limit has passed")
    func heads() {
        let watch = HealthWatch()
        let partition = TopicPartition(topic: "chat.requests", partition: 0)
        let now = ContinuousClock.now
        func told(_ offset: Int64, age: Int, at seconds: Int) -> [Int64] {
            let head = ConsumerStatus.Head(offset: offset, age: .seconds(age), session: "s", state: "")
            return watch.overdue([partition: head], limit: .seconds(60), at: now + .seconds(seconds)).map(\.head.offset)
        }
        #expect(told(5, age: 60, at: 0) == [])
        #expect(told(5, age: 61, at: 1) == [5])
        #expect(told(5, age: 120, at: 60) == [])
        #expect(told(5, age: 121, at: 61) == [5])
        #expect(told(6, age: 61, at: 62) == [6], "another one is news")
    }
}
