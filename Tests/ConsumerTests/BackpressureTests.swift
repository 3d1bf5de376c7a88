import Consumer
import Kafka
import Testing

@Suite("Back-pressure")
struct BackpressureTests {
    private let partition = TopicPartition(topic: "requests", partition: 0)
    private let other = TopicPartition(topic: "requests", partition: 1)

    @Test("Everything is held back at a high mark, and let go only at both low marks")
    func hysteresis() {
        var pressure = Backpressure(bounds: .init(requests: 10, bytes: 1_000, span: 100))
        let changes = [
            pressure.update(requests: 9, bytes: 999), pressure.update(requests: 10, bytes: 0),
            pressure.update(requests: 6, bytes: 0), pressure.update(requests: 5, bytes: 501),
            pressure.update(requests: 5, bytes: 500), pressure.update(requests: 0, bytes: 1_000),
        ]
        #expect(changes == [false, true, false, false, true, true])
        #expect(pressure.holdsBack(partition))
    }

    @Test("A long span holds back its own partition only")
    func span() {
        var pressure = Backpressure(bounds: .init(requests: 10, bytes: 1_000, span: 100))
        pressure.update(partition, span: 100)
        pressure.update(other, span: 99)
        #expect(pressure.holdsBack(partition))
        #expect(!pressure.holdsBack(other))
        pressure.update(partition, span: 51)
        #expect(pressure.holdsBack(partition))
        pressure.update(partition, span: 50)
        #expect(!pressure.holdsBack(partition))
    }
}
