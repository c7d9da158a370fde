import HTTPTypes
import LosslessJSON
import NIOCore

extension Fault {
    /// What becomes of a request that the fault befalls.
    ///
    /// - Parameters:
    ///   - request: with its body.
    ///   - body: that body's bytes.
    ///   - workspace: the name of the workspace.
    ///   - carryOut: the Track API behind.
    /// - Returns: what goes out, and how much of it.
    /// - Throws: `BrokenRequest` of the Track API behind.
    func answer(
        _ request: IncomingRequest,
        _ body: [UInt8],
        from workspace: String,
        _ carryOut: (IncomingRequest) async throws(BrokenRequest) -> Answer
    ) async throws(BrokenRequest) -> Answer {
        // A server that stops does not wait for it.
        try? await Task.sleep(for: response.latency)
        var answer: Answer
        if let failed = response.failedItems {
            answer = try await failing(failed, request, body, from: workspace, carryOut)
        } else if response.isCarriedOut || response.status == nil && !response.isReset {
            answer = try await carryOut(request)
        } else {
            answer = .problem(.fault, "", from: workspace)
        }
        if let status = response.status { answer = self.answer(status, from: workspace) }
        if response.isReset {
            answer.ending = .reset
        } else if let count = response.truncatedTo {
            answer.ending = .cut(after: count)
        }
        return answer
    }

    private func answer(_ status: Int, from workspace: String) -> Answer {
        let hasBody = status != 204 && status != 304
        let problem: JSON = ["meta": ["error": "failed on purpose"]]
        let body = response.body ?? problem.encoded()
        var answer = Answer.track(.onPurpose(status: status), hasBody ? body : [], from: workspace)
        for field in response.headers { answer.headers[field.name] = field.value }
        return answer
    }

    // MARK: Items

    /// The chosen items fail; the others are carried out, and answered for as if all had been.
    private func failing(
        _ failed: FailedItems,
        _ request: IncomingRequest,
        _ body: [UInt8],
        from workspace: String,
        _ carryOut: (IncomingRequest) async throws(BrokenRequest) -> Answer
    ) async throws(BrokenRequest) -> Answer {
        let json = try? JSON(parsing: body)
        let path = RequestPath(target: request.target)?.segments ?? []
        let contents = RequestContents(method: request.method.rawValue, path: path, body: json)
        let chosen = contents.items.indices.filter { place in
            (failed.places?.contains(place) ?? true) && (!match.isOfItem || matches(contents.items[place]))
        }
        guard !chosen.isEmpty, let json, path.prefix(2) == ["api", "v2"] else { return try await carryOut(request) }
        guard let items = json["batch"]?.arrayValue, path.last == "batch" else {
            return .track(.invalid, json: ["errors": [.object(failed.error)]], from: workspace)
        }
        let kept = items.indices.filter { !chosen.contains($0) }
        var errors = chosen.map { (place: $0, error: failed.error) }
        if !kept.isEmpty {
            let rest: JSON = ["batch": .array(kept.map { items[$0] })]
            let answer = try await carryOut(request.with(.whole(ByteBuffer(bytes: rest.encoded()))))
            guard answer.status == .ok || answer.status.code == 207 || answer.status == .badRequest else {
                return answer
            }
            for error in (try? JSON(parsing: answer.body))?["errors"]?.arrayValue ?? [] {
                guard let error = error.objectValue, let index = error["batch_index"]?.numberValue?.int64,
                    let place = kept.indices.contains(Int(index)) ? kept[Int(index)] : nil
                else { continue }
                errors.append((place, error))
            }
        }
        errors.sort { $0.place < $1.place }
        let list = errors.map { place, error -> JSON in
            var error = error
            error["batch_index"] = .number(JSON.Number(place))
            return .object(error)
        }
        let isAnyValid = Set(errors.map(\.place)).count < items.count
        return .track(isAnyValid ? .partlyInvalid : .invalid, json: ["errors": .array(list)], from: workspace)
    }
}

extension Fault.FailedItems {
    fileprivate var error: JSON.Object {
        ["reason": .string(reason), "field": .string(field), "message": .string(message)]
    }
}
