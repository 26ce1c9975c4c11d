/* The file connector through the contract alone. Files are judged as bytes. */
#include "file_test.h"
#include "formats/format.h"

#include <fcntl.h>
#include <sys/file.h>

static int outcome_status(struct fixture *f, const char *path, const char *stream, const char *id,
                          enum leat_outcome *ret_outcome)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct one_load l;
    load_init(&l, stream, "a:int64", LEAT_APPEND, 0, id);
    int status = CONNECTOR->load->outcome(ep, &l.want, ret_outcome, NULL);
    lt_schema_done(&l.schema);
    CONNECTOR->close(ep);
    return status;
}

static void assert_outcome(struct fixture *f, const char *path, const char *stream, const char *id,
                           enum leat_outcome expected)
{
    enum leat_outcome outcome = LEAT_LOAD_IN_FLIGHT;
    assert_int_equal(outcome_status(f, path, stream, id, &outcome), LEAT_OK);
    assert_int_equal(outcome, expected);
}

/* Runs a load in a process that ends at `step`. */
static void kill_at(struct fixture *f, const char *step, const char *path, const char *stream,
                    enum leat_write_mode mode, const char *id, const char *rows)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        f->kill_step = step;
        load_to(f, path, stream, "a:int64", mode, 0, id, rows, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_of_a_file_names_its_stream_without_endings(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    char rows[64];
    put(f->path, "a,b\n1,x\n2,y\n");
    assert_path(f, f->path, "orders", "1|x\n2|y");
    assert_path(f, f->path, NULL, "1|x\n2|y");
    assert_path(f, f->path, "orders.csv", "1|x\n2|y");
    assert_int_equal(read_path(f, f->path, "order", rows, sizeof rows, &err), LEAT_NOT_FOUND);
    assert_non_null(strstr(err.remedy, "\"orders\""));
}

static void read_stops_at_the_limit_and_counts_rows(void **state)
{
    struct fixture *f = *state;
    put(f->path, "a\n1\n2\n3\n4\n");
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_read_plan plan = plan_of("orders");
    struct leat_reader *reader = NULL;
    plan.limit = 3;
    plan.batch_rows_max = 2;
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, NULL), LEAT_OK);
    int64_t firsts[] = {1, 3}, counts[] = {2, 1};
    for (int i = 0; i < 2; i++) {
        struct leat_payload payload = {.size = sizeof payload};
        assert_int_equal(CONNECTOR->source->next(reader, &payload, NULL), LEAT_OK);
        assert_int_equal(payload.row_first, firsts[i]);
        assert_int_equal(payload.rows, counts[i]);
        leat_x_payload_release(&payload);
    }
    struct leat_payload end = {.size = sizeof end};
    assert_int_equal(CONNECTOR->source->next(reader, &end, NULL), LEAT_OK);
    assert_int_equal(end.kind, LEAT_PAYLOAD_NONE);
    CONNECTOR->source->finish(reader);
    CONNECTOR->close(ep);
}

static void read_finds_codec_and_format_by_the_first_bytes(void **state)
{
    struct fixture *f = *state;
    const char *gz = in_dir(f, "orders.csv.gz"), *arrow = in_dir(f, "orders.arrow");
    assert_loaded(f, gz, "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1\n2");
    assert_loaded(f, arrow, "orders", "a:int64", LEAT_REPLACE, LOAD_A, "3");
    const char *blind = in_dir(f, "blind");
    assert_int_equal(rename(gz, blind), 0);
    assert_path(f, in_dir(f, "blind?format=csv"), NULL, "1\n2");
    assert_int_equal(rename(arrow, blind), 0);
    assert_path(f, blind, NULL, "3");
}

static void read_of_a_missing_file_is_not_found_with_its_path(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    char rows[64];
    assert_int_equal(read_path(f, f->path, NULL, rows, sizeof rows, &err), LEAT_NOT_FOUND);
    assert_true(strstr(err.place, f->path) || strstr(err.message, f->path));
}

static void read_of_standard_input_loses_no_sniffed_byte(void **state)
{
    struct fixture *f = *state;
    put(f->path, "a,b\n1,x\n");
    int saved = dup(0), fd = open(f->path, O_RDONLY);
    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, 0), 0);
    close(fd);
    assert_path(f, "-", NULL, "1|x");
    assert_int_equal(dup2(saved, 0), 0);
    close(saved);
}

