extension FencedPartition {
    var values: [SQLValue] { [.text(group), .text(cluster), .text(topic), .integer(partition)] }
}

extension LogIdentity {
    var values: [SQLValue] { [.text(cluster), .text(topic), .integer(partition), .integer(epoch)] }
}
