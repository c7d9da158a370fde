/// Another time of day for a process, and nothing but that.
///
/// libfaketime moves timers as well, which a node's beats hang on, and asks for memory before jemalloc can give some.
struct TimeOfDay {
    private let library: Interposer

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <sys/time.h>
        #include <time.h>

        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*next)(clockid_t, struct timespec *);
            if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
            int result = next(clock, time);
            const char *seconds = getenv("TIME_OF_DAY");
            if (result == 0 && clock == CLOCK_REALTIME && seconds) time->tv_sec += atol(seconds);
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

    init() async throws {
        library = try await Interposer(Self.source)
    }

    /// What a process is started with whose clock is so far ahead, or behind.
    func environment(_ ahead: Duration) -> [String: String] {
        library.environment.merging(["TIME_OF_DAY": "\(ahead.components.seconds)"]) { $1 }
    }
}
