/* Ciphers against the vectors of their specifications. */
#include "core/crypt.h"

#include "core/codes.h"
#include "core/process.h"
#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES_MAX 128

static size_t from_hex(const char *hex, uint8_t out[BYTES_MAX])
{
    size_t n = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static void check_hex(const uint8_t *got, size_t len, const char *want)
{
    uint8_t bytes[BYTES_MAX];
    assert_int_equal(from_hex(want, bytes), len);
    assert_memory_equal(got, bytes, len);
}

/* RFC 7914, section 12. */
static void scrypt_gives_the_keys_of_its_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *salt;
        struct lt_scrypt cost;
        const char *want;
    } rows[] = {
        {"",
         "",
         {4, 1, 1},
         "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
         "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
        {"pleaseletmein",
         "SodiumChloride",
         {14, 8, 1},
         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
         "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        uint8_t key[64];
        assert_int_equal(lt_crypt_scrypt(rows[i].secret, strlen(rows[i].secret), rows[i].salt,
                                         strlen(rows[i].salt), &rows[i].cost, key, sizeof key,
                                         NULL),
                         LEAT_OK);
        check_hex(key, sizeof key, rows[i].want);
    }
}

static void costs_beyond_the_bounds_are_refused_before_memory_is_taken(void **state)
{
    (void)state;
    static const struct lt_scrypt rows[] = {{18, 8, 1}, {20, 255, 1}, {21, 1, 1}, {255, 255, 255},
                                            {15, 8, 5}, {0, 8, 1},    {15, 0, 1}, {15, 8, 0}};
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        uint8_t key[32];
        struct leat_error err = {0};
        int rc = lt_crypt_scrypt("x", 1, "y", 1, &rows[i], key, sizeof key, &err);
        assert_true(rc == LEAT_NO_MEMORY || rc == LEAT_INVALID);
        assert_string_equal(err.code, i < 5 ? "limit" : "invalid");
    }
}

/* The Galois/Counter Mode of Operation, appendix B, test cases 13, 14 and 16. */
static const struct {
    const char *key, *nonce, *aad, *plain, *sealed;
} gcm[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void aes_gcm_seals_as_its_specification_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LT_ARRAY_LEN(gcm); i++) {
        uint8_t key[BYTES_MAX], nonce[BYTES_MAX], aad[BYTES_MAX], plain[BYTES_MAX], out[BYTES_MAX];
        from_hex(gcm[i].key, key);
        from_hex(gcm[i].nonce, nonce);
        struct lt_crypt_text text = {aad, from_hex(gcm[i].aad, aad), plain,
                                     from_hex(gcm[i].plain, plain)};
        assert_int_equal(lt_crypt_seal(key, nonce, &text, out, NULL), LEAT_OK);
        check_hex(out, text.len + LT_CRYPT_TAG_BYTES, gcm[i].sealed);
    }
}

static void a_seal_with_any_bit_changed_does_not_open(void **state)
{
    (void)state;
    uint8_t key[BYTES_MAX], nonce[BYTES_MAX], aad[BYTES_MAX], sealed[BYTES_MAX], out[BYTES_MAX];
    from_hex(gcm[2].key, key);
    from_hex(gcm[2].nonce, nonce);
    struct lt_crypt_text text = {aad, from_hex(gcm[2].aad, aad), sealed,
                                 from_hex(gcm[2].sealed, sealed)};
    assert_int_equal(lt_crypt_open(key, nonce, &text, out, NULL), LEAT_OK);
    check_hex(out, text.len - LT_CRYPT_TAG_BYTES, gcm[2].plain);
    for (size_t bit = 0; bit < 8 * (text.len + text.aad_len); bit++) {
        uint8_t *byte = bit / 8 < text.len ? &sealed[bit / 8] : &aad[bit / 8 - text.len];
        *byte ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(lt_crypt_open(key, nonce, &text, out, NULL), LEAT_BAD_DATA);
        for (size_t i = 0; i < text.len - LT_CRYPT_TAG_BYTES; i++) {
            assert_int_equal(out[i], 0);
        }
        *byte ^= (uint8_t)(1 << bit % 8);
    }
    text.len = LT_CRYPT_TAG_BYTES - 1;
    assert_int_equal(lt_crypt_open(key, nonce, &text, out, NULL), LEAT_BAD_DATA);
}

