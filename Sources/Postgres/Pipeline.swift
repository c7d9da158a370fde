import CPostgres

/// Statements that go out together, with what has to be prepared before and what can be deallocated after them.
struct Pipeline {
    /// The exchange came to no end.
    struct Broken: Error {
        let end: Exchange.End
        /// What the server said before.
        let refusal: PostgresError?
    }

    /// Something that the server answers by itself.
    private enum Step {
        case prepare(PreparedStatements.Key, name: String)
        case execute(PreparedStatements.Key, name: String, EncodedValues)
        case deallocate(String)
    }

    private let functions: ferry_libpq
    private var steps: [Step] = []
    /// How many statements there are.
    private var count = 0
    /// What is prepared by an earlier step.
    private var names: [PreparedStatements.Key: String] = [:]

    init(_ functions: ferry_libpq) {
        self.functions = functions
    }

    mutating func add(
        _ text: String,
        _ values: [PostgresValue],
        _ prepared: inout PreparedStatements
    ) throws(PostgresError) {
        let values = try EncodedValues(values)
        let key = PreparedStatements.Key(text: text, types: values.types)
        let name: String
        if let known = prepared.name(of: key) ?? names[key] {
            name = known
        } else {
            name = prepared.newName()
            names[key] = name
            steps.append(.prepare(key, name: name))
        }
        steps.append(.execute(key, name: name, values))
        count += 1
    }

    mutating func deallocate(_ name: String) {
        steps.append(.deallocate(name))
    }

    /// - Returns: the results of the statements, or what the server refused first: then all of it is as if it had not been.
    func carryOut(
        _ exchange: Exchange,
        _ prepared: inout PreparedStatements
    ) throws(Broken) -> ([PostgresResult], PostgresError?) {
        var refusal: PostgresError?
        do throws(Exchange.End) {
            try send(exchange)
            var results: [PostgresResult] = []
            var answered = 0
            while true {
                let result = try exchange.nextInPipeline()
                // Success is certain only here: what isn't in an open transaction is committed at the synchronization, behind
                // the answers to the statements, and may fail there.
                if functions.PQresultStatus(result) == PGRES_PIPELINE_SYNC {
                    functions.PQclear(result)
                    guard functions.PQexitPipelineMode(exchange.connection) == 1 else { throw .unknown }
                    guard refusal != nil || results.count == count else { throw .unknown }
                    return (results, refusal)
                }
                guard !Exchange.copies.contains(functions.PQresultStatus(result)) else {
                    functions.PQclear(result)
                    throw .unknown
                }
                let step = answered < steps.count ? steps[answered] : nil
                answered += 1
                if let error = take(result, of: step, exchange, &results, &prepared) { refusal = refusal ?? error }
            }
        } catch {
            throw Broken(end: error, refusal: refusal)
        }
    }

    private func send(_ exchange: Exchange) throws(Exchange.End) {
        let connection = exchange.connection
        guard functions.PQenterPipelineMode(connection) == 1 else { throw .unknown }
        for step in steps {
            let isSent =
                switch step {
                case .prepare(let key, let name):
                    functions.PQsendPrepare(connection, name, key.text, Int32(key.types.count), key.types)
                case .execute(_, let name, let values):
                    values.withPointers {
                        functions.PQsendQueryPrepared(connection, name, $0, $1, $2, $3, 1)
                    }
                case .deallocate(let name):
                    functions.PQsendQueryParams(connection, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 0)
                }
            guard isSent == 1 else { throw .lost }
        }
        guard functions.PQpipelineSync(connection) == 1 else { throw .lost }
    }

    /// Takes the answer to a step.
    ///
    /// - Returns: why the server refused it; `nil` too where it was passed over because an earlier one was refused.
    private func take(
        _ result: OpaquePointer,
        of step: Step?,
        _ exchange: Exchange,
        _ results: inout [PostgresResult],
        _ prepared: inout PreparedStatements
    ) -> PostgresError? {
        // The result of a statement is kept and frees itself.
        if case .execute = step, [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(functions.PQresultStatus(result)) {
            results.append(PostgresResult(functions, result))
            return nil
        }
        defer { functions.PQclear(result) }
        switch (functions.PQresultStatus(result), step) {
        case (PGRES_PIPELINE_ABORTED, _): return nil
        case (PGRES_COMMAND_OK, .prepare(let key, let name)): prepared.add(key, name)
        case (PGRES_COMMAND_OK, .deallocate(let name)): prepared.wasDeallocated(name)
        default:
            let refusal = exchange.refusal(result)
            if case .execute(let key, _, _) = step { prepared.wasRefused(key, refusal) }
            return refusal
        }
        return nil
    }
}
