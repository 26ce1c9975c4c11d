/* Arrow IPC files ("arrow") and streams ("arrows"). Either reads both: the bytes tell. */
#ifndef LT_ARROW_FORMAT_H
#define LT_ARROW_FORMAT_H

#include "formats/format.h"

extern const struct lt_format lt_format_arrow;
extern const struct lt_format lt_format_arrow_stream;

#endif