static int count_stream(void *arg, const struct leat_stream_info *info)
{
    lt_buf_printf(arg, "%s:%lld ", info->name.name, (long long)info->bytes_estimate);
    return 0;
}

static void assert_discover(struct fixture *f, const char *path, const char *expected)
{
    struct leat_endpoint *ep = open_path(f, path);
    struct lt_buf names = LT_BUF_INIT;
    assert_int_equal(CONNECTOR->catalog->discover(ep, NULL, NULL, count_stream, &names, NULL),
                     LEAT_OK);
    assert_string_equal(lt_buf_text(&names), expected);
    lt_buf_done(&names);
    CONNECTOR->close(ep);
}

static void discover_lists_known_formats_sorted_and_never_the_manifest(void **state)
{
    struct fixture *f = *state;
    put(in_dir(f, "b.csv"), "a\n");
    put(in_dir(f, "a.tsv"), "a\tb\n");
    put(in_dir(f, "note.txt"), "words");
    put(in_dir(f, ".hidden.csv"), "a\n");
    put(in_dir(f, "_leat_manifest.json"), "{\"version\":1,\"loads\":[],\"streams\":[]}");
    assert_discover(f, f->dir, "a:4 b:2 ");
    assert_discover(f, in_dir(f, "b*"), "b:2 ");
    assert_discover(f, in_dir(f, "b.csv"), "b:2 ");
}

static void path_with_url_characters_is_taken_as_written(void **state)
{
    struct fixture *f = *state;
    const char *odd = in_dir(f, "100%25 a?b=c#d.csv");
    put(odd, "a\n7\n");
    assert_path(f, odd, NULL, "7");
    put(in_dir(f, "x y.csv"), "a\n8\n");
    char url[320];
    snprintf(url, sizeof url, "//%s", in_dir(f, "x%20y.csv"));
    assert_path(f, url, NULL, "8");
}

/* --- single files -------------------------------------------------------------------------- */

static void load_writes_a_file_and_leaves_nothing_else(void **state)
{
    struct fixture *f = *state;
    assert_loaded(f, f->path, "orders", "a:int64 b:utf8", LEAT_REPLACE, LOAD_A, "1|x\n2|NULL");
    assert_file(f->path, "a,b\n1,x\n2,\n");
    assert_names(f->dir, "orders.csv");
    assert_loaded(f, f->path, "orders", "c:int64", LEAT_REPLACE, LOAD_B, "9");
    assert_file(f->path, "c\n9\n");
    assert_names(f->dir, "orders.csv");
}

static void load_of_no_rows_still_makes_a_valid_file(void **state)
{
    struct fixture *f = *state;
    const char *arrow = in_dir(f, "none.arrow");
    assert_loaded(f, f->path, "orders", "a:int64 b:utf8", LEAT_REPLACE, LOAD_A, "");
    assert_file(f->path, "a,b\n");
    assert_loaded(f, arrow, "none", "a:int64", LEAT_REPLACE, LOAD_A, "");
    assert_path(f, arrow, NULL, "");
}

static void load_of_no_rows_does_not_replace_some(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    put(f->path, "a\n1\n");
    assert_int_equal(load_to(f, f->path, "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A, "", &err),
                     LEAT_CONFLICT);
    assert_string_equal(err.code, "empty-source");
    assert_file(f->path, "a\n1\n");
    assert_int_equal(load_to(f, f->path, "orders", "a:int64", LEAT_REPLACE, LEAT_WRITE_ALLOW_EMPTY,
                             LOAD_A, "", &err),
                     LEAT_OK);
    assert_file(f->path, "a\n");
    assert_names(f->dir, "orders.csv");
}

static void append_keeps_the_old_bytes_of_a_text_file(void **state)
{
    struct fixture *f = *state;
    put(f->path, "a,b\n\"1\",x"); /* no line end, and quotes leat would not write */
    assert_loaded(f, f->path, "orders", "a:int64 b:utf8", LEAT_APPEND, LOAD_A, "2|y");
    assert_file(f->path, "a,b\n\"1\",x\n2,y\n");
}

static void append_to_compressed_and_arrow_files_adds_records(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {"o.csv.gz", "o.csv.zst", "o.arrow", "o.arrows", "o.tsv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = in_dir(f, names[i]);
        assert_loaded(f, path, "o", "a:int64 b:utf8", LEAT_APPEND, LOAD_A, "1|x");
        assert_loaded(f, path, "o", "a:int64 b:utf8", LEAT_APPEND, LOAD_B, "2|y\n3|z");
        assert_path(f, path, "o", "1|x\n2|y\n3|z");
    }
}

static void append_of_other_columns_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    put(f->path, "a;b\n1;x\n"); /* another delimiter: one column named a;b */
    assert_int_equal(
        load_to(f, f->path, "orders", "a:int64 b:utf8", LEAT_APPEND, 0, LOAD_A, "2|y", &err),
        LEAT_INVALID);
    assert_string_equal(err.code, "column-mismatch");
    assert_file(f->path, "a;b\n1;x\n");
    assert_names(f->dir, "orders.csv");
}

