extension JSON {
    /// This metadata with `newer` merged in: objects member by member at every depth, anything else replaced. A `null`
    /// changes nothing.
    static func mergingMetadata(_ older: JSON?, with newer: JSON?) -> JSON? {
        guard let newer, !newer.isNull else { return older }
        guard case .object(var merged) = older, case .object(let additions) = newer else { return newer }
        for (name, value) in additions {
            if case .object = merged[name], case .object = value {
                merged[name] = mergingMetadata(merged[name], with: value)
            } else {
                merged[name] = value
            }
        }
        return .object(merged)
    }
}
