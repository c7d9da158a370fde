import HeapModule
import Storage
import TrackAPI

/// What goes out next.
extension Cursor {
    /// The next request, if the road, the rate and the wait for more let one out.
    mutating func nextRequest(at now: Moment, bucket: inout TokenBucket) -> Request? {
        tokenAt = nil
        guard !isStopping, road.admits(underWay: flying.count, at: now.steady), let first = firstReady(),
            isGroupDue(first, at: now.steady)
        else { return nil }
        if let time = waitForToken(at: now.steady, bucket: &bucket) {
            tokenAt = time
            return nil
        }
        let sent = nextGroup().map { id, item in
            Request.Sent(id: id, action: entries[id]?.action ?? "", operation: item.operation)
        }
        lastRequest += 1
        let request = Request(number: lastRequest, operations: sent, sentAt: now)
        for operation in sent { entries[operation.id]?.phase = .flying }
        flying[request.number] = request
        readySince = firstReady() == nil ? nil : now.steady
        return request
    }

    /// Takes leave to send one request; when there is none, says when to ask again.
    private mutating func waitForToken(at now: Int64, bucket: inout TokenBucket) -> Int64? {
        if case .notBefore(let time)? = pace?.take(share, at: now) { return time }
        guard case .notBefore(let time) = bucket.take(share, at: now) else { return nil }
        pace?.giveBack(share)
        return time
    }

    /// The first operation that may be sent.
    mutating func firstReady() -> OperationID? {
        while let id = ready.min {
            if entries[id]?.phase == .ready { return id }
            ready.removeMin()
        }
        readySince = nil
        return nil
    }

    /// A request that could be fuller waits a moment, unless nothing else is under way.
    private func isGroupDue(_ first: OperationID, at now: Int64) -> Bool {
        if flying.isEmpty || ready.count >= (entries[first]?.cap ?? 1) { return true }
        return readySince.map { now - $0 >= limits.groupWait } ?? true
    }

    /// Takes the operations of one request out of the ready ones, in order. Somebody who waits only for operations that
    /// are in it already may come along, behind them (delivery.md C.3).
    private mutating func nextGroup() -> [(OperationID, Batch.Item)] {
        var group: [(OperationID, Batch.Item)] = []
        var filling = Batch.Filling()
        var opened = Heap<OperationID>()
        var aboard: [OperationID: Int] = [:]
        while !filling.isFull {
            let free = firstReady()
            let follower = opened.min
            guard let id = [free, follower].compactMap({ $0 }).min(), let item = entries[id]?.item,
                filling.take(item)
            else { break }
            if id == follower { opened.removeMin() } else { ready.removeMin() }
            // So that it is not found a second time.
            entries[id]?.phase = .flying
            group.append((id, item))
            guard limits.trustsArrayOrder, entries[id]?.isRecordedFirst == false else { continue }
            for next in graph.followers(of: id) {
                aboard[next, default: 0] += 1
                if aboard[next] == graph.blockers(of: next), canComeAlong(next) { opened.insert(next) }
            }
        }
        return group
    }

    private func canComeAlong(_ id: OperationID) -> Bool {
        guard let entry = entries[id] else { return false }
        let isDue = entry.due == nil
        return entry.phase == .blocked && entry.item != nil && entry.dropped == nil && isDue
    }
}
