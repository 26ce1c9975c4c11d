/* What the files of this folder share. */
#ifndef LT_FC_INTERNAL_H
#define LT_FC_INTERNAL_H

#include "columnar/array.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "core/buf.h"
#include "core/codec.h"
#include "core/codes.h"
#include "core/thread.h"
#include "formats/format.h"
#include "io/file.h"
#include "leat/connector.h"

#define FC_MANIFEST "_leat_manifest.json"
#define FC_PARAMS_MAX 128
#define FC_HIVE_NULL "__HIVE_DEFAULT_PARTITION__"
#define FC_HIVE_DEPTH_MAX 16 /* directories of partitions in one another */

enum fc_kind { FC_FILE, FC_DIRECTORY, FC_GLOB, FC_STANDARD };

struct leat_endpoint {
    const struct leat_host *host;
    enum fc_kind kind;
    char *path;                     /* directories end in / */
    const struct lt_format *format; /* by scheme or parameter; NULL: by name or contents */
    bool format_is_flag;            /* a flag of the command: it may be meant for the other side */
    char *compression;              /* of what is read, by the URL; NULL: by name or contents */
    struct leat_param *params;      /* of the URL and the configuration; owned texts */
    size_t n_params;
    int64_t lock_timeout_ms;
    bool no_state;
    char *as_stream; /* all files of a directory or pattern are this one stream; NULL: not so */
    bool program;    /* FC_STANDARD: `bytes` stand for standard input and output */
    struct leat_bytes bytes;
    struct lt_cancel cancel;
    struct leat_capabilities capabilities;
};

/* --- endpoint (endpoint.c) ----------------------------------------------------------------- */

int lt_fc_step(const struct leat_endpoint *ep, const char *name, struct leat_error *err);
struct lt_file_options lt_fc_file_options(struct leat_endpoint *ep);
/* True once the run is to stop. */
int lt_fc_cancelled(void *arg);
/* The parameters that `table` knows, of the endpoint's own and the plan's; ret_params has
 * FC_PARAMS_MAX places. What is meant for the other side's format is passed over. */
size_t lt_fc_pick_params(const struct leat_endpoint *ep, const struct leat_param *params,
                         size_t n_params, const struct leat_option *table,
                         struct leat_param ret_params[FC_PARAMS_MAX]);
const char *lt_fc_param(const struct leat_endpoint *ep, const struct leat_param *params,
                        size_t n_params, const char *name);
/* The part of a path after its last slash. */
const char *lt_fc_base(const char *path);
/* The base name without the endings of codec and format: the stream's name. malloc'ed. */
char *lt_fc_stream_name(const char *path);

/* --- tables (options.c) -------------------------------------------------------------------- */

/* Whole from the moment the library is loaded; end with a NULL. */
extern struct leat_option lt_fc_options[];
extern const char *lt_fc_schemes[], *lt_fc_extensions[];

/* --- reading (bytes.c, read.c) ------------------------------------------------------------- */

/* How one file is to be read; members left zero are found out. */
struct fc_read {
    const char *path;
    const struct lt_format *format;
    enum lt_codec codec;
    bool codec_known;
    const struct leat_param *params;
    size_t n_params;
    const struct ArrowSchema *types;
    bool types_whole;           /* `types` are those of all columns, names included */
    const char *const *columns; /* NULL: all */
    size_t n_columns;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    int64_t limit; /* -1: none */
    int64_t batch_rows_max, batch_bytes_max;
    int threads;
};

/* A file's bytes as its format wants them. */
struct fc_bytes {
    struct lt_source *source;
    const struct lt_format *format;
    enum lt_codec codec; /* that was undone */
    bool spooled;        /* into a temporary file, for a format that seeks */
};

/* One file being read (one.c). */
struct fc_one;

/* Opens a file: decompressed, format found, seekable where the format needs it. The source is the
 * caller's to close. */
int lt_fc_open_bytes(struct leat_endpoint *ep, const struct fc_read *read,
                     struct fc_bytes *ret_bytes, struct leat_error *err);
int lt_fc_one_open(struct leat_endpoint *ep, const struct fc_read *read, struct fc_one **ret_one,
                   struct leat_error *err);
