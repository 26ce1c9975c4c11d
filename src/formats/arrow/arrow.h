/* Arrow IPC files ("arrow") and streams ("arrows"). Either reads both: the bytes tell. */
#ifndef LT_ARROW_FORMAT_H
#define LT_ARROW_FORMAT_H

#include "formats/format.h"

extern const struct lt_format lt_format_arrow;
extern const struct lt_format lt_format_arrow_stream;

extern const struct leat_type_in lt_ipc_types_in[];
extern const struct leat_type_out lt_ipc_types_out[];

#endif
