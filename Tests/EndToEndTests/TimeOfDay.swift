import Foundation

/// Another time of day for a process, and nothing but that. It can jump while the process runs.
///
/// libfaketime moves timers as well, which a node's beats hang on, and asks for memory before jemalloc can give some.
struct TimeOfDay {
    private let library: Interposer
    private let folder: ScratchFolder
    private let jumpPath: String

    private static func source(jumpPath: String) -> String {
        """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <time.h>

        static volatile long long none, *jump = &none;

        __attribute__((constructor)) static void watch(void) {
            void *memory = mmap(0, sizeof none, PROT_READ, MAP_SHARED, open("\(jumpPath)", O_RDONLY), 0);
            if (memory != MAP_FAILED) jump = memory;
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*next)(clockid_t, struct timespec *);
            if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
            int result = next(clock, time);
            const char *seconds = getenv("TIME_OF_DAY");
            if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += *jump + (seconds ? atol(seconds) : 0);
            return result;
        }

        int gettimeofday(struct timeval *restrict time, void *restrict zone) {
            struct timespec now;
            int result = clock_gettime(CLOCK_REALTIME, &now);
            *time = (struct timeval) { .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
            return result;
        }

        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }
        """
    }

    init() async throws {
        folder = try ScratchFolder()
        jumpPath = try folder.file("jump")
        try Data(count: 8).write(to: URL(filePath: jumpPath))
        library = try await Interposer(Self.source(jumpPath: jumpPath))
    }

    /// Sets the clocks of the processes that run so far ahead, or behind, of what they were started with.
    func jump(_ ahead: Duration) throws {
        let file = try FileHandle(forUpdating: URL(filePath: jumpPath))
        try file.write(contentsOf: withUnsafeBytes(of: ahead.components.seconds) { Data($0) })
        try file.close()
    }

    /// What a process is started with whose clock is so far ahead, or behind.
    func environment(_ ahead: Duration) -> [String: String] {
        library.environment.merging(["TIME_OF_DAY": "\(ahead.components.seconds)"]) { $1 }
    }
}
