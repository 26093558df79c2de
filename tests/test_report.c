/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report: what is written can be read, and what is read hangs together,
 * whoever wrote it.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/protocol.h"
#include "common/report.h"
#include "common/units.h"
#include "tests/world/dice.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define SEEDS 2000

#define HEAD "version=1 state=running heartbeat_ms=10000 "
#define LEAST HEAD "total_kib=1000 available_kib=500"

static int parse(const char *text, struct report *ret_report)
{
    return report_parse(text, strlen(text), ret_report);
}

static void reports_are_refused_or_taken_for_a_reason(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *why;
    } cases[] = {
        {LEAST, 0, "the least that a running guest says"},
        {"available_kib=1 total_kib=2 heartbeat_ms=1 state=running version=1",
         0, "any order"},
        {LEAST " colour=blue", 0, "a newer guest may say more"},
        {LEAST " colour=", 0, "and say nothing with it"},
        {LEAST " a_name_that_is_much_too_long_to_be_one_of_ours=1", 0,
         "skipped unread"},
        {LEAST " pressure_some_us=2 pressure_full_us=1", 0, "pressure"},
        {"version=1 state=stopped", 0, "an orderly end"},
        {"version=1 state=stopped total_kib=7", 0, "what follows is dropped"},
        {"", -EINVAL, "nothing"},
        {" ", -EINVAL, "a space"},
        {"version", -EINVAL, "no value"},
        {"=1", -EINVAL, "no name"},
        {LEAST " ", -EINVAL, "a space at the end"},
        {" " LEAST, -EINVAL, "a space at the start"},
        {HEAD " total_kib=1000 available_kib=500", -EINVAL, "two spaces"},
        {LEAST "\n", -EINVAL, "a line's end"},
        {"state=running heartbeat_ms=1 total_kib=1 available_kib=1", -EINVAL,
         "no version"},
        {"version=2 state=running", -EPROTONOSUPPORT, "a later version"},
        {"version=2 what=ever x=", -EPROTONOSUPPORT,
         "a later version may look different"},
        {"version=0 state=stopped", -EPROTONOSUPPORT, "no such version"},
        {"version=one state=stopped", -EINVAL, "no number"},
        {"version=1", -EINVAL, "no state"},
        {"version=1 state=asleep", -EINVAL, "no such state"},
        {LEAST " balloon=round", -EINVAL, "no such word"},
        {LEAST " state=running", -EINVAL, "a field twice"},
        {LEAST " version=1", -EINVAL, "the version twice"},
        {LEAST " total_kib=1000", -EINVAL, "an amount twice"},
        {HEAD "total_kib=1000", -EINVAL, "nothing said of available memory"},
        {HEAD "available_kib=0", -EINVAL, "nor of all memory"},
        {"version=1 state=running total_kib=1 available_kib=1", -EINVAL,
         "nor when to expect the next"},
        {HEAD "total_kib=1000 available_kib=1001", -EINVAL,
         "more available than there is"},
        {LEAST " free_kib=1001", -EINVAL, "more free than there is"},
        {LEAST " swap_total_kib=1 swap_free_kib=2", -EINVAL,
         "more swap free than there is"},
        {LEAST " swap_free_kib=2", -EINVAL, "swap free where there is none"},
        {LEAST " pressure_some_us=2", -EINVAL, "half of the pressure"},
        {LEAST " floor_kib=-1", -EINVAL, "a negative amount"},
        {LEAST " floor_kib=1099511627776", 0, "1 PiB"},
        {LEAST " floor_kib=1099511627777", -EINVAL, "more than 1 PiB"},
        {LEAST " refaults=18446744073709551615", 0, "counters may be large"},
        {LEAST " refaults=18446744073709551616", -EINVAL, "but must fit"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct report report = {.floor_kib = 4711};
        int r = parse(cases[i].text, &report);

        if (r != cases[i].result) {
            fail_msg("%s: \"%s\" gave %d", cases[i].why, cases[i].text, r);
        }
        if (r < 0 && report.floor_kib != 4711) {
            fail_msg("%s: output written on failure", cases[i].why);
        }
    }
}

