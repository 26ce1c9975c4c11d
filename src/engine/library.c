/* What libleat offers besides plans: formats by number, types by name, casts of streams. */
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "core/codes.h"
#include "engine/session.h"

bool leat_format_at(struct leat *leat, size_t i, struct leat_format *ret_format)
{
    const struct leat_connector *connector;
    for (size_t c = 0; (connector = leat_connector_at(leat, c)); c++) {
        size_t n = 0;
        while (LT_CONNECTOR_HAS(connector, format) && connector->format(n, ret_format)) {
            if (n++ == i) {
                return true;
            }
        }
        i -= n;
    }
    return false;
}

int leat_type_parse(const char *text, struct ArrowSchema *ret_field, struct leat_error *err)
{
    return lt_type_parse(text, ret_field, err);
}

int leat_type_print(const struct ArrowSchema *field, char **ret_text, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    struct lt_type type;
    int rc = lt_type_of(field, &type, err);
    if (!rc) {
        rc = lt_type_print(field, &name) ? lt_fail_oom(err) : LEAT_OK;
    }
    char *text = rc ? NULL : lt_buf_take(&name);
    lt_buf_done(&name);
    if (!rc && !text) {
        rc = lt_fail_oom(err);
    }
    if (!rc) {
        *ret_text = text;
    }
    return rc;
}

enum leat_cast_kind leat_cast_kind(const struct ArrowSchema *from, const struct ArrowSchema *to)
{
    static const enum leat_cast_kind kinds[] = {[LT_CAST_SAME] = LEAT_CAST_SAME,
                                                [LT_CAST_SAFE] = LEAT_CAST_SAFE,
                                                [LT_CAST_CHECKED] = LEAT_CAST_CHECKED,
                                                [LT_CAST_REFUSED] = LEAT_CAST_REFUSED};
    return kinds[lt_cast_kind(from, to)];
}
