/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large shrinks, announced: both real ends on the simulated host, and guests
 * that answer, or something else in their place that does not.
 */
#include <stdio.h>
#include <string.h>

#include "backend/intent.h"
#include "common/announcement.h"
#include "common/log.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/units.h"
#include "tests/steps.h"
#include "tests/warned.h"

#define WAIT_MS 2000

/* ---- What the guest's answers become -------------------------------------- */

/* The frontend's table, and what is written in place of "ready <KiB>". */
static struct bus_ops ops;
static warned_write_fn *real_write;
static const char *said; /* NULL: nothing is; after the number */

static int write_said(void *state, bus_transaction t, const char *path,
                      const char *value, size_t len)
{
    struct answer answer;
    char text[80];

    if (strcmp(path, PROTOCOL_FRONTEND "/" PROTOCOL_NODE_ANSWER) != 0) {
        return real_write(state, t, path, value, len);
    }
    if (said == NULL) {
        return 0;
    }
    assert_int_equal(answer_parse(value, len, &answer), 0);
    len = (size_t)snprintf(text, sizeof(text), "%ju%s",
                           (uintmax_t)answer.number, said);
    return real_write(state, t, path, text, len);
}

static void let_say(struct scenario *scenario, const char *what)
{
    real_write = warned_write_by(scenario, &ops, write_said);
    said = what;
}

/* ---- What is seen --------------------------------------------------------- */

/* When it was written for the first time since then, UINT64_MAX: never. */
static uint64_t first_write_ms(const struct scenario *scenario, uint64_t ms,
                               const char *path, const char *value)
{
    const struct writes *log = &scenario->world.store->log;

    for (unsigned int i = 0; i < log->count; i++) {
        const struct write *write = &log->writes[i];

        if (write->ms >= ms && strstr(write->path, path) != NULL &&
            (value == NULL ||
             (write->value != NULL && strstr(write->value, value) != NULL))) {
            return write->ms;
        }
    }
    return UINT64_MAX;
}

static uint64_t announced_ms(const struct scenario *scenario, uint64_t ms)
{
    return first_write_ms(scenario, ms, "/1/0/announcement", NULL);
}

/* When it was first shrunk after it was told that it would be. */
static uint64_t shrunk_ms(const struct scenario *scenario, uint64_t ms)
{
    return first_write_ms(scenario, announced_ms(scenario, ms),
                          "/1/memory/target", NULL);
}

/* The largest step down of the donor's target since then. */
static uint64_t largest_step_kib(const struct scenario *scenario, uint64_t ms)
{
    const struct writes *log = &scenario->world.store->log;
    uint64_t before_kib = 2000 * MIB;
    uint64_t largest = 0;

    for (unsigned int i = 0; i < log->count; i++) {
        const struct write *write = &log->writes[i];
        uint64_t kib;

        if (strstr(write->path, "/1/memory/target") == NULL ||
            write->value == NULL ||
            number_parse(write->value, write->len, UNITS_KIB_MAX, &kib) < 0) {
            continue;
        }
        if (write->ms >= ms) {
            largest = units_max(largest, units_less(before_kib, kib));
        }
        before_kib = kib;
    }
    return largest;
}

/* Until the taker is about to want more. */
static uint64_t until_need(struct scenario *scenario)
{
    run(scenario, NEED_MS - 30 * SECOND_MS);
    assert_true(scenario_target(scenario, "donor") >= 1900 * MIB);
    return scenario->world.now_ms;
}

/* ---- Guests --------------------------------------------------------------- */

static void who_answers_is_shrunk_at_once_in_steps(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    (void)warned_host(&scenario, 0);
    start(&scenario);
    since_ms = until_need(&scenario);
    run(&scenario, 60 * SECOND_MS);

    assert_true(announced_ms(&scenario, since_ms) < UINT64_MAX);
    /* It answers at once; the small shrink before it had to arrive. */
    assert_in_range(first_write_ms(&scenario, announced_ms(&scenario, since_ms),
                                   "balloon/0/answer", " ready ") -
                        announced_ms(&scenario, since_ms),
                    0, 50);
    assert_in_range(shrunk_ms(&scenario, since_ms) -
                        announced_ms(&scenario, since_ms),
                    0, 1500);
    assert_in_range(largest_step_kib(&scenario, since_ms), 64 * MIB,
                    2000 * MIB / INTENT_STEP_SHARE + UNITS_KIB_PER_PAGE);
    assert_true(scenario_is_content(&scenario));
    assert_int_equal(scenario_kills(&scenario), 0);
    /* What is over is taken away. */
    assert_int_equal(scenario_seen(&scenario, "donor")->step.announced, 0);
    assert_int_equal(
        scenario_seen(&scenario, "donor")->device.announcement.number, 0);
    scenario_done(&scenario);
}