void lt_fc_one_close(struct fc_one *one); /* NULL is fine */
int lt_fc_one_schema(struct fc_one *one, struct ArrowSchema *ret_schema, struct leat_error *err);
/* The end: LEAT_OK and ret_batch->release == NULL. */
int lt_fc_one_next(struct fc_one *one, struct ArrowArray *ret_batch, struct leat_error *err);
/* Its format may infer types from text. `one` may be NULL. */
bool lt_fc_one_infers(const struct fc_one *one);

int lt_fc_one_retype(struct fc_one *one, const struct ArrowSchema *types, struct leat_error *err);
/* Appends how it is read, in words; `more` files come after it. */
int lt_fc_one_explain(struct fc_one *one, size_t more, struct lt_buf *text);
/* The place of a column; LEAT_NOT_FOUND with the closest name. */
int lt_fc_find_column(const struct ArrowSchema *schema, const char *name, int64_t *ret_at,
                      struct leat_error *err);
/* Whether the file holds any record; a file that cannot be read is taken to hold some. */
bool lt_fc_has_records(struct leat_endpoint *ep, const char *path);
/* Why nothing written with these options can be put behind the text that is read; NULL: it can. */
const char *lt_fc_no_append(struct fc_one *one, const struct lt_format_options *writing);
/* A source that gives its first bytes (at most FC_PEEK) without losing them. */
#define FC_PEEK 4096
int lt_fc_peek(struct lt_source *inner, struct lt_source **ret_source, const uint8_t **ret_data,
               size_t *ret_len, struct leat_error *err);

/* Whether the file's format has the option, as far as it is known (options.c). */
bool lt_fc_takes(struct leat_endpoint *ep, const char *option, bool writing);
/* Bytes of the program, in the place of standard input and output (program.c). */
int lt_fc_program_source(const struct leat_bytes *bytes, struct lt_source **ret_source,
                         struct leat_error *err);
int lt_fc_program_sink(const struct leat_bytes *bytes, struct lt_sink **ret_sink,
                       struct leat_error *err);

extern const struct leat_catalog_ops lt_fc_catalog;
extern const struct leat_source_ops lt_fc_source;

/* --- listing (list.c) ---------------------------------------------------------------------- */

/* A file of a stream. */
struct fc_place {
    char *path;
    char *within;      /* the same below the endpoint's directory */
    int64_t bytes;     /* as the manifest has it; -1: no manifest */
    char checksum[17]; /* "" without a manifest */
};

/* A stream: one file, or all those the manifest lists for it, or those of directories of
 * partitions. */
struct fc_stream_files {
    char *name;
    struct fc_place *files;
    size_t n;
    bool listed;              /* by the manifest, in the order they were written */
    bool hive;                /* in directories of partitions, which give columns */
    struct ArrowSchema types; /* of the manifest; released when there is none */
};

/* One directory of a partition. */
struct fc_hive {
    char *name, *value; /* NULL value: null */
};

/* Appends "name=value/"; value NULL for null. */
int lt_fc_hive_put(const char *name, const char *value, size_t len, struct lt_buf *out);
/* The next directory of a partition in *at, which moves on behind it; false at the end, or with
 * *ret_failed for want of memory. */
bool lt_fc_hive_next(const char **at, struct fc_hive *ret_part, bool *ret_failed);
void lt_fc_hive_done(struct fc_hive *part);

void lt_fc_stream_files_done(struct fc_stream_files *stream);
/* Bytes of all its files; -1 where one has no size. */
int64_t lt_fc_size_of(const struct fc_stream_files *stream);
/* The files of a stream (name NULL or "": of the only one). Two of one name (orders.csv,
 * orders.arrow) must be named with their endings. */
int lt_fc_find_stream(struct leat_endpoint *ep, const char *name,
                      struct fc_stream_files *ret_stream, struct leat_error *err);
int lt_fc_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                   leat_stream_fn *each, void *arg, struct leat_error *err);

/* --- several files as one stream (read.c, unify.c, mark.c) ---------------------------------- */

/* A reader over all files of a stream; `files` is moved in. Columns are brought together by name
 * where there are several files. */
int lt_fc_reader_new(struct leat_endpoint *ep, struct fc_stream_files *files,
                     const struct fc_read *how, struct leat_reader **ret_reader,
                     struct leat_error *err);

