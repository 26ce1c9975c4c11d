/* Types that columns to be made have had before, by their DDL text. Only the server's own types
 * are kept: nobody drops those, or makes others of their names. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <stdlib.h>

#define TYPES_MAX 64

struct pg_type_cache {
    struct pg_known_type items[TYPES_MAX];
    int n;
};

void pg_type_cache_free(struct pg_type_cache *cache)
{
    for (int i = 0; cache && i < cache->n; i++) {
        free(cache->items[i].text);
        free(cache->items[i].column.type_text);
        lt_schema_done(&cache->items[i].field);
    }
    free(cache);
}

const struct pg_known_type *pg_type_cached(const struct leat_endpoint *ep, const char *text)
{
    const struct pg_type_cache *cache = ep->types;
    for (int i = 0; cache && i < cache->n; i++) {
        if (!strcmp(cache->items[i].text, text)) {
            return &cache->items[i];
        }
    }
    return NULL;
}

int pg_type_keep(struct leat_endpoint *ep, const char *text, const struct pg_column *column,
                 const struct ArrowSchema *field, struct leat_error *err)
{
    if (!column->known || lt_schema_meta(field, LT_META_DOMAIN, &(size_t){0}) ||
        pg_type_cached(ep, text)) {
        return LEAT_OK;
    }
    if (!ep->types && !(ep->types = calloc(1, sizeof *ep->types))) {
        return lt_fail_oom(err);
    }
    if (ep->types->n == TYPES_MAX) {
        return LEAT_OK;
    }
    struct pg_known_type *item = &ep->types->items[ep->types->n];
    *item = (struct pg_known_type){.column = *column};
    item->text = lt_strdup(text);
    item->column.type_text = lt_strdup(column->type_text);
    int status = item->text && item->column.type_text ? lt_schema_copy(field, &item->field, err)
                                                      : lt_fail_oom(err);
    if (status) {
        free(item->text);
        free(item->column.type_text);
        return status;
    }
    ep->types->n++;
    return LEAT_OK;
}

int pg_type_table(const struct leat_endpoint *ep, const struct ArrowSchema *names,
                  char *const *types, struct pg_table *ret_table, bool *ret_all,
                  struct leat_error *err)
{
    size_t n = (size_t)names->n_children;
    for (size_t i = 0; i < n; i++) {
        if (!pg_type_cached(ep, types[i])) {
            *ret_all = false;
            return LEAT_OK;
        }
    }
    struct pg_table table = {.rows_estimate = -1, .bytes_estimate = -1};
    table.columns = calloc(n + 1, sizeof *table.columns);
    int status = table.columns ? lt_schema_init_struct(&table.schema, 0, err) : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        const struct pg_known_type *type = pg_type_cached(ep, types[i]);
        struct ArrowSchema field = {.release = NULL};
        table.columns[i] = type->column;
        table.columns[i].type_text = lt_strdup(type->column.type_text);
        table.n_columns = (int64_t)i + 1;
        status = table.columns[i].type_text ? lt_schema_copy(&type->field, &field, err)
                                            : lt_fail_oom(err);
        status = status ? status : lt_schema_set_name(&field, names->children[i]->name, err);
        status = status ? status : lt_schema_add(&table.schema, &field, err);
        lt_schema_done(&field);
    }
    if (status) {
        pg_table_done(&table);
        return status;
    }
    *ret_table = table;
    *ret_all = true;
    return LEAT_OK;
}
