import Conversation
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("Calls of an operator")
struct OperationsCallTests {
    @Test("Workers and dead letters are shown as they are given")
    func overview() async throws {
        let operations = GatewayOperations(
            workers: { [["address": "a:1", "hosts": 2], ["address": "b:1", "error": "does not answer"]] },
            deadLetters: { .letters([["id": "0-0", "cause": "crash-loop"]]) })
        try await EventServer.serving(operations: operations) { server in
            let call = try await Call.get(server, "/v1/operations")
            #expect(call.status == 200)
            #expect(call.body["development"] == false)
            #expect(call.body["workers"]?.arrayValue?.compactMap { $0["address"]?.stringValue } == ["a:1", "b:1"])
            #expect(call.body["deadLetters"] == [["id": "0-0", "cause": "crash-loop"]])
            #expect(call.body["deadLettersError"] == nil)
        }
    }

    @Test("Dead letters that can't be read are no empty list")
    func unknownLetters() async throws {
        let operations = GatewayOperations(workers: { [] }, deadLetters: { .unknown("The topic is away.") })
        try await EventServer.serving(operations: operations) { server in
            let call = try await Call.get(server, "/v1/operations")
            #expect(call.status == 200)
            #expect(call.body["deadLettersError"] == "The topic is away.")
        }
    }

    @Test("In development a visitor may kill, by name")
    func kill() async throws {
        let killed = Mutex<[GatewayOperations.Victim]>([])
        var operations = GatewayOperations.none
        operations.kill = { victim in
            killed.withLock { $0.append(victim) }
            return victim == .host
        }
        try await EventServer.serving(operations: operations) { server in
            #expect(try await Call.get(server, "/v1/operations").body["development"] == true)
            let path = "/v1/development/kill"
            let host = try await Call.post(server, path, ["what": "host"])
            #expect(host.status == 200)
            #expect(host.body["killed"] == "host")
            let worker = try await Call.post(server, path, ["what": "worker"])
            #expect(worker.status == 409)
            #expect(worker.code == "nothing_to_kill")
            for body: JSON in [[:], ["what": "gateway"], ["what": 1]] {
                let call = try await Call.post(server, path, body)
                #expect(call.status == 400)
                #expect(call.code == "invalid_victim")
                #expect(call.param == "what")
            }
            #expect(killed.withLock { $0 } == [.host, .worker])
        }
    }

    @Test("Where nobody may kill there is no such call, and a token for one session shows no operations")
    func forbidden() async throws {
        try await EventServer.serving { server in
            let call = try await Call.post(server, "/v1/development/kill", ["what": "host"])
            #expect(call.status == 404)
        }
        try await EventServer.serving({ $0.apiKeys = ["key"] }) { server in
            #expect(try await Call.get(server, "/v1/operations").code == "missing_token")
            let call = try await Call.get(server, "/v1/operations", headers: [("Authorization", "Bearer key")])
            #expect(call.status == 200)
        }
    }
}
