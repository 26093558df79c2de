/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Announcements and answers: what is one, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/announcement.h"
#include "common/units.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static void announcements_are_three_numbers(void **state)
{
    static const struct {
        const char *text;
        int result;
        struct announcement announcement;
    } cases[] = {
        {"1 1048576 2000", 0, {1, 1048576, 2000}},
        {"4294967295 0 0", 0, {UINT32_MAX, 0, 0}},
        {"4294967296 0 0", -EINVAL, {0}},
        {"7 1099511627776 3600000", 0, {7, UNITS_KIB_MAX, 3600000}},
        {"7 1099511627777 0", -EINVAL, {0}},
        {"7 4 3600001", -EINVAL, {0}},
        {"0 4 2000", -EINVAL, {0}},
        {"", -EINVAL, {0}},
        {"1", -EINVAL, {0}},
        {"1 2", -EINVAL, {0}},
        {"1 2 ", -EINVAL, {0}},
        {"1 2 3 ", -EINVAL, {0}},
        {"1 2 3 4", -EINVAL, {0}},
        {" 1 2 3", -EINVAL, {0}},
        {"1  2 3", -EINVAL, {0}},
        {"1 2 3\n", -EINVAL, {0}},
        {"-1 2 3", -EINVAL, {0}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct announcement got = {0};
        char text[ANNOUNCEMENT_TEXT_MAX];
        int r = announcement_parse(cases[i].text, strlen(cases[i].text), &got);

        if (r != cases[i].result ||
            memcmp(&got, &cases[i].announcement, sizeof(got)) != 0) {
            fail_msg("\"%s\" gave %d", cases[i].text, r);
        }
        if (r == 0) {
            assert_int_equal(announcement_format(&got, text),
                             strlen(cases[i].text));
            assert_string_equal(text, cases[i].text);
        }
    }
}

static void answers_have_a_word_between_two_numbers(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t number;
        bool is_ready;
        uint64_t can_give_kib;
    } cases[] = {
        {"1 working 0", 0, 1, false, 0},
        {"4294967295 ready 1099511627776", 0, UINT32_MAX, true, UNITS_KIB_MAX},
        {"1 ready 1099511627777", -EINVAL, 0, false, 0},
        {"0 ready 4", -EINVAL, 0, false, 0},
        {"1 read 4", -EINVAL, 0, false, 0},
        {"1 readyy 4", -EINVAL, 0, false, 0},
        {"1 READY 4", -EINVAL, 0, false, 0},
        {"1  4", -EINVAL, 0, false, 0},
        {"1 ready", -EINVAL, 0, false, 0},
        {"ready 1 4", -EINVAL, 0, false, 0},
        {"1 ready 4 4", -EINVAL, 0, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer got = {0};
        char text[ANNOUNCEMENT_TEXT_MAX];
        int r = answer_parse(cases[i].text, strlen(cases[i].text), &got);

        if (r != cases[i].result || got.number != cases[i].number ||
            got.is_ready != cases[i].is_ready ||
            got.can_give_kib != cases[i].can_give_kib) {
            fail_msg("\"%s\" gave %d", cases[i].text, r);
        }
        if (r == 0) {
            assert_int_equal(answer_format(&got, text), strlen(cases[i].text));
            assert_string_equal(text, cases[i].text);
        }
    }
}

static void the_longest_text_has_room(void **state)
{
    const struct announcement announcement = {UINT64_MAX, UINT64_MAX,
                                              UINT64_MAX};
    char text[ANNOUNCEMENT_TEXT_MAX];

    (void)state;
    assert_in_range(announcement_format(&announcement, text), 1,
                    ANNOUNCEMENT_TEXT_MAX - 1);
    assert_int_equal(announcement_parse("1 2 3x", 5, &(struct announcement){0}),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announcements_are_three_numbers),
        cmocka_unit_test(answers_have_a_word_between_two_numbers),
        cmocka_unit_test(the_longest_text_has_room),
    };

    return cmocka_run_group_tests_name("announcement", tests, NULL, NULL);
}
