/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of domains: kept by name, filled word by word. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/settings.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define MIB UINT64_C(1024)

static struct settings_domain named(const char *name, uint64_t weight)
{
    struct settings_domain entry = {.weight = weight};

    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    return entry;
}

static void domains_are_found_whatever_the_order_they_came_in(void **state)
{
    const unsigned int count = 1000;
    struct settings settings;

    (void)state;
    settings_init(&settings);
    for (unsigned int i = 0; i < count; i++) {
        struct settings_domain entry;
        char name[32];

        /* 377 and 1000 have no common divisor: each comes once. */
        (void)snprintf(name, sizeof(name), "d%u", i * 377 % count);
        entry = named(name, i);
        assert_int_equal(settings_add(&settings, &entry), 0);
    }

    assert_int_equal(settings.count, count);
    for (unsigned int i = 0; i < count; i++) {
        const struct settings_domain *found;
        char name[32];

        (void)snprintf(name, sizeof(name), "d%u", i * 377 % count);
        found = settings_find(&settings, name);
        assert_non_null(found);
        assert_int_equal(found->weight, i);
    }
    for (unsigned int i = 1; i < count; i++) {
        assert_true(
            strcmp(settings.domains[i - 1].name, settings.domains[i].name) < 0);
    }
    assert_null(settings_find(&settings, "d"));
    assert_null(settings_find(&settings, ""));
    assert_null(settings_find(&settings, "e"));
    settings_done(&settings);
    settings_done(&settings);
    settings_done(NULL);
}

static void a_domain_added_again_is_replaced(void **state)
{
    struct settings_domain first = named("a", 1);
    struct settings_domain second = named("a", 2);
    struct settings settings;

    (void)state;
    settings_init(&settings);
    assert_int_equal(settings_add(&settings, &first), 0);
    assert_int_equal(settings_add(&settings, &second), 0);

    assert_int_equal(settings.count, 1);
    assert_int_equal(settings_find(&settings, "a")->weight, 2);
    settings_done(&settings);
}

static void there_is_an_end_to_domains(void **state)
{
    struct settings_domain entry;
    struct settings settings;
    char name[32];

    (void)state;
    settings_init(&settings);
    for (unsigned int i = 0; i < SETTINGS_DOMAINS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%06u", i);
        entry = named(name, i);
        assert_int_equal(settings_add(&settings, &entry), 0);
    }

    entry = named("one more", 1);
    assert_int_equal(settings_add(&settings, &entry), -ENOSPC);
    entry = named("000000", 77);
    assert_int_equal(settings_add(&settings, &entry), 0);
    assert_int_equal(settings_find(&settings, "000000")->weight, 77);
    settings_done(&settings);
}

static void words_fill_an_entry(void **state)
{
    struct settings_domain entry = {0};
    char expected[SETTINGS_EXPECTED_MAX];

    (void)state;
    assert_int_equal(settings_parse_word(&entry, "floor=256M", expected), 0);
    assert_int_equal(settings_parse_word(&entry, "ceiling=2048", expected), 0);
    assert_int_equal(settings_parse_word(&entry, "weight=65536", expected), 0);
    assert_int_equal(settings_parse_word(&entry, "leave-alone", expected), 0);

    assert_int_equal(entry.has, SETTINGS_HAS_FLOOR | SETTINGS_HAS_CEILING |
                                    SETTINGS_HAS_WEIGHT);
    assert_int_equal(entry.floor_kib, 256 * MIB);
    assert_int_equal(entry.ceiling_kib, 2048 * MIB);
    assert_int_equal(entry.weight, 65536);
    assert_true(entry.leave_alone);
}

