// libpq's header, and its functions as a table: nothing links libpq, so a Ferry that needs no PostgreSQL runs where it isn't.
#ifndef FERRY_CPOSTGRES_H
#define FERRY_CPOSTGRES_H

#include <dlfcn.h>
#include <stddef.h>

// Debian and its kin, other systems, and Homebrew's two places.
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#elif __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#elif __has_include("/opt/homebrew/opt/libpq/include/libpq-fe.h")
#include "/opt/homebrew/opt/libpq/include/libpq-fe.h"
#elif __has_include("/usr/local/opt/libpq/include/libpq-fe.h")
#include "/usr/local/opt/libpq/include/libpq-fe.h"
#else
#error "PostgreSQL's client headers are missing: scripts/setup installs them (Debian: apt install libpq-dev)"
#endif

#ifndef LIBPQ_HAS_PIPELINING
#error "PostgreSQL's client headers are older than version 14, which brought pipelines"
#endif

#define FERRY_LIBPQ_FUNCTIONS(FUNCTION) \
    FUNCTION(PQcancel) \
    FUNCTION(PQclear) \
    FUNCTION(PQcmdTuples) \
    FUNCTION(PQconndefaults) \
    FUNCTION(PQconnectPoll) \
    FUNCTION(PQconnectStartParams) \
    FUNCTION(PQconnectionNeedsPassword) \
    FUNCTION(PQconninfoFree) \
    FUNCTION(PQconninfoParse) \
    FUNCTION(PQconsumeInput) \
    FUNCTION(PQenterPipelineMode) \
    FUNCTION(PQerrorMessage) \
    FUNCTION(PQexitPipelineMode) \
    FUNCTION(PQfinish) \
    FUNCTION(PQflush) \
    FUNCTION(PQfreeCancel) \
    FUNCTION(PQfreemem) \
    FUNCTION(PQftype) \
    FUNCTION(PQgetCancel) \
    FUNCTION(PQgetResult) \
    FUNCTION(PQgetisnull) \
    FUNCTION(PQgetlength) \
    FUNCTION(PQgetvalue) \
    FUNCTION(PQisBusy) \
    FUNCTION(PQnfields) \
    FUNCTION(PQntuples) \
    FUNCTION(PQpipelineSync) \
    FUNCTION(PQresultErrorField) \
    FUNCTION(PQresultStatus) \
    FUNCTION(PQsendPrepare) \
    FUNCTION(PQsendQuery) \
    FUNCTION(PQsendQueryParams) \
    FUNCTION(PQsendQueryPrepared) \
    FUNCTION(PQsetErrorVerbosity) \
    FUNCTION(PQsetNoticeReceiver) \
    FUNCTION(PQsetnonblocking) \
    FUNCTION(PQsocket) \
    FUNCTION(PQstatus)

// The types are the header's own: what differs from it doesn't compile.
// Swift may hand it to any thread: it is written once, by ferry_libpq_load, and libpq's functions belong to no thread.
struct __attribute__((swift_attr("@Sendable"))) ferry_libpq {
#define FERRY_FIELD(name) __typeof__(name) *_Nonnull name;
    FERRY_LIBPQ_FUNCTIONS(FERRY_FIELD)
#undef FERRY_FIELD
};

/// Fills the table from a library that dlopen gave. The name of the first function that the library lacks, or NULL.
static inline const char *_Nullable ferry_libpq_load(void *_Nonnull library, struct ferry_libpq *_Nonnull table) {
    void *function;
#define FERRY_LOAD(name) \
    function = dlsym(library, #name); \
    if (function == NULL) return #name; \
    table->name = (__typeof__(name) *)function;
    FERRY_LIBPQ_FUNCTIONS(FERRY_LOAD)
#undef FERRY_LOAD
    return NULL;
}

// The fields of an error: Swift doesn't import macros of characters.
enum {
    FERRY_DIAG_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED,
    FERRY_DIAG_SQLSTATE = PG_DIAG_SQLSTATE,
    FERRY_DIAG_MESSAGE = PG_DIAG_MESSAGE_PRIMARY,
};

#endif
