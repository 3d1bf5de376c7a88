import Foundation

/// How a list of runs is read, by the filters that are given.
struct RunList {
    let session: String?
    let status: RunStatus?
    let regions: [String]?

    /// - Parameter key: only runs that began before the one with this key.
    func query(before key: Int64, limit: Int) throws -> PostgresQuery {
        var wanted = SQLValue.null
        if let regions { wanted = .text(String(decoding: try JSONEncoder().encode(Set(regions)), as: UTF8.self)) }
        return PostgresQuery(
            statement,
            [.integer(key), .integer(limit), .optional(session), .optional(status?.rawValue), wanted])
    }

    /// Every filter has an index from which the runs come in the order wanted, or is a set that is always small: the
    /// runs of a session, and those that are open. Such a set is read as a whole (`MATERIALIZED`) before it is sorted,
    /// because the planner would rather walk all runs backwards until it has found enough.
    private var statement: PostgresStatement {
        var conditions = ["key < $1::int8"]
        var isSmall = false
        if session != nil {
            conditions.append("session = $3::text")
            isSmall = true
        }
        switch status {
        case nil: break
        case .running?:
            conditions.append("status = $4::text AND is_open")
            isSmall = true
        case .completed?: conditions.append("status = $4::text")
        // Only with the index's own conditions does the planner see that the index holds all of them.
        case .interrupted?, .stopped?, .failed?, .deadLettered?:
            conditions.append("status = $4::text AND status <> 'completed' AND status <> 'running'")
        }
        let name = "runs_\(session == nil ? "" : "session_")\(status?.rawValue ?? "")_\(regions == nil ? "" : "region")"
        return PostgresStatement(
            name, [.integer, .integer, .text, .text, .text], sql(conditions, isSmall: isSmall))
    }

    private func sql(_ conditions: [String], isSmall: Bool) -> String {
        let all = conditions.joined(separator: " AND ")
        let order = "ORDER BY key DESC LIMIT $2::int8"
        // Every parameter has to have a type, whether it is used or not.
        let types = "SELECT $1::int8, $2::int8, $3::text, $4::text, $5::text"
        let found: String
        switch (isSmall, regions != nil) {
        case (true, let isByRegion):
            let region = isByRegion ? "WHERE region IN (\(Self.wanted))" : ""
            found = """
                own AS MATERIALIZED (SELECT * FROM carryon_runs WHERE \(all)),
                found AS (SELECT * FROM own \(region) \(order))
                """
        case (false, true):
            // Region by region: each of them is read from its index, and no further than needed.
            found = """
                found AS (
                    SELECT own.* FROM (\(Self.wanted)) AS wanted(region)
                    CROSS JOIN LATERAL (
                        SELECT * FROM carryon_runs AS r WHERE r.region = wanted.region AND \(all) \(order)
                    ) AS own \(order)
                )
                """
        case (false, false):
            found = "found AS (SELECT * FROM carryon_runs WHERE \(all) \(order))"
        }
        return "WITH types AS (\(types)), \(found) \(ReadStatements.runs("found", "ORDER BY r.key DESC"))"
    }

    private static let wanted = "SELECT json_array_elements_text($5::text::json)"
}