static void heartbeat_is_brought_within_its_bounds(void **state)
{
    static const struct {
        const char *text;
        uint64_t heartbeat_ms;
    } cases[] = {
        {"0", REPORT_HEARTBEAT_MIN_MS},
        {"999", REPORT_HEARTBEAT_MIN_MS},
        {"5000", 5000},
        {"60001", REPORT_HEARTBEAT_MAX_MS},
        {"18446744073709551615", REPORT_HEARTBEAT_MAX_MS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[128];
        struct report report;

        (void)snprintf(text, sizeof(text),
                       "version=1 state=running total_kib=1 available_kib=1 "
                       "heartbeat_ms=%s",
                       cases[i].text);
        assert_int_equal(parse(text, &report), 0);
        assert_int_equal(report.heartbeat_ms, cases[i].heartbeat_ms);
    }
}

static void too_many_fields_are_refused(void **state)
{
    char text[PROTOCOL_REPORT_MAX] = LEAST;
    struct report report;

    (void)state;
    for (int i = 0; i < REPORT_FIELDS_MAX - 5; i++) {
        strcat(text, " x=");
    }
    assert_int_equal(parse(text, &report), 0);
    strcat(text, " x=");
    assert_int_equal(parse(text, &report), -EINVAL);
}

static void a_value_longer_than_a_report_is_refused(void **state)
{
    char text[PROTOCOL_REPORT_MAX + 1];
    struct report report;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, LEAST " a=", strlen(LEAST " a="));
    assert_int_equal(report_parse(text, PROTOCOL_REPORT_MAX, &report), 0);
    assert_int_equal(report_parse(text, sizeof(text), &report), -EINVAL);
}

/* Small, large, and everything between. */
static uint64_t any_number(struct dice *dice, uint64_t max)
{
    uint64_t number = dice_next(dice) >> dice_between(dice, 0, 63);

    return dice_chance(dice, 5) ? max : units_min(number, max);
}

static uint64_t any_amount(struct dice *dice)
{
    return any_number(dice, UNITS_KIB_MAX);
}

static struct report any_report(struct dice *dice)
{
    struct report report;

    if (dice_chance(dice, 10)) {
        return (struct report){.state = REPORT_STOPPED,
                               .balloon = REPORT_BALLOON_ABSENT};
    }
    report = (struct report){
        .state = REPORT_RUNNING,
        .balloon = (enum report_balloon)dice_between(dice, 0, 3),
        .heartbeat_ms = dice_between(dice, REPORT_HEARTBEAT_MIN_MS,
                                     REPORT_HEARTBEAT_MAX_MS),
        .current_kib = any_amount(dice),
        .balloon_target_kib = any_amount(dice),
        .target_kib = any_amount(dice),
        .total_kib = any_amount(dice),
        .anonymous_kib = any_amount(dice),
        .file_active_kib = any_amount(dice),
        .file_inactive_kib = any_amount(dice),
        .committed_kib = any_amount(dice),
        .swap_total_kib = any_amount(dice),
        .swapped_in_kib = any_number(dice, UINT64_MAX),
        .swapped_out_kib = any_number(dice, UINT64_MAX),
        .refaults = any_number(dice, UINT64_MAX),
        .major_faults = any_number(dice, UINT64_MAX),
        .allocation_stalls = any_number(dice, UINT64_MAX),
        .oom_kills = any_number(dice, UINT64_MAX),
        .has_pressure = dice_chance(dice, 50),
        .floor_kib = any_amount(dice),
    };
    report.available_kib = dice_between(dice, 0, report.total_kib);
    report.free_kib = dice_between(dice, 0, report.total_kib);
    report.swap_free_kib = dice_between(dice, 0, report.swap_total_kib);
    if (report.has_pressure) {
        report.pressure_some_us = any_number(dice, UINT64_MAX);
        report.pressure_full_us = any_number(dice, UINT64_MAX);
    }
    return report;
}

