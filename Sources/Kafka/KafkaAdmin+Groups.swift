internal import CRdkafka

extension KafkaAdmin {
    /// All consumer groups that the brokers know.
    package func groups(timeout: Duration = .seconds(10)) async throws(KafkaError) -> [KafkaGroup] {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, operation: "list groups", timeout: timeout)
        return try await calls.run { [handle] () throws(KafkaError) in
            try request.send(to: handle) { client, options, queue in
                rd_kafka_ListConsumerGroups(client, options, queue)
            } reading: { event throws(KafkaError) in
                guard let result = rd_kafka_event_ListConsumerGroups_result(event) else { throw request.unexpected }
                var count = 0
                let listings = rd_kafka_ListConsumerGroups_result_valid(result, &count)
                let groups = UnsafeBufferPointer(start: listings, count: listings == nil ? 0 : count).map { listing in
                    KafkaGroup(
                        id: Self.text(rd_kafka_ConsumerGroupListing_group_id(listing)),
                        state: Self.text(
                            rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(listing))))
                }
                // Some brokers' answers are better than none, and none at all is an error.
                if groups.isEmpty {
                    let errors = rd_kafka_ListConsumerGroups_result_errors(result, &count)
                    if let errors, count > 0 { try request.check(errors[0]) }
                }
                return groups
            }
        }
    }

    /// A group with its members; its state is `Dead` if there is no such group.
    package func describeGroup(
        _ id: String, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> KafkaGroupDescription {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, operation: "describe group \(id)", timeout: timeout)
        return try await calls.run { [handle] () throws(KafkaError) in
            try request.send(to: handle) { client, options, queue in
                id.withCString { id in
                    var ids: [UnsafePointer<CChar>?] = [id]
                    rd_kafka_DescribeConsumerGroups(client, &ids, 1, options, queue)
                }
            } reading: { event throws(KafkaError) in
                var count = 0
                guard let result = rd_kafka_event_DescribeConsumerGroups_result(event),
                    let groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count), count > 0,
                    let group = groups[0]
                else { throw request.unexpected }
                try request.check(rd_kafka_ConsumerGroupDescription_error(group))
                return Self.description(of: group)
            }
        }
    }

    /// A group's committed offsets of these partitions, or of all; partitions without one are absent.
    package func committedOffsets(
        group: String, partitions: [TopicPartition]? = nil, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition: CommittedOffset] {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, operation: "read the offsets of group \(group)",
            timeout: timeout)
        if partitions?.isEmpty == true { return [:] }
        return try await calls.run { [handle] () throws(KafkaError) in
            let wanted: OpaquePointer?
            if let partitions {
                let list = PartitionList(partitions)
                wanted = rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer)
            } else {
                wanted = rd_kafka_ListConsumerGroupOffsets_new(group, nil)
            }
            guard let wanted else { throw request.invalid("invalid group") }
            defer { rd_kafka_ListConsumerGroupOffsets_destroy(wanted) }
            return try request.send(to: handle) { client, options, queue in
                var list: [OpaquePointer?] = [wanted]
                rd_kafka_ListConsumerGroupOffsets(client, &list, 1, options, queue)
            } reading: { event throws(KafkaError) in
                var count = 0
                guard let result = rd_kafka_event_ListConsumerGroupOffsets_result(event),
                    let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count), count > 0,
                    let first = groups[0]
                else { throw request.unexpected }
                try request.check(rd_kafka_group_result_error(first))
                guard let offsets = rd_kafka_group_result_partitions(first) else { return [:] }
                return try UnsafeMutablePointer(mutating: offsets).committedOffsets(operation: request.operation)
            }
        }
    }

    private static func description(of group: OpaquePointer) -> KafkaGroupDescription {
        let count = rd_kafka_ConsumerGroupDescription_member_count(group)
        let members = (0..<count).compactMap { index in
            rd_kafka_ConsumerGroupDescription_member(group, index).map(member)
        }
        return KafkaGroupDescription(
            id: text(rd_kafka_ConsumerGroupDescription_group_id(group)),
            state: text(rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group))),
            assignor: text(rd_kafka_ConsumerGroupDescription_partition_assignor(group)), members: members)
    }

    private static func member(_ member: OpaquePointer) -> KafkaGroupDescription.Member {
        let assignment = rd_kafka_MemberDescription_assignment(member)
        let partitions = assignment.flatMap { rd_kafka_MemberAssignment_partitions($0) }
        return KafkaGroupDescription.Member(
            id: text(rd_kafka_MemberDescription_consumer_id(member)),
            clientID: text(rd_kafka_MemberDescription_client_id(member)),
            host: text(rd_kafka_MemberDescription_host(member)),
            instanceID: rd_kafka_MemberDescription_group_instance_id(member).map { String(cString: $0) },
            partitions: partitions.map { UnsafeMutablePointer(mutating: $0).topicPartitions } ?? [])
    }

    private static func text(_ text: UnsafePointer<CChar>?) -> String {
        text.map { String(cString: $0) } ?? ""
    }
}
