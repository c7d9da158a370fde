// Stands in front of glibc's allocator and counts, for the benchmarks only: the symbols here take the place of the C
// library's in the executable that links them. The counters are a thread's own, so that counting costs an addition.

#include "CountingAllocator.h"

#if !defined(__linux__) || !defined(__GLIBC__)
#error "The benchmarks count allocations through glibc's own names for its allocator: build them on Linux with glibc."
#endif

#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

// "initial-exec" keeps the access free of calls that might allocate themselves.
static _Thread_local uint64_t allocations __attribute__((tls_model("initial-exec")));
static _Thread_local uint64_t allocated_bytes __attribute__((tls_model("initial-exec")));

uint64_t ferry_allocations(void) { return allocations; }

uint64_t ferry_allocated_bytes(void) { return allocated_bytes; }

static inline void count(size_t size) {
    allocations += 1;
    allocated_bytes += size;
}

void *malloc(size_t size) {
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    // glibc refuses a product that overflows; what is counted then does not matter.
    count(items * size);
    return __libc_calloc(items, size);
}

void *realloc(void *block, size_t size) {
    count(size);
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    count(size);
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *block = memory;
    return 0;
}

void free(void *block) { __libc_free(block); }