/* Field by field: padding is nobody's business. */
static bool reports_are_equal(const struct report *a, const struct report *b)
{
    return a->state == b->state && a->balloon == b->balloon &&
           a->heartbeat_ms == b->heartbeat_ms &&
           a->current_kib == b->current_kib &&
           a->balloon_target_kib == b->balloon_target_kib &&
           a->target_kib == b->target_kib && a->total_kib == b->total_kib &&
           a->available_kib == b->available_kib && a->free_kib == b->free_kib &&
           a->anonymous_kib == b->anonymous_kib &&
           a->file_active_kib == b->file_active_kib &&
           a->file_inactive_kib == b->file_inactive_kib &&
           a->committed_kib == b->committed_kib &&
           a->swap_total_kib == b->swap_total_kib &&
           a->swap_free_kib == b->swap_free_kib &&
           a->swapped_in_kib == b->swapped_in_kib &&
           a->swapped_out_kib == b->swapped_out_kib &&
           a->refaults == b->refaults && a->major_faults == b->major_faults &&
           a->allocation_stalls == b->allocation_stalls &&
           a->oom_kills == b->oom_kills && a->has_pressure == b->has_pressure &&
           a->pressure_some_us == b->pressure_some_us &&
           a->pressure_full_us == b->pressure_full_us &&
           a->floor_kib == b->floor_kib;
}

static void what_is_written_is_what_is_read(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        char text[PROTOCOL_REPORT_MAX];
        struct report written, read;
        struct dice dice;
        int len;

        dice_init(&dice, seed, 1);
        written = any_report(&dice);
        len = report_format(&written, text, sizeof(text));
        if (len < 0 || (size_t)len != strlen(text) ||
            report_parse(text, (size_t)len, &read) != 0 ||
            !reports_are_equal(&written, &read)) {
            fail_msg("seed=%" PRIu64 " len=%d", seed, len);
        }
    }
}

static void the_longest_report_fits_its_node(void **state)
{
    char text[PROTOCOL_REPORT_MAX];
    struct report report;

    (void)state;
    memset(&report, 0xff, sizeof(report));
    report.state = REPORT_RUNNING;
    report.balloon = REPORT_BALLOON_ABSENT;
    report.has_pressure = true;
    assert_true(report_format(&report, text, sizeof(text)) > 0);
}

static void a_buffer_that_is_too_small_is_named(void **state)
{
    char text[PROTOCOL_REPORT_MAX];
    const struct report report = {.state = REPORT_RUNNING};
    int len;

    (void)state;
    len = report_format(&report, text, sizeof(text));
    for (int size = 0; size <= len; size++) {
        assert_int_equal(report_format(&report, text, (size_t)size), -ENOSPC);
    }
    assert_int_equal(report_format(&report, text, (size_t)len + 1), len);
}

/* Reports with bytes changed, cut, and doubled. */
static size_t spoil(struct dice *dice, char *text, size_t len, size_t size)
{
    static const char bytes[] = " =0019az_\n\377";

    for (uint64_t n = dice_between(dice, 1, 8); n > 0 && len > 0; n--) {
        size_t at = dice_between(dice, 0, len - 1);

        switch (dice_between(dice, 0, 3)) {
        case 0:
            text[at] = bytes[dice_between(dice, 0, sizeof(bytes) - 1)];
            break;
        case 1:
            text[at] = (char)dice_next(dice);
            break;
        case 2:
            len = at;
            break;
        default:
            if (len + (len - at) <= size) {
                memmove(text + len, text + at, len - at);
                len += len - at;
            }
            break;
        }
    }
    return len;
}

static void any_bytes_give_a_sound_report_or_none(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10 * SEEDS; seed++) {
        char text[2 * PROTOCOL_REPORT_MAX];
        struct report report, again;
        struct dice dice;
        size_t len;
        int r;

        dice_init(&dice, seed, 2);
        report = any_report(&dice);
        r = report_format(&report, text, sizeof(text));
        assert_true(r > 0);
        len = spoil(&dice, text, (size_t)r, sizeof(text));
        r = report_parse(text, len, &report);
        if (r < 0) {
            continue;
        }
        if (report.available_kib > report.total_kib ||
            report.free_kib > report.total_kib ||
            report.total_kib > UNITS_KIB_MAX ||
            report.swap_free_kib > report.swap_total_kib ||
            report_format(&report, text, PROTOCOL_REPORT_MAX) < 0 ||
            report_parse(text, strlen(text), &again) != 0 ||
            !reports_are_equal(&report, &again)) {
            fail_msg("seed=%" PRIu64, seed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_refused_or_taken_for_a_reason),
        cmocka_unit_test(heartbeat_is_brought_within_its_bounds),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(a_value_longer_than_a_report_is_refused),
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(the_longest_report_fits_its_node),
        cmocka_unit_test(a_buffer_that_is_too_small_is_named),
        cmocka_unit_test(any_bytes_give_a_sound_report_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