/* How an open file's columns become the stream's. Zero-initialise. */
struct fc_fit {
    struct lt_cast *cast;         /* NULL: they are the stream's */
    struct ArrowSchema schema;    /* of the file, and of its partition's columns behind */
    struct ArrowArray *constants; /* a partition's column each, shared; grown as needed */
    char **values;                /* their texts; NULL: null */
    int64_t n_constants;
};

/* Opens file `i` of a stream with those of the wanted columns that it has, and finds how it fits
 * `schema`. */
int lt_fc_fit_open(struct leat_endpoint *ep, const struct fc_stream_files *files, size_t i,
                   const struct fc_read *how, const struct ArrowSchema *schema,
                   struct fc_one **ret_one, struct fc_fit *ret_fit, struct leat_error *err);
/* Brings a batch (taken over) in line. */
int lt_fc_fit_batch(struct fc_fit *fit, int64_t first_row, struct ArrowArray *batch,
                    struct leat_error *err);
void lt_fc_fit_done(struct fc_fit *fit);
/* The columns of all files together, those of how->columns only. */
int lt_fc_unify(struct leat_endpoint *ep, const struct fc_stream_files *files,
                const struct fc_read *how, struct ArrowSchema *ret_schema, struct leat_error *err);

int lt_fc_mark(struct leat_endpoint *ep, const struct leat_read_plan *plan, const char *since,
               char **ret_mark, bool *ret_news, struct leat_error *err);
/* Leaves only the files that came after `since`, up to `until` (NULL: no such end). *ret_none:
 * there are none such, and one file stays for its columns. */
int lt_fc_mark_select(struct fc_stream_files *files, const char *since, const char *until,
                      bool *ret_none, struct leat_error *err);

/* --- locks (lock.c) ------------------------------------------------------------------------ */

/* An advisory lock on a name in a directory, which dies with its process. */
struct fc_lock {
    int fd; /* -1: none */
    char *path;
};

#define FC_LOCK_NONE ((struct fc_lock){.fd = -1})
/* [destination-busy] after timeout_ms. `dir` ends in / or is "". */
int lt_fc_lock(struct leat_endpoint *ep, const char *dir, const char *name, int64_t timeout_ms,
               struct fc_lock *ret_lock, struct leat_error *err);
void lt_fc_unlock(struct fc_lock *lock);
/* Removes the file `name` of a directory if it is a lock whose holder died. */
void lt_fc_remove_dead_lock(const char *dir, const char *name);

/* --- manifests and intents (manifest.c, commit.c) ------------------------------------------ */

struct fc_file {
    char *path; /* within the directory */
    char *temp; /* intents: where it lies until then; NULL in manifests */
    int64_t rows, bytes;
    char checksum[17]; /* XXH3 of the stored bytes, hex */
    char load_id[33];  /* that wrote it */
};

struct fc_column {
    char *name, *type;
    bool nullable;
};

struct fc_pair {
    char *key, *value;
};

struct fc_entry {
    char *name, *source_id, *load_id, *mode, *loaded_at;
    int64_t rows;
    struct fc_file *files;
    size_t n_files;
    struct fc_column *columns;
    size_t n_columns;
    struct fc_pair *state;
    size_t n_state;
    char **removes; /* intents: files of earlier loads that go */
    size_t n_removes;
};

struct fc_manifest {
    struct fc_entry *entries;
    size_t n_entries;
    char **loads; /* ids of the last loads, oldest first */
    size_t n_loads;
    bool no_record; /* intents: keep no manifest */
};

/* An absent file is an empty manifest. */
int lt_fc_manifest_read(struct leat_endpoint *ep, const char *path,
                        struct fc_manifest *ret_manifest, struct leat_error *err);
/* Written under a temporary name and renamed. */
int lt_fc_manifest_write(struct leat_endpoint *ep, const char *path, const char *load_id,
                         const struct fc_manifest *manifest, struct leat_error *err);
void lt_fc_manifest_done(struct fc_manifest *manifest);
void lt_fc_entry_done(struct fc_entry *entry);
/* The columns as fields; those of types that cannot be named are left out. */
int lt_fc_entry_types(const struct fc_entry *entry, struct ArrowSchema *ret_types,
                      struct leat_error *err);
struct fc_entry *lt_fc_manifest_find(const struct fc_manifest *manifest, const char *stream);
bool lt_fc_manifest_lists(const struct fc_manifest *manifest, const char *path);

