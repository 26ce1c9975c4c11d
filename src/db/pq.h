/* The only seam to libpq, loaded when first used: linking it costs some milliseconds of every
 * start. Types and constants come from libpq-fe.h; calls go through the table. */
#ifndef LT_PQ_H
#define LT_PQ_H

#include "leat/error.h"

#include <libpq-fe.h>

/* Every function used of libpq: name only, the type is taken from its declaration. */
/* clang-format off */
#define LT_PQ_MAP(X)                                                                               \
    X(PQconnectStartParams)                                                                        \
    X(PQconnectPoll)                                                                               \
    X(PQconninfoParse)                                                                             \
    X(PQconninfo)                                                                                  \
    X(PQconninfoFree)                                                                              \
    X(PQfinish)                                                                                    \
    X(PQstatus)                                                                                    \
    X(PQerrorMessage)                                                                              \
    X(PQsocket)                                                                                    \
    X(PQserverVersion)                                                                             \
    X(PQparameterStatus)                                                                           \
    X(PQtransactionStatus)                                                                         \
    X(PQbackendPID)                                                                                \
    X(PQuser)                                                                                      \
    X(PQdb)                                                                                        \
    X(PQhost)                                                                                      \
    X(PQsetnonblocking)                                                                            \
    X(PQsendQuery)                                                                                 \
    X(PQsetSingleRowMode)                                                                          \
    X(PQsendQueryParams)                                                                           \
    X(PQexec)                                                                                      \
    X(PQexecParams)                                                                                \
    X(PQprepare)                                                                                   \
    X(PQdescribePrepared)                                                                          \
    X(PQgetResult)                                                                                 \
    X(PQclear)                                                                                     \
    X(PQresultStatus)                                                                              \
    X(PQresultErrorField)                                                                          \
    X(PQresultErrorMessage)                                                                        \
    X(PQntuples)                                                                                   \
    X(PQnfields)                                                                                   \
    X(PQfname)                                                                                     \
    X(PQftype)                                                                                     \
    X(PQfmod)                                                                                      \
    X(PQgetvalue)                                                                                  \
    X(PQgetlength)                                                                                 \
    X(PQgetisnull)                                                                                 \
    X(PQcmdTuples)                                                                                 \
    X(PQputCopyData)                                                                               \
    X(PQputCopyEnd)                                                                                \
    X(PQgetCopyData)                                                                               \
    X(PQfreemem)                                                                                   \
    X(PQconsumeInput)                                                                              \
    X(PQisBusy)                                                                                    \
    X(PQflush)                                                                                     \
    X(PQgetCancel)                                                                                 \
    X(PQfreeCancel)                                                                                \
    X(PQcancel)                                                                                    \
    X(PQsetNoticeProcessor)                                                                        \
    X(PQlibVersion)                                                                                \
    X(PQescapeLiteral)                                                                             \
    X(PQsslInUse)                                                                                  \
    X(PQsendQueryPrepared)                                                                         \
    X(PQsendPrepare)                                                                               \
    X(PQsendDescribePrepared)                                                                      \
    X(PQconnectionNeedsPassword)
/* clang-format on */

struct lt_pq {
#define LT_PQ_MEMBER(name) __typeof__(&(name)) name;
    LT_PQ_MAP(LT_PQ_MEMBER)
#undef LT_PQ_MEMBER
};

/* The loaded library: once a process, safe from any thread. [module-missing] names the package
 * (libpq5). Never unloaded. */
int lt_pq_load(const struct lt_pq **ret_pq, struct leat_error *err);

#endif
