/* Forms of columns in text formats. */
#include "formats/text_form.h"

enum lt_text_form lt_text_form_of(const struct lt_type *type)
{
    if (type->id == LT_UINT64) {
        return LT_FORM_UINT64;
    }
    if (lt_type_is_integer(type->id)) {
        return LT_FORM_INTEGER;
    }
    switch (type->id) {
    case LT_BOOL:
        return LT_FORM_BOOL;
    case LT_FLOAT64:
        return LT_FORM_FLOAT64;
    case LT_DATE32:
        return LT_FORM_DATE;
    case LT_TIMESTAMP:
        return type->unit == LT_MICRO ? LT_FORM_TIMESTAMP : LT_FORM_OTHER;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return LT_FORM_TEXT;
    default:
        return LT_FORM_OTHER;
    }
}
