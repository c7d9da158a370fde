#ifndef FERRY_COUNTING_ALLOCATOR_H
#define FERRY_COUNTING_ALLOCATOR_H

#include <stdint.h>

/// How many blocks of memory this thread has asked for since it began: malloc, calloc, realloc and the aligned kinds.
uint64_t ferry_allocations(void);

/// How many bytes it has asked for with them.
uint64_t ferry_allocated_bytes(void);

#endif