static void load_reads_back_in_the_types_written(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_error err = {.status = LEAT_OK};
    struct leat_reader *reader = NULL;
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct one_load l;
    load_init(&l, "orders", "a:int8 d:decimal(10,2) s:utf8", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1|2.50|007\n2|NULL|NULL", NULL, &err), LEAT_OK);
    assert_false(there(f->path));
    assert_int_equal(CONNECTOR->load->read_back(l.load, 0, &reader, &err), LEAT_OK);
    assert_int_equal(drain(reader, &types, &rows, &err), LEAT_OK);
    assert_string_equal(lt_buf_text(&types), "a:int8 d:decimal(10,2) s:utf8");
    assert_string_equal(lt_buf_text(&rows), "1|2.50|007\n2|NULL|NULL");
    CONNECTOR->source->finish(reader);
    lt_buf_done(&types);
    lt_buf_done(&rows);
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_names(f->dir, "");
}

static void load_of_a_count_that_was_not_expected_is_not_committed(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    bool already;
    load_init(&l, "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_write(&l, "1\n2", NULL, &err), LEAT_OK);
    assert_int_equal(load_commit(&l, 3, &already, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "count-mismatch");
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_names(f->dir, "");
}

static void begin_is_busy_while_another_load_holds_the_file(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_error err = {.status = LEAT_OK};
    struct one_load l;
    load_init(&l, "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, &err), LEAT_OK);
    assert_int_equal(load_to(f, f->path, "orders", "a:int64", LEAT_REPLACE, 0, LOAD_B, "1", &err),
                     LEAT_UNAVAILABLE);
    assert_string_equal(err.code, "destination-busy");
    assert_outcome(f, f->path, "orders", LOAD_A, LEAT_LOAD_IN_FLIGHT);
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_loaded(f, f->path, "orders", "a:int64", LEAT_REPLACE, LOAD_B, "1");
    assert_names(f->dir, "orders.csv");
}

static void destinations_that_cannot_be_are_refused_in_words(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(
        load_to(f, in_dir(f, "o.dat"), "o", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1", &err),
        LEAT_INVALID);
    assert_non_null(strstr(err.remedy, "--format"));
    assert_int_equal(
        load_to(f, in_dir(f, "*.csv"), "o", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1", &err),
        LEAT_INVALID);
    assert_int_equal(
        load_to(f, in_dir(f, "no/dir/o.csv"), "o", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1", &err),
        LEAT_NOT_FOUND);
    assert_names(f->dir, "");
}

static void killed_file_load_is_absent_before_the_rename_and_swept_by_the_next(void **state)
{
    struct fixture *f = *state;
    int64_t removed = 0;
    put(f->path, "a\n0\n");
    kill_at(f, "file:rename:before", f->path, "orders", LEAT_REPLACE, LOAD_A, "1");
    assert_file(f->path, "a\n0\n");
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_stream_name name = {.name = "orders"};
    assert_int_equal(CONNECTOR->load->sweep(ep, &name, 1, &removed, NULL), LEAT_OK);
    assert_int_equal(removed, 1);
    CONNECTOR->close(ep);
    assert_names(f->dir, "orders.csv");
    kill_at(f, "file:seal:before", f->path, "orders", LEAT_REPLACE, LOAD_A, "1");
    assert_loaded(f, f->path, "orders", "a:int64", LEAT_REPLACE, LOAD_B, "2");
    assert_file(f->path, "a\n2\n");
    assert_names(f->dir, "orders.csv");
}

static void killed_file_load_is_not_absent_after_the_rename(void **state)
{
    struct fixture *f = *state;
    enum leat_outcome outcome = LEAT_LOAD_ABSENT;
    put(f->path, "a\n0\n");
    kill_at(f, "file:rename:after", f->path, "orders", LEAT_APPEND, LOAD_A, "1");
    assert_file(f->path, "a\n0\n1\n");
    /* Without extended attributes nobody can tell, and then that is what it says. */
    int status = outcome_status(f, f->path, "orders", LOAD_A, &outcome);
    assert_true(status == LEAT_OUTCOME_UNKNOWN ||
                (status == LEAT_OK && outcome == LEAT_LOAD_COMMITTED));
}

/* --- directories --------------------------------------------------------------------------- */

static const char *lake(const struct fixture *f)
{
    return in_dir(f, "lake/");
}

static void directory_load_writes_a_file_a_stream_and_the_manifest(void **state)
{
    struct fixture *f = *state;
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1\n2");
    assert_loaded(f, lake(f), "a/b", "a:int64", LEAT_REPLACE, LOAD_B, "3");
    assert_names(lake(f), "_leat_manifest.json a%2Fb.csv orders.csv");
    assert_file(in_dir(f, "lake/orders.csv"), "a\n1\n2\n");
    char text[4096] = "";
    FILE *file = fopen(in_dir(f, "lake/_leat_manifest.json"), "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\"loads\":[\"" LOAD_A "\",\"" LOAD_B "\"]"));
    assert_non_null(strstr(text, "{\"path\":\"orders.csv\",\"rows\":2,\"bytes\":6,\"xxh3\":\""));
    assert_non_null(
        strstr(text, "\"schema\":[{\"name\":\"a\",\"type\":\"int64\",\"nullable\":1}]"));
    assert_outcome(f, lake(f), "orders", LOAD_A, LEAT_LOAD_COMMITTED);
}

static void directory_append_adds_a_file_and_replace_removes_what_the_manifest_lists(void **state)
{
    struct fixture *f = *state;
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1");
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_APPEND, LOAD_B, "2");
    put(in_dir(f, "lake/orders-mine.csv"), "a\n9\n");
    /* To a reader the manifest's files are one stream. */
    assert_path(f, lake(f), "orders", "1\n2");
    assert_discover(f, lake(f), "orders:8 orders-mine:4 ");
    assert_names(lake(f), "_leat_manifest.json orders-fedcba9876543210.csv orders-mine.csv "
                          "orders.csv");
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, "00000000000000000000000000000001",
                  "3");
    assert_names(lake(f), "_leat_manifest.json orders-mine.csv orders.csv");
    assert_file(in_dir(f, "lake/orders.csv"), "a\n3\n");
}

static void directory_load_never_overwrites_a_file_leat_did_not_write(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(mkdir(in_dir(f, "lake"), 0777), 0);
    put(in_dir(f, "lake/orders.csv"), "a\n9\n");
    assert_int_equal(load_to(f, lake(f), "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1", &err),
                     LEAT_CONFLICT);
    assert_string_equal(err.code, "destination-holds-rows");
    assert_names(lake(f), "orders.csv");
    assert_int_equal(
        load_to(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LEAT_WRITE_FORCE, LOAD_A, "1", &err),
        LEAT_OK);
    assert_file(in_dir(f, "lake/orders.csv"), "a\n1\n");
}

static void aborted_directory_load_takes_away_the_directory_it_made(void **state)
{
    struct fixture *f = *state;
    struct leat_endpoint *ep = open_path(f, lake(f));
    struct one_load l;
    load_init(&l, "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A);
    assert_int_equal(load_begin(&l, ep, NULL), LEAT_OK);
    assert_int_equal(load_write(&l, "1", NULL, NULL), LEAT_OK);
    CONNECTOR->load->abort(l.load);
    load_done(&l);
    CONNECTOR->close(ep);
    assert_names(f->dir, "");
}

static void directory_load_killed_before_its_intent_did_not_happen(void **state)
{
    struct fixture *f = *state;
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1");
    kill_at(f, "file:intent:before", lake(f), "orders", LEAT_APPEND, LOAD_B, "2");
    assert_outcome(f, lake(f), "orders", LOAD_B, LEAT_LOAD_ABSENT);
    assert_file(in_dir(f, "lake/orders.csv"), "a\n1\n");
    struct leat_endpoint *ep = open_path(f, lake(f));
    struct leat_stream_name name = {.name = "orders"};
    int64_t removed = 0;
    assert_int_equal(CONNECTOR->load->sweep(ep, &name, 1, &removed, NULL), LEAT_OK);
    CONNECTOR->close(ep);
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LOAD_B, "3");
    assert_names(lake(f), "_leat_manifest.json orders.csv");
}

static void directory_load_killed_after_its_intent_is_finished_by_whoever_asks(void **state)
{
    static const char *const steps[] = {"file:intent:after", "file:rename:before",
                                        "file:manifest:before", "file:clean:before"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char dir[32], file[64];
        snprintf(dir, sizeof dir, "lake%d/", (int)i);
        assert_loaded(f, in_dir(f, dir), "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1");
        kill_at(f, steps[i], in_dir(f, dir), "orders", LEAT_APPEND, LOAD_B, "2");
        assert_outcome(f, in_dir(f, dir), "orders", LOAD_B, LEAT_LOAD_COMMITTED);
        snprintf(file, sizeof file, "%sorders-fedcba9876543210.csv", dir);
        assert_file(in_dir(f, file), "a\n2\n");
        /* The next load finds nothing but what is listed. */
        assert_loaded(f, in_dir(f, dir), "orders", "a:int64", LEAT_REPLACE,
                      "00000000000000000000000000000001", "3");
        assert_names(in_dir(f, dir), "_leat_manifest.json orders.csv");
    }
}

static void directory_commit_that_fails_half_way_is_unknown_and_not_done_twice(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_REPLACE, LOAD_A, "1");
    f->fail_step = "file:manifest:before";
    assert_int_equal(load_to(f, lake(f), "orders", "a:int64", LEAT_APPEND, 0, LOAD_B, "2", &err),
                     LEAT_OUTCOME_UNKNOWN);
    f->fail_step = NULL;
    assert_outcome(f, lake(f), "orders", LOAD_B, LEAT_LOAD_COMMITTED);
    assert_loaded(f, lake(f), "orders", "a:int64", LEAT_APPEND, LOAD_B, "2"); /* already */
    assert_names(lake(f), "_leat_manifest.json orders-fedcba9876543210.csv orders.csv");
}

static void manifest_that_names_files_elsewhere_is_refused(void **state)
{
    struct fixture *f = *state;
    struct leat_error err = {.status = LEAT_OK};
    assert_int_equal(mkdir(in_dir(f, "lake"), 0777), 0);
    put(in_dir(f, "victim"), "kept");
    put(in_dir(f, "lake/_leat_manifest.json"),
        "{\"version\":1,\"loads\":[],\"streams\":[{\"name\":\"orders\",\"source_id\":"
        "\"test:source\",\"load_id\":\"x\",\"mode\":\"replace\",\"loaded_at\":\"\",\"rows\":1,"
        "\"files\":[{\"path\":\"../victim\",\"rows\":1,\"bytes\":1,\"xxh3\":\"\"}]}]}");
    assert_int_equal(load_to(f, lake(f), "orders", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1", &err),
                     LEAT_BAD_DATA);
    assert_file(in_dir(f, "victim"), "kept");
}

static void standard_output_is_written_directly(void **state)
{
    struct fixture *f = *state;
    fflush(stdout);
    int saved = dup(1), fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, 1), 1);
    close(fd);
    struct leat_error err = {.status = LEAT_OK};
    int status = load_to(f, "-", "x", "a:int64", LEAT_REPLACE, 0, LOAD_A, "1\n2", &err);
    assert_int_equal(dup2(saved, 1), 1);
    close(saved);
    assert_int_equal(status, LEAT_OK);
    assert_file(f->path, "a\n1\n2\n");
}

static const struct leat_option *option_of(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

static bool is_named(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0) {
        names++;
    }
    return *names;
}

static void tables_hold_all_that_the_formats_say(void **state)
{
    (void)state;
    const struct leat_option *all = CONNECTOR->options;
    for (size_t f = 0; lt_formats[f]; f++) {
        const struct leat_option *tables[] = {lt_formats[f]->read_options,
                                              lt_formats[f]->write_options};
        for (size_t t = 0; t < 2; t++) {
            for (const struct leat_option *o = tables[t]; o && o->name; o++) {
                assert_non_null(option_of(all, o->name));
                assert_non_null(strstr(option_of(all, o->name)->help, o->help));
            }
        }
        for (size_t i = 0; lt_formats[f]->extensions[i]; i++) {
            assert_true(is_named(CONNECTOR->extensions, lt_formats[f]->extensions[i]));
            assert_true(is_named(CONNECTOR->aliases, lt_formats[f]->extensions[i]));
        }
        assert_true(is_named(CONNECTOR->aliases, lt_formats[f]->name));
        assert_non_null(strstr(option_of(all, "format")->choices, lt_formats[f]->name));
    }
    for (const char *at = "none|gzip|zstd|lz4"; at;
         at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        assert_non_null(strstr(option_of(all, "compression")->choices, at));
    }
}

static void read_gives_the_columns_asked_for_in_their_order(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"c", "a"}, *const wrong[] = {"c", "aa"};
    struct leat_error err = {.status = LEAT_OK};
    struct lt_buf types = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct leat_reader *reader = NULL;
    put(f->path, "a,b,c\n1,2,x\n3,4,y\n");
    struct leat_endpoint *ep = open_path(f, f->path);
    struct leat_read_plan plan = plan_of("orders");
    plan.columns = columns;
    plan.n_columns = 2;
    assert_true(CONNECTOR->capabilities(ep)->flags & LEAT_CAN_PROJECT);
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_OK);
    assert_int_equal(drain(reader, &types, &rows, &err), LEAT_OK);
    assert_string_equal(lt_buf_text(&types), "c:utf8 a:int64");
    assert_string_equal(lt_buf_text(&rows), "x|1\ny|3");
    char words[64] = "";
    assert_int_equal(CONNECTOR->source->explain(reader, words, sizeof words, &err), LEAT_OK);
    assert_int_equal(strncmp(words, "orders.csv (csv)", 16), 0);
    CONNECTOR->source->finish(reader);
    plan.columns = wrong;
    assert_int_equal(CONNECTOR->source->start(ep, &plan, &reader, &err), LEAT_NOT_FOUND);
    assert_string_equal(err.code, "unknown-column");
    CONNECTOR->close(ep);
    lt_buf_done(&types);
    lt_buf_done(&rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(read_of_a_file_names_its_stream_without_endings),
        TEST(tables_hold_all_that_the_formats_say),
        TEST(read_gives_the_columns_asked_for_in_their_order),
        TEST(read_stops_at_the_limit_and_counts_rows),
        TEST(read_finds_codec_and_format_by_the_first_bytes),
        TEST(read_of_a_missing_file_is_not_found_with_its_path),
        TEST(read_of_standard_input_loses_no_sniffed_byte),
        TEST(discover_lists_known_formats_sorted_and_never_the_manifest),
        TEST(path_with_url_characters_is_taken_as_written),
        TEST(load_writes_a_file_and_leaves_nothing_else),
        TEST(load_of_no_rows_still_makes_a_valid_file),
        TEST(load_of_no_rows_does_not_replace_some),
        TEST(append_keeps_the_old_bytes_of_a_text_file),
        TEST(append_to_compressed_and_arrow_files_adds_records),
        TEST(append_of_other_columns_is_refused_and_changes_nothing),
        TEST(load_reads_back_in_the_types_written),
        TEST(load_of_a_count_that_was_not_expected_is_not_committed),
        TEST(begin_is_busy_while_another_load_holds_the_file),
        TEST(destinations_that_cannot_be_are_refused_in_words),
        TEST(killed_file_load_is_absent_before_the_rename_and_swept_by_the_next),
        TEST(killed_file_load_is_not_absent_after_the_rename),
        TEST(directory_load_writes_a_file_a_stream_and_the_manifest),
        TEST(directory_append_adds_a_file_and_replace_removes_what_the_manifest_lists),
        TEST(directory_load_never_overwrites_a_file_leat_did_not_write),
        TEST(aborted_directory_load_takes_away_the_directory_it_made),
        TEST(directory_load_killed_before_its_intent_did_not_happen),
        TEST(directory_load_killed_after_its_intent_is_finished_by_whoever_asks),
        TEST(directory_commit_that_fails_half_way_is_unknown_and_not_done_twice),
        TEST(manifest_that_names_files_elsewhere_is_refused),
        TEST(standard_output_is_written_directly),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
