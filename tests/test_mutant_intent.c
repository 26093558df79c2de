/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the decision: the rules of a shrink with warning.  The guests are
 * those of test_warned_guests.c.
 */
#include "backend/intent.h"
#include "common/announcement.h"
#include "common/log.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/units.h"
#include "tests/spoilt.h"
#include "tests/warned.h"

/* When the taker begins to want more, since its boot. */
/* ---- Rules that are lost -------------------------------------------------- */

static void hear_nobody(struct snapshot *snapshot, struct decide_host *host,
                        struct decide_memory *memories)
{
    (void)host;
    (void)memories;
    for (unsigned int i = 0; i < snapshot->count; i++) {
        snapshot->domains[i].has_intent = false;
    }
}

static void warn_nobody(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = hear_nobody;
}

static void clear_refusals(struct snapshot *snapshot, struct decide_host *host,
                           struct decide_memory *memories)
{
    (void)host;
    for (unsigned int i = 0; i < snapshot->count; i++) {
        memories[i].refused_until_ms = 0;
    }
}

static void take_no_refusal(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = clear_refusals;
}

/* Whoever does not answer is given more time, each time. */
static void move_deadlines(struct snapshot *snapshot, struct decide_host *host,
                           struct decide_memory *memories)
{
    (void)host;
    for (unsigned int i = 0; i < snapshot->count; i++) {
        struct decide_memory *memory = &memories[i];

        if (memory->intent_until_ms != 0 && !memory->intent_is_answered) {
            memory->intent_until_ms =
                units_add(snapshot->now_ms, memory->intent_wait_ms);
        }
    }
}

static void wait_for_ever(struct scenario *scenario)
{
    (void)scenario;
    spoilt_before = move_deadlines;
}

/* ---- What the donor's answers become -------------------------------------- */

static struct bus_ops ops;
static warned_write_fn *real_write;
static bool refuses; /* otherwise it is silent */

static int write_answer(void *state, bus_transaction t, const char *path,
                        const char *value, size_t len)
{
    char text[ANNOUNCEMENT_TEXT_MAX];
    struct answer answer;
    int made;

    if (strcmp(path, PROTOCOL_FRONTEND "/" PROTOCOL_NODE_ANSWER) != 0) {
        return real_write(state, t, path, value, len);
    }
    if (!refuses) {
        return 0;
    }
    assert_int_equal(answer_parse(value, len, &answer), 0);
    answer.is_ready = true;
    answer.can_give_kib = 0;
    made = answer_format(&answer, text);
    return real_write(state, t, path, text, (size_t)made);
}

static void let_answer(struct scenario *scenario, bool with_refusal)
{
    real_write = warned_write_by(scenario, &ops, write_answer);
    refuses = with_refusal;
}

/* ---- Scenarios ------------------------------------------------------------ */

static void one_donor(struct scenario *scenario)
{
    (void)warned_host(scenario, 0);
}

static void two_donors(struct scenario *scenario)
{
    (void)warned_host(scenario, 2000 * MIB);
    (void)warned_donor(scenario, "other");
}

/* The largest step down of the donor's target. */
static uint64_t largest_step_kib(const struct scenario *scenario)
{
    const struct writes *log = &scenario->world.store->log;
    uint64_t before_kib = 0, largest = 0;

    for (unsigned int i = 0; i < log->count; i++) {
        const struct write *write = &log->writes[i];
        uint64_t kib;

        if (write->value != NULL &&
            strstr(write->path, "/1/memory/target") != NULL &&
            number_parse(write->value, write->len, UNITS_KIB_MAX, &kib) == 0) {
            largest = units_max(largest, units_less(before_kib, kib));
            before_kib = kib;
        }
    }
    return largest;
}

static void expect_small_steps(struct scenario *scenario)
{
    uint64_t step_kib;

    (void)world_run_for(&scenario->world, NEED_MS + 30 * SECOND_MS);
    step_kib = largest_step_kib(scenario);
    if (step_kib > 2000 * MIB / INTENT_STEP_SHARE + UNITS_KIB_PER_PAGE) {
        world_break(&scenario->world, "unwarned, shrunk by %ju KiB at once",
                    (uintmax_t)step_kib);
    }
}

static void expect_refusal_to_count(struct scenario *scenario)
{
    let_answer(scenario, true);
    (void)world_run_for(&scenario->world, NEED_MS + 15 * SECOND_MS);
    if (scenario_target(scenario, "donor") <
        2000 * MIB - 2000 * MIB / INTENT_STEP_SHARE) {
        world_break(&scenario->world, "taken from who refused");
    }
}

static void expect_taker_content(struct scenario *scenario)
{
    let_answer(scenario, false);
    (void)world_run_for(&scenario->world, NEED_MS + 30 * SECOND_MS);
    if (!scenario_is_content(scenario)) {
        world_break(&scenario->world, "somebody goes short");
    }
}

static const struct mutant mutants[] = {
    {"large shrinks are not announced", warn_nobody, one_donor,
     expect_small_steps, "unwarned"},
    {"refusals are not heard", take_no_refusal, two_donors,
     expect_refusal_to_count, "who refused"},
    {"the deadline is not kept", wait_for_ever, one_donor, expect_taker_content,
     "goes short"},
};

/* ---- The tests ------------------------------------------------------------ */

static void each_rule_is_needed(void **state)
{
    (void)state;
    spoilt_check(mutants, sizeof(mutants) / sizeof(mutants[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_needed),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