/* The files of an intent take the place of those of an entry, or join them. `from` is moved. */
int lt_fc_join_entry(struct fc_entry *to, struct fc_entry *from, struct leat_error *err);

/* Carries out an intent, from wherever an earlier attempt stopped. Under the directory's lock. */
int lt_fc_roll_forward(struct leat_endpoint *ep, const char *dir, const char *load_id,
                       struct leat_error *err);
/* Carries out every intent that lies in the directory, and removes what dead processes left there of
 * their locks. Takes its lock. */
int lt_fc_recover(struct leat_endpoint *ep, const char *dir, struct leat_error *err);
/* dir + ".leat-<load>.commit"; malloc'ed. */
char *lt_fc_intent_path(const char *dir, const char *load_id);

/* --- writing (plan.c, part.c, load.c) ------------------------------------------------------ */

enum fc_unit { FC_VALUE, FC_HOUR, FC_DAY, FC_MONTH, FC_YEAR };

/* A column by which files are spread over directories. */
struct fc_partition {
    char *name;        /* of the directories */
    int64_t column;    /* of the stream */
    enum fc_unit unit; /* FC_VALUE: the value itself, which the files then leave out */
};

/* One stream of a load. */
struct fc_stream {
    const struct leat_write_stream *want;
    struct ArrowSchema schema;
    struct fc_partition *partitions; /* --partition-by */
    size_t n_partitions;
    bool hive;           /* files lie in a directory of the stream's own */
    char *name_template; /* --file-name; NULL: the usual names */
    char *drift;         /* what is done about columns that differ; NULL: nothing */
    const struct lt_format *format;
    enum lt_codec codec;
    char *lock_name; /* the file's base name, or the stream's file-safe name */
    char *path;      /* single files and standard output: where it goes */
    char *ending;    /* ".csv.gz" */
    bool append_old; /* an existing single file's records come first */
    struct fc_lock lock;
};

/* A file of a sealed part. */
struct fc_output {
    char *temp;   /* where it lies */
    char *within; /* its directories of partitions; "" for none */
    int64_t rows, bytes;
    uint64_t checksum;
};

struct fc_outputs {
    struct fc_output *files;
    size_t n;
};

struct fc_sealed {
    struct leat_receipt receipt;
    struct fc_outputs outputs;
};

struct leat_load {
    struct leat_endpoint *ep;
    const struct leat_write_plan *want;
    char *dir; /* "" or ending in / */
    struct fc_stream *streams;
    size_t n_streams;
    pthread_mutex_t mutex; /* guards sealed */
    struct fc_sealed *sealed;
    size_t n_sealed;
    bool made_dir; /* by this load: an aborted one takes it away again */
    bool committed;
};

/* Options for writing or reading a stream's files under their temporary names, which do not tell
 * the delimiter as the final ones do. */
size_t lt_fc_stream_params(const struct leat_load *load, const struct fc_stream *stream,
                           const struct leat_option *table,
                           struct leat_param ret_params[FC_PARAMS_MAX]);

/* Format, codec and place of one stream; the lock is not taken. */
int lt_fc_stream_init(struct leat_endpoint *ep, const struct leat_write_plan *want, size_t index,
                      struct fc_stream *ret_stream, struct leat_error *err);
/* A stream's name as a file name; malloc'ed. */
char *lt_fc_safe_name(const char *stream);
void lt_fc_stream_done(struct fc_stream *stream);
/* Where file `n` of a part lies until the commit; malloc'ed. */
char *lt_fc_temp_path(const struct leat_load *load, const struct leat_part_id *id, uint32_t n);
bool lt_fc_table_has(const struct leat_option *table, const char *name);
/* Whether `name` is the temporary file of a part of `stream`; *ret_load has 33 bytes. */
bool lt_fc_is_temp(const char *name, const char *stream, char ret_load[33]);
char *lt_fc_dir_of(const struct leat_endpoint *ep);

int lt_fc_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
               struct leat_load_plan *ret_plan, struct leat_error *err);
void lt_fc_plan_release(struct leat_load_plan *plan);

/* Counts and hashes (XXH3) what passes into `inner`, taken over also on failure. The results stay
 * in *digest, which must outlive the sink. */
