/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and sizes: what is one, what is none, and what is too large. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/number.h"
#include "common/units.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void only_plain_decimal_numbers_are_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        int result;
        uint64_t value;
        const char *why;
    } cases[] = {
        {"0", UINT64_MAX, 0, 0, "the smallest"},
        {"42", UINT64_MAX, 0, 42, "a number"},
        {"007", UINT64_MAX, 0, 7, "leading zeros are decimal"},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX, "the largest"},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0, "one more"},
        {"99999999999999999999999", UINT64_MAX, -ERANGE, 0, "far more"},
        {"100", 100, 0, 100, "the bound is within"},
        {"101", 100, -ERANGE, 0, "above the bound"},
        {"", UINT64_MAX, -EINVAL, 0, "nothing"},
        {"-1", UINT64_MAX, -EINVAL, 0, "strtoull would wrap it"},
        {"+1", UINT64_MAX, -EINVAL, 0, "no sign"},
        {" 1", UINT64_MAX, -EINVAL, 0, "no space before"},
        {"1 ", UINT64_MAX, -EINVAL, 0, "nor after"},
        {"1\n", UINT64_MAX, -EINVAL, 0, "nor a line's end"},
        {"0x10", UINT64_MAX, -EINVAL, 0, "no hexadecimal"},
        {"1.5", UINT64_MAX, -EINVAL, 0, "no fraction"},
        {"99999999999999999999999x", UINT64_MAX, -EINVAL, 0,
         "too large and no number is no number"},
        {"\xb2", UINT64_MAX, -EINVAL, 0, "a digit in some locale"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = UNTOUCHED;
        int r = number_parse(cases[i].text, strlen(cases[i].text), cases[i].max,
                             &value);

        if (r != cases[i].result ||
            value != (r == 0 ? cases[i].value : UNTOUCHED)) {
            fail_msg("%s: \"%s\" gave %d", cases[i].why, cases[i].text, r);
        }
    }
}

static void a_number_need_not_end_in_nul(void **state)
{
    const char text[] = {'1', '2', '3', '4'};
    uint64_t value = 0;

    (void)state;
    assert_int_equal(number_parse(text, 2, UINT64_MAX, &value), 0);
    assert_int_equal(value, 12);
}

static void a_nul_within_a_number_is_no_number(void **state)
{
    uint64_t value = UNTOUCHED;

    (void)state;
    assert_int_equal(number_parse("1\0"
                                  "2",
                                  3, UINT64_MAX, &value),
                     -EINVAL);
    assert_int_equal(value, UNTOUCHED);
}

static void sizes_are_read_as_operators_write_them(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t kib;
        const char *why;
    } cases[] = {
        {"512", 0, 512 * 1024, "a bare number is MiB, as in xl"},
        {"512M", 0, 512 * 1024, "said aloud"},
        {"512m", 0, 512 * 1024, "in lower case"},
        {"512MiB", 0, 512 * 1024, "in full"},
        {"512MB", 0, 512 * 1024, "as most people write it"},
        {"4096K", 0, 4096, "KiB"},
        {"2G", 0, 2 * 1024 * 1024, "GiB"},
        {"1TiB", 0, UINT64_C(1) << 30, "TiB"},
        {"0", 0, 0, "zero"},
        {"1024T", 0, UNITS_KIB_MAX, "the largest"},
        {"1025T", -ERANGE, 0, "more than that"},
        {"99999999999999999999", -ERANGE, 0, "does not fit"},
        {"", -EINVAL, 0, "nothing"},
        {"M", -EINVAL, 0, "a unit alone"},
        {"1P", -EINVAL, 0, "no such unit"},
        {"1.5G", -EINVAL, 0, "no fractions"},
        {"1 G", -EINVAL, 0, "no space"},
        {"-1", -EINVAL, 0, "no sign"},
        {"1Mi", -EINVAL, 0, "half a suffix"},
        {"1Mib", -EINVAL, 0, "bits"},
        {"1MM", -EINVAL, 0, "two units"},
        {"B", -EINVAL, 0, "bytes of nothing"},
        {"1B", -EINVAL, 0, "bytes are too fine"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t kib = UNTOUCHED;
        int r = number_parse_size(cases[i].text, &kib);

        if (r != cases[i].result ||
            kib != (r == 0 ? cases[i].kib : UNTOUCHED)) {
            fail_msg("%s: \"%s\" gave %d", cases[i].why, cases[i].text, r);
        }
    }
}

static void sizes_are_written_for_people(void **state)
{
    static const struct {
        uint64_t kib;
        const char *text;
        const char *why;
    } cases[] = {
        {0, "0 KiB", "nothing"},
        {1023, "1023 KiB", "less than the next unit"},
        {1024, "1 MiB", "whole ones have no fraction"},
        {96 * 1024, "96 MiB", "whole"},
        {1536 * 1024, "1.50 GiB", "a fraction"},
        {1024 * 1024 - 1, "1023.99 MiB", "rounded down, never up"},
        {UNITS_KIB_MAX, "1024 TiB", "the largest"},
        {UINT64_MAX, "17179869183.99 TiB", "whatever comes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[NUMBER_SIZE_TEXT];

        if (strcmp(number_format_size(text, sizeof(text), cases[i].kib),
                   cases[i].text) != 0) {
            fail_msg("%s: \"%s\" is not \"%s\"", cases[i].why, text,
                     cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_decimal_numbers_are_numbers),
        cmocka_unit_test(a_number_need_not_end_in_nul),
        cmocka_unit_test(a_nul_within_a_number_is_no_number),
        cmocka_unit_test(sizes_are_read_as_operators_write_them),
        cmocka_unit_test(sizes_are_written_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