static void bad_words_leave_the_entry_and_say_what_was_expected(void **state)
{
    static const struct {
        const char *word;
        const char *expected; /* a part of it */
        const char *why;
    } cases[] = {
        {"",
         "floor=SIZE, ceiling=SIZE, weight=N, headroom=PERCENT or "
         "leave-alone",
         "nothing"},
        {"=",
         "floor=SIZE, ceiling=SIZE, weight=N, headroom=PERCENT or "
         "leave-alone",
         "no key"},
        {"floor", "floor=SIZE such as floor=512M", "no value"},
        {"floor=", "floor=SIZE such as floor=512M", "an empty value"},
        {"floor=-1", "floor=SIZE", "a sign"},
        {"floor=1 G", "floor=SIZE", "a blank"},
        {"floor=1.5G", "floor=SIZE", "a fraction"},
        {"ceiling=18446744073709551616", "ceiling=SIZE", "too large"},
        {"cieling=1", "(did you mean ceiling?)", "letters swapped"},
        {"wieght=1", "(did you mean weight?)", "letters swapped"},
        {"leavealone", "(did you mean leave-alone?)", "a dash left out"},
        {"Floor=1", "(did you mean floor?)", "upper case"},
        {"leave-alone=1", "leave-alone", "a value where none goes"},
        {"weight=0", "N from 1 to 65536", "no weight at all"},
        {"weight=65537", "N from 1 to 65536", "too much"},
        {"headroom=0", "PERCENT from 1 to 2000", "no head-room at all"},
        {"headroom=2001%", "PERCENT from 1 to 2000", "too much of it"},
        {"headroom=%", "PERCENT from 1 to 2000", "no number"},
        {"weight=1M", "N from 1 to 65536", "no size"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settings_domain entry = {0};
        char expected[SETTINGS_EXPECTED_MAX] = "";

        if (settings_parse_word(&entry, cases[i].word, expected) != -EINVAL ||
            !strstr(expected, cases[i].expected)) {
            fail_msg("%s: %s", cases[i].why, expected);
        }
        if (entry.has || entry.leave_alone) {
            fail_msg("%s: the entry has changed", cases[i].why);
        }
    }
}

static void a_word_given_twice_is_refused(void **state)
{
    static const char *const words[] = {"floor=1", "ceiling=1", "weight=1",
                                        "leave-alone"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct settings_domain entry = {0};
        char expected[SETTINGS_EXPECTED_MAX] = "";

        assert_int_equal(settings_parse_word(&entry, words[i], expected), 0);
        assert_int_equal(settings_parse_word(&entry, words[i], expected),
                         -EINVAL);
        assert_non_null(strstr(expected, "only once"));
    }
}

static void a_floor_above_the_ceiling_is_refused(void **state)
{
    struct settings_domain entry = {
        .has = SETTINGS_HAS_FLOOR | SETTINGS_HAS_CEILING,
        .floor_kib = 1024 * MIB,
        .ceiling_kib = 1024 * MIB,
    };
    char expected[SETTINGS_EXPECTED_MAX] = "";

    (void)state;
    assert_int_equal(settings_check(&entry, expected), 0);
    entry.ceiling_kib--;
    assert_int_equal(settings_check(&entry, expected), -EINVAL);
    assert_non_null(strstr(expected, "1 GiB"));
    entry.has = SETTINGS_HAS_FLOOR; /* the other figure means nothing then */
    assert_int_equal(settings_check(&entry, expected), 0);
    entry.has = SETTINGS_HAS_CEILING;
    assert_int_equal(settings_check(&entry, expected), 0);
}

static void overriding_takes_what_is_given_and_no_more(void **state)
{
    struct settings_domain base = {
        .has = SETTINGS_HAS_FLOOR,
        .floor_kib = 1,
        .ceiling_kib = 2,
        .weight = 3,
    };
    const struct settings_domain over = {
        .has = SETTINGS_HAS_WEIGHT,
        .floor_kib = 10,
        .ceiling_kib = 20,
        .weight = 30,
    };

    (void)state;
    settings_override(&base, &over);
    assert_int_equal(base.has, SETTINGS_HAS_FLOOR | SETTINGS_HAS_WEIGHT);
    assert_int_equal(base.floor_kib, 1);
    assert_int_equal(base.ceiling_kib, 2);
    assert_int_equal(base.weight, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_found_whatever_the_order_they_came_in),
        cmocka_unit_test(a_domain_added_again_is_replaced),
        cmocka_unit_test(there_is_an_end_to_domains),
        cmocka_unit_test(words_fill_an_entry),
        cmocka_unit_test(bad_words_leave_the_entry_and_say_what_was_expected),
        cmocka_unit_test(a_word_given_twice_is_refused),
        cmocka_unit_test(a_floor_above_the_ceiling_is_refused),
        cmocka_unit_test(overriding_takes_what_is_given_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
