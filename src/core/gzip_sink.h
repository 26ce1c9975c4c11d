/* Writing gzip in blocks that several threads compress.
 *
 * The file is one member, as any reader of RFC 1952 takes it. Every GZIP_BLOCK of the input is
 * deflated by itself and ends with a full flush, at a byte; the blocks stand behind one another in
 * the member, and its checksum is combined of theirs. So the bytes written are the same for any
 * number of threads. */
#ifndef LT_GZIP_SINK_H
#define LT_GZIP_SINK_H

#include "core/bytes.h"

/* As lt_sink_compress(), for gzip. level 0: the fastest way there is, which is ISA-L's where that
 * library is installed; 1 to 9: zlib's. */
int lt_sink_gzip(struct lt_sink *inner, int level, int threads, struct lt_sink **ret_sink,
                 struct leat_error *err);

#endif