static void who_never_answers_is_shrunk_at_the_deadline(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    (void)warned_host(&scenario, 0);
    start(&scenario);
    let_say(&scenario, NULL);
    since_ms = until_need(&scenario);
    run(&scenario, 60 * SECOND_MS);

    assert_in_range(shrunk_ms(&scenario, since_ms) -
                        announced_ms(&scenario, since_ms),
                    WAIT_MS, WAIT_MS + 200);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void who_works_for_ever_is_shrunk_a_little_later(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    (void)warned_host(&scenario, 0);
    start(&scenario);
    let_say(&scenario, " working 0");
    since_ms = until_need(&scenario);
    run(&scenario, 60 * SECOND_MS);

    assert_in_range(shrunk_ms(&scenario, since_ms) -
                        announced_ms(&scenario, since_ms),
                    INTENT_PATIENCE * WAIT_MS, INTENT_PATIENCE * WAIT_MS + 200);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

static void hooks_have_their_time(void **state)
{
    struct scenario scenario;
    uint64_t since_ms, took_ms;

    (void)state;
    warned_host(&scenario, 0)->nature.hook_ms = 3000;
    start(&scenario);
    since_ms = until_need(&scenario);
    run(&scenario, 60 * SECOND_MS);

    took_ms =
        shrunk_ms(&scenario, since_ms) - announced_ms(&scenario, since_ms);
    assert_in_range(took_ms, 3000, 3000 + 300);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* Another one has what is lacking, and is asked for it. */
static void who_refuses_keeps_it_as_long_as_others_can_give(void **state)
{
    struct character *other;
    struct scenario scenario;
    uint64_t least_kib;

    (void)state;
    (void)warned_host(&scenario, 2000 * MIB);
    other = scenario_add(&scenario, "other", 2000 * MIB, 2000 * MIB, 300 * MIB);
    other->nature.cold_kib = 4000 * MIB;
    start(&scenario);
    let_say(&scenario, " ready 0");
    (void)until_need(&scenario);
    run(&scenario, 45 * SECOND_MS);

    least_kib = 2000 * MIB - 2000 * MIB / INTENT_STEP_SHARE;
    assert_true(scenario_target(&scenario, "donor") >= least_kib);
    assert_true(scenario_target(&scenario, "other") < 1700 * MIB);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* It says it can give more than it has: no more is taken than is asked for. */
static void who_lies_loses_no_more_than_others(void **state)
{
    static const char *const lies[] = {" ready 1099511627776",
                                       " ready 99999999999999999999",
                                       " ready -1",
                                       " ready",
                                       " neither 4",
                                       "",
                                       " working 1099511627776"};

    (void)state;
    for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct scenario scenario;

        (void)warned_host(&scenario, 0);
        start(&scenario);
        let_say(&scenario, lies[i]);
        (void)until_need(&scenario);
        run(&scenario, 60 * SECOND_MS);
        assert_true(scenario_is_content(&scenario));
        assert_int_equal(scenario_kills(&scenario), 0);
        scenario_done(&scenario);
    }
}

static void without_a_wait_nothing_is_announced(void **state)
{
    struct scenario scenario;
    uint64_t since_ms;

    (void)state;
    (void)warned_host(&scenario, 0);
    scenario.world.settings.intent_wait_ms = 0;
    start(&scenario);
    since_ms = until_need(&scenario);
    run(&scenario, 60 * SECOND_MS);

    assert_int_equal(first_write_ms(&scenario, since_ms, "announcement", " "),
                     UINT64_MAX);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* A backend that is killed while one waits: the next begins anew. */
static void announcement_of_a_dead_backend_is_taken_away(void **state)
{
    struct scenario scenario;
    uint64_t since_ms, killed_ms;

    (void)state;
    (void)warned_host(&scenario, 0);
    start(&scenario);
    let_say(&scenario, NULL);
    since_ms = until_need(&scenario);
    for (int i = 0; i < 600 && announced_ms(&scenario, since_ms) == UINT64_MAX;
         i++) {
        run(&scenario, 100);
    }
    daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    killed_ms = scenario.world.now_ms + 1;
    run(&scenario, 60 * SECOND_MS);

    assert_true(announced_ms(&scenario, killed_ms) < UINT64_MAX);
    assert_true(shrunk_ms(&scenario, killed_ms) - killed_ms >= WAIT_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_answers_is_shrunk_at_once_in_steps),
        cmocka_unit_test(who_never_answers_is_shrunk_at_the_deadline),
        cmocka_unit_test(who_works_for_ever_is_shrunk_a_little_later),
        cmocka_unit_test(hooks_have_their_time),
        cmocka_unit_test(who_refuses_keeps_it_as_long_as_others_can_give),
        cmocka_unit_test(who_lies_loses_no_more_than_others),
        cmocka_unit_test(without_a_wait_nothing_is_announced),
        cmocka_unit_test(announcement_of_a_dead_backend_is_taken_away),
    };

    log_to_nowhere();
    return cmocka_run_group_tests_name("warned guests", tests, NULL, NULL);
}
