import Foundation

#if canImport(CMalloc)
    import CMalloc
#endif

/// How the process holds its memory.
enum Memory {
    /// Lets threads share a few heaps: by default there may be eight for each processor, what one has freed serves no other,
    /// and a server that works on for minutes grows with what lies idle in them.
    static func shareHeaps() {
        #if canImport(CMalloc)
            mallopt(M_ARENA_MAX, CInt(2 * ProcessInfo.processInfo.activeProcessorCount))
        #endif
    }
}
