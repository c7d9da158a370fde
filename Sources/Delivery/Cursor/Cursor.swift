import DequeModule
import HeapModule
import Storage
import TrackAPI

/// One ordered reading of the log for an integration, with every decision of delivery and no I/O (delivery.md C.3).
///
/// The shell around it tells what happened (`take…`, `recorded`) and asks what to do now (`orders`): read, send, record.
/// Nothing here waits, reads a clock or knows chance, so that a test can drive it through any sequence of events.
///
/// An operation enters the `OrderGraph` when its event is read, is sent when it waits for nobody, and is *ended* when it
/// was delivered, was refused for good or was given up. `record` moves the position over events whose operations are all
/// ended, or have a row on the disk. Success costs no row.
struct Cursor: Sendable {
    /// Bounds of what is in memory, and the paces.
    struct Limits: Sendable {
        /// Operations that are not settled and recorded. Each open row on the disk is one of them.
        var operations = 200_000
        /// Operations whose body is in memory, and the bytes of these.
        var bodies = 4_000
        var bodyBytes = 16 << 20
        /// Events between the position and the last one read.
        var span: Int64 = 1_000_000
        /// Events of one read.
        var readAhead = 500
        /// Events whose bodies are fetched again at a time.
        var fetched = 100
        /// Requests under way.
        var concurrency = 32
        /// Whether a batch is applied in the order of its items (delivery.md F25): if not, who waits for somebody never
        /// shares a request with him.
        var trustsArrayOrder = true
        /// For how long a request that is not full waits for more, in milliseconds.
        var groupWait: Int64 = 250
        /// For how long a change waits for others before it is recorded, in milliseconds.
        var recordWait: Int64 = 50
        /// How many changes don't wait.
        var recordedAtOnce = 1_000
        /// How long an operation may hold up the position before it gets a row, in milliseconds.
        var rowAfter: Int64 = 5_000
        /// For how long an operation that fails alone is tried again, in milliseconds of open road.
        var giveUpAfter: Int64 = 24 * 60 * 60 * 1_000

        init() {}
    }

    let id: Int64
    let share: TokenBucket.Share
    let limits: Limits
    /// Of a retry: the cursor whose failed operations these are.
    var origin: Int64?
    /// Of a job: how many requests it sends a second at most, within what its integration sends.
    var pace: TokenBucket?

    var graph = OrderGraph()
    var entries: [OperationID: Entry] = [:]
    /// Who may be sent. Some of it is out of date: `Entry.phase` tells.
    var ready = Heap<OperationID>()
    var readySince: Int64?
    /// Who waits for another try, by its time. Some of it is out of date.
    var parked = Heap<Parked>()
    /// Whose turn has come while its body is in the log. Some of it is out of date.
    var away = Heap<OperationID>()
    var fetching: [OperationID] = []
    var bodies = 0
    var bodyBytes = 0

    /// Events above the position, in order.
    var ring = Deque<ReadEvent>()
    /// The last event that was read, and the last one that is recorded.
    var lastRead: Int64
    var position: Int64
    var isReading = false
    /// Whether the log had nothing more when it was read last.
    var isAtEnd = false
    /// Whether it has grown since that read began.
    var hasGrown = false
    /// Events that were erased while a read was under way, which may still bring them.
    var erasedInRead: Set<Int64> = []

    var road: Road
    var flying: [Int: Request] = [:]
    var lastRequest = 0
    var tokenAt: Int64?
    /// Whether who waits may get a row, or be given up for the room that it takes: see `looksMoving`.
    var isMoving = true

    // What is to be recorded.
    var firstChange: Int64?
    var changes = 0
    /// Rows on the disk that tell what was.
    var stale: Set<OperationID> = []
    var requests: [SentRequest] = []
    var recording: Recording?
    var recordings = 0
    /// People who are being erased: who asks is told when nothing that was under way then is any more.
    var erasing: [Erasing] = []
    var notes: [Note] = []
    var isStopping = false

    /// A cursor as it was left: its position, and the operations that were open at or below it, in their order.
    init(
        id: Int64,
        share: TokenBucket.Share,
        position: Int64,
        open rows: [StoredOperation],
        limits: Limits = Limits(),
        at now: Moment
    ) {
        self.id = id
        self.share = share
        self.limits = limits
        self.position = position
        lastRead = position
        road = Road(maximumConcurrency: limits.concurrency, at: now.steady)
        for row in rows { reenter(row, at: now) }
    }

    /// What is to be done now. Each thing is ordered once; the shell tells when it is done.
    struct Orders: Sendable {
        /// Read so many events behind this number at most, and tell with `take(_:through:)`.
        var read: (after: Int64, limit: Int)?
        /// Read these events again and tell with `takeFetched`.
        var fetch: [Int64] = []
        /// Send these, and tell with `take(_:to:)`.
        var requests: [Request] = []
        /// Write this, and tell with `recorded`.
        var record: CursorCommit?
        /// Ask again then (steady milliseconds), if nothing else happens before.
        var wakeAt: Int64?
        /// For those who watch.
        var notes: [Note] = []
    }

    /// Decides. To be called after everything that happened, and when the time of `wakeAt` has come.
    mutating func orders(at now: Moment, bucket: inout TokenBucket) -> Orders {
        var orders = Orders()
        wakeParked(at: now)
        isMoving = looksMoving()
        giveUpForRoom(at: now)
        while let request = nextRequest(at: now, bucket: &bucket) { orders.requests.append(request) }
        orders.fetch = nextFetch()
        orders.record = nextRecord(at: now)
        orders.read = nextRead()
        orders.wakeAt = nextDeadline(at: now.steady)
        orders.notes = notes
        notes.removeAll(keepingCapacity: true)
        return orders
    }

    /// No new reads and requests; what is under way is awaited and recorded.
    mutating func stop() {
        isStopping = true
    }

    /// Whether everything there is to read is read, settled and recorded.
    var isDone: Bool { isAtEnd && isQuiet && ring.isEmpty && entries.isEmpty }

    /// Whether nothing is under way and everything is recorded.
    var isQuiet: Bool {
        flying.isEmpty && recording == nil && firstChange == nil && !isReading && fetching.isEmpty
    }

    /// While the road is closed all stays as it is: the log is the queue. But where everything that is here waits behind
    /// operations that failed alone, nobody is left to find the road open again; then more is read as if it were.
    private mutating func looksMoving() -> Bool {
        switch road.condition {
        case _ where road.isHeld: false
        case .open: true
        case .closed: flying.isEmpty && firstReady() == nil && away.isEmpty && fetching.isEmpty
        case .paused: false
        }
    }

    private func nextDeadline(at now: Int64) -> Int64? {
        var deadlines: [Int64] = []
        if !isStopping {
            if let due = parked.min?.due { deadlines.append(due) }
            if flying.isEmpty, !ready.isEmpty, let opensAt = road.opensAt { deadlines.append(opensAt) }
            if let readySince { deadlines.append(readySince + limits.groupWait) }
            if let tokenAt { deadlines.append(tokenAt) }
        }
        if recording == nil {
            if let firstChange { deadlines.append(firstChange + limits.recordWait) }
            if isMoving, let front = ring.first { deadlines.append(front.readAt + limits.rowAfter) }
        }
        // What is overdue waits for something else than time.
        return deadlines.filter { $0 > now }.min()
    }
}