static bool has(char **env, const char *line)
{
    for (; *env; env++) {
        if (!strcmp(*env, line)) {
            return true;
        }
    }
    return false;
}

static void a_child_gets_no_variable_that_holds_a_secret(void **state)
{
    (void)state;
    static const char *const secret[] = {"LEAT_CONN_PG=x",           "LEAT_PASSPHRASE=x",
                                         "LEAT_KEY_FILE=x",          "PGPASSWORD=x",
                                         "ANY=postgres://u:pw@h/db", "DSN=host=h password=pw"};
    static const char *const plain[] = {"PLAIN=postgres://u@h/db", "LEAT_KEY=id",
                                        "OTHER_KEY_WORD=x"};
    for (size_t i = 0; i < LT_ARRAY_LEN(secret); i++) {
        putenv((char *)(uintptr_t)secret[i]);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(plain); i++) {
        putenv((char *)(uintptr_t)plain[i]);
    }
    const char *const keep[] = {"PGPASSWORD", NULL}, *const add[] = {"ROWS=3", NULL};
    char **env = lt_process_environment(keep, add);
    assert_non_null(env);
    for (size_t i = 0; i < LT_ARRAY_LEN(secret); i++) {
        assert_int_equal(has(env, secret[i]), !strncmp(secret[i], "PGPASSWORD", 10));
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(plain); i++) {
        assert_true(has(env, plain[i]));
    }
    assert_true(has(env, "ROWS=3"));
    free(env);
}

static int run(struct lt_child child, struct lt_buf *out, int *ret_status, struct leat_error *err)
{
    lt_buf_clear(out);
    child.output_max = child.output_max ? child.output_max : 1000;
    return lt_child_run(&child, out, ret_status, err);
}

static void a_child_is_fed_heard_and_ended(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    int status = -1;
    const char *const hello = "hello";
    assert_int_equal(
        run((struct lt_child){.command = "cat; exit 3", .input = hello, .input_len = 5}, &out,
            &status, &err),
        LEAT_OK);
    assert_int_equal(status, 3);
    assert_string_equal(lt_buf_text(&out), "hello");
    /* One that does not read what it is given. */
    char *much = calloc(1, 1 << 20);
    assert_int_equal(
        run((struct lt_child){.command = "exit 0", .input = much, .input_len = 1 << 20}, &out,
            &status, &err),
        LEAT_OK);
    free(much);
    assert_int_equal(run((struct lt_child){.command = "kill -9 $$"}, &out, &status, &err), LEAT_OK);
    assert_int_equal(status, 128 + 9);
    int64_t start = lt_now_us();
    assert_int_equal(run((struct lt_child){.command = "sleep 60 & sleep 60", .timeout_ms = 100},
                         &out, &status, &err),
                     LEAT_UNAVAILABLE);
    int stop = 1;
    assert_int_equal(
        run((struct lt_child){.command = "sleep 60", .cancel = &stop}, &out, &status, &err),
        LEAT_CANCELLED);
    assert_int_equal(run((struct lt_child){.command = "yes SECRET"}, &out, &status, &err),
                     LEAT_NO_MEMORY);
    assert_null(strstr(err.message, "SECRET"));
    assert_true(lt_now_us() - start < 30 * 1000000);
    lt_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scrypt_gives_the_keys_of_its_rfc),
        cmocka_unit_test(costs_beyond_the_bounds_are_refused_before_memory_is_taken),
        cmocka_unit_test(aes_gcm_seals_as_its_specification_says),
        cmocka_unit_test(a_seal_with_any_bit_changed_does_not_open),
        cmocka_unit_test(a_child_gets_no_variable_that_holds_a_secret),
        cmocka_unit_test(a_child_is_fed_heard_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