struct fc_digest {
    int64_t bytes;
    uint64_t hash; /* after finish() */
};
int lt_fc_digest_sink(struct lt_sink *inner, struct fc_digest *digest, struct lt_sink **ret_sink,
                      struct leat_error *err);

/* What all files of a part share. */
struct fc_shared {
    struct leat_part_id id;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    int threads;
    const int64_t *rows_rejected; /* that `rejects` took so far */
};

/* One file being written (out.c). */
struct fc_out {
    struct leat_load *load;
    struct fc_stream *stream;
    const struct fc_shared *shared;
    char *temp; /* NULL: standard output */
    struct lt_sink *sink;
    struct fc_digest digest;
    struct lt_format_writer *writer;
    int64_t rows;
    bool made; /* the temporary file is ours to remove */
};

/* Makes the file; `temp` is taken over. buffer 0: the usual one. */
int lt_fc_out_open(struct leat_load *load, struct fc_stream *stream, const struct fc_shared *shared,
                   char *temp, size_t buffer, struct fc_out **ret_out, struct leat_error *err);
/* Begins writing records, behind what was put into out->sink before. */
int lt_fc_out_begin(struct fc_out *out, const struct ArrowSchema *schema,
                    const struct lt_format_options *options, struct leat_error *err);
int lt_fc_out_write(struct fc_out *out, const struct ArrowArray *batch, struct leat_error *err);
/* Ends it, durable; digest and rows are then known. */
int lt_fc_out_finish(struct fc_out *out, struct leat_error *err);
/* Removes a file that is still out's own. NULL is fine. */
void lt_fc_out_close(struct fc_out *out);

/* Hands a finished file over: it is then the outputs'. */
int lt_fc_outputs_add(struct fc_outputs *outputs, struct fc_out *out, const char *within,
                      struct leat_error *err);
/* Frees them; files that lie there still are removed where `remove`. */
void lt_fc_outputs_done(struct fc_outputs *outputs, bool remove);

/* Records into directories of partitions (partition.c). */
#define FC_PARTS_OPEN_MAX 256
#define FC_PART_BYTES_MIN ((int64_t)64 << 10)
#define FC_NULL_CODE UINT32_MAX
struct fc_parts;
int lt_fc_parts_new(struct leat_load *load, struct fc_stream *stream,
                    const struct fc_shared *shared, struct fc_outputs *outputs,
                    struct fc_parts **ret_parts, struct leat_error *err);
int lt_fc_parts_write(struct fc_parts *parts, const struct ArrowArray *batch,
                      struct leat_error *err);
int lt_fc_parts_finish(struct fc_parts *parts, struct leat_error *err);
void lt_fc_parts_free(struct fc_parts *parts);
/* --layout, --partition-by and --file-name of a stream (layout.c). */
int lt_fc_layout(struct leat_endpoint *ep, const struct leat_write_plan *want,
                 struct fc_stream *stream, struct leat_error *err);
/* The name that file `n` of a load gets within the directory; `beside`: of its own, for others of
 * the stream stay. malloc'ed. */
char *lt_fc_final_name(const struct leat_load *load, const struct fc_stream *stream,
                       const char *within, size_t n, bool beside);
/* What is there as a stream's columns, brought together with what comes (evolve.c): columns of
 * parts to come into `stream`, of all files into *ret_all. What is done about differences is put
 * into *ret_drift. */
int lt_fc_evolve(const struct fc_entry *entry, struct fc_stream *stream,
                 struct ArrowSchema *ret_all, char **ret_drift, struct leat_error *err);

/* State of streams (state.c). */
int lt_fc_state(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                leat_state_fn *each, void *arg, struct leat_error *err);
int lt_fc_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                    const char *key, const char *value, struct leat_error *err);
/* The state that a commit leaves: `old` (NULL: none) with what comes. [conflict] where it is not
 * what it should be. */
int lt_fc_state_join(const struct fc_entry *old, bool keep, const struct leat_commit *what,
                     uint32_t stream, struct fc_entry *entry, struct leat_error *err);

int lt_fc_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                    struct leat_part **ret_part, struct leat_error *err);
int lt_fc_part_write(struct leat_part *part, struct leat_payload *payload, struct leat_error *err);
int lt_fc_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                    struct leat_error *err);
void lt_fc_part_close(struct leat_part *part);

extern const struct leat_load_ops lt_fc_load;

#endif
