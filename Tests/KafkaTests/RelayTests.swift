import Testing
import TestSupport

@Suite("Broker relay")
struct RelayTests {
    /// Correlation id 7, no error, two entries, no throttling; the tags of the second entry and of the whole are given.
    private static func response(entryTags: [UInt8], tags: [UInt8]) -> [UInt8] {
        let body: [UInt8] =
            [0, 0, 0, 7, 0, 0, 3] + [0, 0, 0, 0, 0, 9, 0] + [0, 18, 0, 0, 0, 3] + entryTags + [0, 0, 0, 0] + tags
        return [0, 0, 0, UInt8(body.count)] + body
    }

    @Test("Tagged fields are dropped and the length is put right")
    func repair() {
        let plain = Self.response(entryTags: [0], tags: [0])
        let tagged = Self.response(entryTags: [1, 5, 2, 9, 9], tags: [2, 1, 1, 7, 2, 3, 1, 2, 3])
        #expect(ApiVersionsRepair.withoutTags(tagged) == plain)
        #expect(ApiVersionsRepair.withoutTags(plain) == plain)
    }

    @Test(
        "What is not such a response is left alone", arguments: [[], [0, 0, 0, 0], [0, 0, 0, 6, 0, 0, 0, 7, 0, 35]])
    func others(bytes: [UInt8]) {
        #expect(ApiVersionsRepair.withoutTags(bytes) == nil)
    }

    @Test("A response cut off anywhere, or with any byte changed, is never more than left alone")
    func damaged() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let whole = Self.response(entryTags: [1, 5, 2, 9, 9], tags: [2, 1, 1, 7, 2, 3, 1, 2, 3])
        for length in whole.indices { #expect(ApiVersionsRepair.withoutTags(Array(whole[..<length])) == nil) }
        for _ in 0..<2_000 {
            var damaged = whole
            let index = Int.random(in: damaged.indices, using: &random)
            damaged[index] = UInt8.random(in: 0...255, using: &random)
            if let repaired = ApiVersionsRepair.withoutTags(damaged) {
                #expect(
                    repaired.count == 4 + repaired[..<4].reduce(0) { $0 << 8 | Int($1) }, "CARRYON_TEST_SEED=\(seed)")
            }
        }
    }

    @Test("Only a question for ApiVersions with tags in its answer is waited for")
    func questions() {
        #expect(ApiVersionsRepair.concerns(request: [0, 0, 0, 20, 0, 18, 0, 3]))
        #expect(!ApiVersionsRepair.concerns(request: [0, 0, 0, 20, 0, 18, 0, 2]))
        #expect(!ApiVersionsRepair.concerns(request: [0, 0, 0, 20, 0, 3, 0, 9]))
        #expect(!ApiVersionsRepair.concerns(request: [0, 0, 0, 20, 0, 18]))
    }
}
