#include <sqlite3.h>

// Nobody asks how much memory SQLite has taken, and it counts under a lock that all connections share, at every piece. To be
// said before the first connection, whoever opens it; and in C, for Swift calls no function with any number of arguments.
__attribute__((constructor)) static void count_no_memory(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
