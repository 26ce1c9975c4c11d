/* The short ways of text_fast.h: what they take, they take as the long ways do. */
#include "columnar/text_fast.h"
#include "columnar/text_parts.h"
#include "columnar_test.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned seed = 90125;

/* Near enough to a value of its kind that both answers come often. */
static size_t random_near(const char *letters, size_t len_max, uint8_t *text)
{
    size_t n = (size_t)rand_r(&seed) % (len_max + 1), kinds = strlen(letters);
    for (size_t i = 0; i < n; i++) {
        text[i] = (uint8_t)letters[(size_t)rand_r(&seed) % kinds];
    }
    return n;
}

static void fast_decimal_is_the_slow_one_wherever_it_answers(void **state)
{
    (void)state;
    int taken = 0;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 300000; round++) {
        uint8_t text[32] = {0};
        int precision = 1 + rand_r(&seed) % 38, scale = rand_r(&seed) % (precision + 1);
        size_t len = random_near("0123456789.-00+e ", round % 22, text);
        int64_t value;
        lt_int128 slow;
        const char *why;
        if (lt_fast_decimal(text, len, precision, scale, &value)) {
            assert_int_equal(
                lt_decimal_parse((const char *)text, len, precision, scale, &slow, &why), LEAT_OK);
            assert_true(slow == value);
            taken++;
        }
    }
    assert_true(taken > 1000);
}

static void fast_hex_takes_hex_digits_and_nothing_else(void **state)
{
    (void)state;
    for (int at = 0; at < 8; at++) {
        for (int c = 0; c < 256; c++) {
            uint8_t text[8] = "01abEF9", out[4];
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            char word[3] = {0};
            text[7] = '5';
            text[at] = (uint8_t)c;
            assert_int_equal(lt_fast_hex4(text, out), digit);
            memcpy(word, text + (at & 6), 2);
            assert_true(!digit || out[at / 2] == strtoul(word, NULL, 16));
        }
    }
}

static void a_uuid_written_shortly_is_read_back_shortly(void **state)
{
    (void)state;
    for (int round = 0; round < 10000; round++) {
        uint8_t bytes[16], back[16], text[LT_PUT_MAX] = {0};
        char slow[40];
        for (size_t i = 0; i < 16; i++) {
            bytes[i] = (uint8_t)rand_r(&seed);
        }
        assert_int_equal(lt_put_uuid(text, bytes), 36);
        for (size_t i = 0, at = 0; i < 16; i++) {
            at += (size_t)snprintf(slow + at, sizeof slow - at, "%s%02x",
                                   i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
        }
        assert_memory_equal(text, slow, 36);
        assert_true(lt_fast_uuid(text, 36, back));
        assert_memory_equal(bytes, back, 16);
        text[rand_r(&seed) % 36] = 'g';
        assert_false(lt_fast_uuid(text, 36, back));
    }
}

static void a_decimal_written_shortly_is_that_of_the_long_way(void **state)
{
    (void)state;
    static const int64_t edges[] = {0, 1, -1, 9, -10, 99, 100, INT64_MAX, INT64_MIN};
    for (int scale = 0; scale <= 18; scale++) {
        for (int round = 0; round < 500; round++) {
            int64_t value =
                round < 9 ? edges[round]
                          : (int64_t)((uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed)) >>
                                round % 60;
            struct lt_buf slow = LT_BUF_INIT;
            uint8_t text[LT_PUT_MAX];
            size_t n = lt_put_decimal(text, value, scale);
            assert_int_equal(lt_decimal_format(value, scale, &slow), LEAT_OK);
            assert_int_equal(n, slow.len);
            assert_memory_equal(text, slow.data, n);
            lt_buf_done(&slow);
        }
    }
}

static void a_fast_date_is_that_of_the_calendar_on_every_day(void **state)
{
    (void)state;
    for (int64_t days = lt_days_of_date(1, 1, 1); days <= lt_days_of_date(9999, 12, 31); days++) {
        uint8_t text[LT_PUT_MAX] = {0};
        int64_t back = 0;
        assert_int_equal(lt_put_date(text, days), 10);
        bool leap_day = !memcmp(text + 5, "02-29", 5); /* those are left to the calendar */
        assert_int_equal(lt_fast_date(text, 10, &back), !leap_day);
        assert_true(leap_day || back == days);
    }
    /* From March of the year 0 on. */
    uint8_t text[LT_PUT_MAX] = {0};
    assert_int_equal(lt_put_date(text, lt_days_of_date(0, 3, 1)), 10);
    assert_memory_equal(text, "0000-03-01", 10);
    assert_int_equal(lt_put_date(text, lt_days_of_date(0, 2, 29)), 0);
    assert_int_equal(lt_put_date(text, lt_days_of_date(10000, 1, 1)), 0);
    assert_int_equal(lt_put_date(text, INT64_MIN), 0);
    assert_int_equal(lt_put_date(text, INT64_MAX), 0);
}

static void an_integer_written_shortly_is_that_of_the_long_way(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        for (uint64_t round = 0; round < 2000; round++) {
            uint64_t value =
                round < 5 ? (UINT64_C(1) << bit) + round - 2
                          : ((uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 3) >> bit;
            uint8_t text[LT_PUT_MAX];
            char slow[20];
            size_t n = lt_put_uint(text, value);
            assert_int_equal(n, lt_u64_digits(value, slow));
            assert_memory_equal(text, slow, n);
        }
    }
    uint64_t power = 1;
    for (unsigned digits = 1; digits < 20; digits++, power *= 10) {
        assert_int_equal(lt_count_digits(power), digits);
        assert_int_equal(lt_count_digits(power - 1), digits > 1 ? digits - 1 : 1);
    }
    assert_int_equal(lt_count_digits(power), 20);
    assert_int_equal(lt_count_digits(power - 1), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_decimal_is_the_slow_one_wherever_it_answers),
        cmocka_unit_test(fast_hex_takes_hex_digits_and_nothing_else),
        cmocka_unit_test(a_uuid_written_shortly_is_read_back_shortly),
        cmocka_unit_test(a_decimal_written_shortly_is_that_of_the_long_way),
        cmocka_unit_test(a_fast_date_is_that_of_the_calendar_on_every_day),
        cmocka_unit_test(an_integer_written_shortly_is_that_of_the_long_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
