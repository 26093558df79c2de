/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shrinking with warning, by the decision alone: a donor that answers
 * announcements, in one way or another, and somebody who lacks memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backend/decide.h"
#include "backend/intent.h"
#include "common/units.h"

#define MIB UINT64_C(1024)
#define WAIT_MS 2000
#define TICK_MS 100

enum { DONOR, TAKER, OTHER, DOMAINS };

struct host {
    struct snapshot snapshot;
    struct snapshot_domain domains[DOMAINS];
    struct decide_host memory;
    struct decide_memory memories[DOMAINS];
    struct decide_step steps[DOMAINS];
    struct plan plan;
};

/* A PV guest at its target, of which used_kib is in use. */
static void fill(struct snapshot_domain *domain, uint32_t domid,
                 uint64_t target_kib, uint64_t used_kib)
{
    domain->domid = domid;
    domain->current_kib = target_kib;
    domain->limit_kib = target_kib + SNAPSHOT_SLACK_KIB;
    domain->has_target = true;
    domain->target_kib = target_kib;
    domain->static_max_kib = 4096 * MIB;
    domain->floor_kib = 64 * MIB;
    domain->ceiling_kib = 4096 * MIB;
    domain->weight = 256;
    domain->voice = SNAPSHOT_VOICE_GOOD;
    domain->reported_ms = 1;
    domain->report.balloon = REPORT_BALLOON_IDLE;
    domain->report.current_kib = target_kib;
    domain->report.balloon_target_kib = target_kib;
    domain->report.target_kib = target_kib;
    domain->report.total_kib = target_kib;
    domain->report.available_kib = target_kib - used_kib;
}

/*
 * A donor of 2 GiB that uses 512 MiB, the rest being page cache; a taker that
 * lacks about half a GiB of what it uses.
 */
static void host_init(struct host *host)
{
    memset(host, 0, sizeof(*host));
    host->snapshot.now_ms = 1000000;
    host->snapshot.total_kib = 4096 * MIB;
    host->snapshot.free_kib = 128 * MIB;
    host->snapshot.reserve_kib = 128 * MIB;
    host->snapshot.emergency_permyriad = 2500;
    host->snapshot.idle_tax_permyriad = 7500;
    host->snapshot.intent_wait_ms = WAIT_MS;
    host->snapshot.domains = host->domains;
    host->snapshot.count = DOMAINS - 1;
    host->plan.steps = host->steps;
    fill(&host->domains[DONOR], 1, 2048 * MIB, 512 * MIB);
    host->domains[DONOR].has_intent = true;
    fill(&host->domains[TAKER], 2, 512 * MIB, 512 * MIB);
    host->domains[TAKER].headroom_permyriad = 10000;
}

/* One more donor, as large, that does not answer announcements. */
static void add_other(struct host *host)
{
    fill(&host->domains[OTHER], 3, 2048 * MIB, 512 * MIB);
    host->snapshot.count = DOMAINS;
}

static const struct decide_step *decide_now(struct host *host)
{
    decide(&host->snapshot, &host->memory, host->memories, &host->plan);
    return &host->steps[DONOR];
}

/* Targets and limits are as planned, and everybody holds his. */
static void carry_out(struct host *host)
{
    unsigned int i;

    for (i = 0; i < host->snapshot.count; i++) {
        struct snapshot_domain *domain = &host->domains[i];
        uint64_t target = host->steps[i].target_kib;

        host->snapshot.free_kib += domain->current_kib - target;
        domain->report.available_kib += target - domain->target_kib;
        domain->target_kib = target;
        domain->current_kib = target;
        domain->limit_kib = target + SNAPSHOT_SLACK_KIB;
        domain->report.current_kib = target;
        domain->report.balloon_target_kib = target;
        domain->report.target_kib = target;
    }
}

static const struct decide_step *tick(struct host *host)
{
    carry_out(host);
    host->snapshot.now_ms += TICK_MS;
    host->domains[DONOR].reported_ms = host->snapshot.now_ms;
    return decide_now(host);
}

static void answer(struct host *host, bool is_ready, uint64_t can_give_kib)
{
    host->domains[DONOR].answered = host->steps[DONOR].announced;
    host->domains[DONOR].is_ready = is_ready;
    host->domains[DONOR].can_give_kib = can_give_kib;
}

static uint64_t moved_kib(const struct host *host)
{
    return host->domains[DONOR].target_kib - host->steps[DONOR].target_kib;
}

/* ---- Announcing ---------------------------------------------------------- */

static void large_shrink_is_announced_and_nothing_moves(void **state)
{
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);

    step = decide_now(&host);

    assert_int_equal(step->reason.code, REASON_ANNOUNCED);
    assert_int_equal(step->target_kib, 2048 * MIB);
    assert_int_equal(step->limit_kib, host.domains[DONOR].limit_kib);
    assert_int_equal(step->announced, 1);
    assert_in_range(step->announced_kib, 1024 * MIB, 2048 * MIB - 256 * MIB);
    assert_int_equal(step->announced_wait_ms, WAIT_MS);
    assert_int_equal(step->reason.a_kib, step->announced_kib);
    assert_int_equal(step->reason.b_kib, 2048 * MIB - step->announced_kib);
    assert_true(host.plan.next_ms <= host.snapshot.now_ms + WAIT_MS);
    /* A word is no memory. */
    assert_int_equal(host.steps[TAKER].reason.code, REASON_WAITS);
}

static void without_need_of_words_it_shrinks_at_once(void **state)
{
    static const struct {
        const char *why;
        bool has_intent;
        uint64_t wait_ms;
        uint64_t lacks_kib; /* the taker, about */
        uint64_t donor_free_kib;
        uint64_t free_kib; /* in Xen */
        uint64_t donor_ceiling_kib;
    } cases[] = {
        {"it does not answer", false, WAIT_MS, 512 * MIB, 0, 128 * MIB,
         4096 * MIB},
        {"the operator wants none", true, 0, 512 * MIB, 0, 128 * MIB,
         4096 * MIB},
        {"no more than a step", true, WAIT_MS, 120 * MIB, 0, 128 * MIB,
         4096 * MIB},
        {"it lies free there", true, WAIT_MS, 512 * MIB, 700 * MIB, 128 * MIB,
         4096 * MIB},
        {"an emergency", true, WAIT_MS, 512 * MIB, 0, 4 * MIB, 4096 * MIB},
        {"its ceiling was lowered", true, WAIT_MS, 512 * MIB, 0, 128 * MIB,
         1024 * MIB},
    };

    (void)state;
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct decide_step *step;
        struct host host;

        host_init(&host);
        host.domains[DONOR].has_intent = cases[i].has_intent;
        host.snapshot.intent_wait_ms = cases[i].wait_ms;
        host.domains[TAKER].headroom_permyriad =
            cases[i].lacks_kib * 10000 / (512 * MIB);
        host.domains[DONOR].report.free_kib = cases[i].donor_free_kib;
        host.domains[DONOR].ceiling_kib = cases[i].donor_ceiling_kib;
        host.snapshot.free_kib = cases[i].free_kib;

        step = decide_now(&host);

        if (step->target_kib >= 2048 * MIB - 100 * MIB) {
            fail_msg("%s: target of %ju KiB", cases[i].why,
                     (uintmax_t)step->target_kib);
        }
        if (cases[i].donor_ceiling_kib == 4096 * MIB) {
            assert_int_equal(step->announced, 0);
        }
    }
}

static void who_does_not_answer_is_shrunk_at_the_deadline(void **state)
{
    const struct decide_step *step;
    struct host host;
    uint64_t since_ms;

    (void)state;
    host_init(&host);
    step = decide_now(&host);
    since_ms = host.snapshot.now_ms;

    while (step->reason.code == REASON_ANNOUNCED) {
        assert_int_equal(moved_kib(&host), 0);
        assert_int_equal(step->announced, 1);
        assert_int_equal(step->announced_wait_ms, WAIT_MS);
        step = tick(&host);
    }

    assert_int_equal(host.snapshot.now_ms - since_ms, WAIT_MS);
    assert_int_equal(moved_kib(&host), 2048 * MIB / INTENT_STEP_SHARE);
}

static void answer_to_another_announcement_is_none(void **state)
{
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);
    host.domains[DONOR].answered = 41;
    host.domains[DONOR].is_ready = true;
    host.domains[DONOR].can_give_kib = 1024 * MIB;

    step = decide_now(&host);
    assert_int_equal(step->announced, 42);
    assert_int_equal(step->reason.code, REASON_ANNOUNCED);
    host.domains[DONOR].answered = UINT64_MAX;
    step = tick(&host);
    assert_int_equal(step->announced, 42);
    assert_int_equal(step->reason.code, REASON_ANNOUNCED);
}

/* ---- Carrying out -------------------------------------------------------- */

static void ready_moves_the_target_by_bounded_steps(void **state)
{
    const struct decide_step *step;
    uint64_t announced_kib;
    unsigned int steps = 0;
    struct host host;

    (void)state;
    host_init(&host);
    step = decide_now(&host);
    announced_kib = step->announced_kib;
    answer(&host, true, 2048 * MIB - announced_kib);

    for (unsigned int i = 0; i < 20; i++) {
        step = tick(&host);
        assert_true(moved_kib(&host) <=
                    host.domains[DONOR].target_kib / INTENT_STEP_SHARE +
                        UNITS_KIB_PER_PAGE);
        assert_true(step->target_kib >= announced_kib);
        steps += moved_kib(&host) > 0;
    }

    assert_in_range(steps, 2, 4);
    assert_int_equal(step->announced, 0);
    assert_true(host.domains[TAKER].target_kib >= 900 * MIB);
}

static void next_step_waits_for_the_last(void **state)
{
    const struct decide_step *step;
    struct host host;
    uint64_t target_kib;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    answer(&host, true, 1024 * MIB);
    step = tick(&host);
    target_kib = step->target_kib;
    assert_true(target_kib < 2048 * MIB);

    /* The target moves, the memory does not yet. */
    carry_out(&host);
    host.domains[DONOR].current_kib = 2000 * MIB;
    host.domains[DONOR].limit_kib = 2000 * MIB + SNAPSHOT_SLACK_KIB;
    host.domains[DONOR].report.balloon = REPORT_BALLOON_MOVING;
    host.snapshot.free_kib = 128 * MIB;
    host.snapshot.now_ms += TICK_MS;
    step = decide_now(&host);

    assert_int_equal(step->target_kib, target_kib);
    assert_int_equal(step->announced, 1);
}

static void working_is_given_three_times_as_long_once(void **state)
{
    const struct decide_step *step;
    struct host host;
    uint64_t since_ms;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    since_ms = host.snapshot.now_ms;
    answer(&host, false, 0);

    step = tick(&host);
    assert_int_equal(step->announced, 1);
    assert_int_equal(step->announced_wait_ms,
                     INTENT_PATIENCE * WAIT_MS - TICK_MS);
    while (step->reason.code == REASON_ANNOUNCED) {
        assert_int_equal(step->announced_wait_ms,
                         INTENT_PATIENCE * WAIT_MS - TICK_MS);
        step = tick(&host);
    }

    assert_int_equal(host.snapshot.now_ms - since_ms,
                     INTENT_PATIENCE * WAIT_MS);
    assert_true(moved_kib(&host) > 0);
}

/* ---- Refusing ------------------------------------------------------------ */

static void who_refuses_keeps_it_and_others_are_asked(void **state)
{
    const uint64_t least_kib = 1948 * MIB;
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);
    add_other(&host);
    host.domains[TAKER].headroom_permyriad = 20000;
    host.memories[OTHER].hands_off_ms = host.snapshot.now_ms + 1;
    step = decide_now(&host);
    assert_int_equal(step->reason.code, REASON_ANNOUNCED);
    answer(&host, true, 100 * MIB);
    step = tick(&host);
    assert_int_equal(step->target_kib, least_kib);

    for (unsigned int i = 0; i < 50; i++) {
        step = tick(&host);
        assert_true(step->target_kib >= least_kib);
    }
    assert_int_equal(step->announced, 0);
    assert_int_equal(step->reason.code, REASON_REFUSES);
    assert_int_equal(step->least_kib, least_kib);
    assert_true(host.domains[OTHER].target_kib < 1300 * MIB);
    assert_true(host.domains[TAKER].target_kib >= 1400 * MIB);
}

static void refusal_is_forgotten_after_a_while(void **state)
{
    const struct decide_step *step;
    struct host host;
    uint64_t since_ms;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    answer(&host, true, 0);
    since_ms = host.snapshot.now_ms + TICK_MS;
    do {
        step = tick(&host);
        assert_int_equal(moved_kib(&host), 0);
    } while (step->announced < 2 && host.snapshot.now_ms < since_ms + 60000);

    assert_int_equal(step->announced, 2);
    assert_int_equal(host.snapshot.now_ms - since_ms, INTENT_REFUSED_MS);
}

/* What it says it can give may be anything. */
static void answers_beyond_reason_change_nothing(void **state)
{
    static const uint64_t amounts[] = {0, 1, 3000 * MIB, UNITS_KIB_MAX,
                                       UINT64_MAX};

    (void)state;
    for (unsigned int i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        const struct decide_step *step;
        struct host host;

        host_init(&host);
        step = decide_now(&host);
        answer(&host, true, amounts[i]);
        for (unsigned int j = 0; j < 20; j++) {
            step = tick(&host);
            assert_in_range(step->target_kib, 1024 * MIB, 2048 * MIB);
            assert_in_range(step->least_kib, 64 * MIB, 2048 * MIB);
        }
    }
}

/* ---- Withdrawing --------------------------------------------------------- */

static void announcement_is_withdrawn_when_nobody_lacks_anything(void **state)
{
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    host.snapshot.free_kib = 1024 * MIB;

    step = tick(&host);

    assert_int_equal(step->announced, 0);
    assert_int_equal(moved_kib(&host), 0);
    assert_int_equal(host.memories[DONOR].intent_until_ms, 0);
}

static void another_amount_does_not_begin_anew(void **state)
{
    static const uint64_t free_mib[] = {128, 120, 150, 128, 100, 180, 128};
    const struct decide_step *step;
    struct host host;
    uint64_t announced_kib;

    (void)state;
    host_init(&host);
    step = decide_now(&host);
    announced_kib = step->announced_kib;
    for (unsigned int i = 0; i < sizeof(free_mib) / sizeof(free_mib[0]); i++) {
        host.snapshot.free_kib = free_mib[i] * MIB;
        host.snapshot.now_ms += TICK_MS;
        step = decide_now(&host);

        assert_int_equal(step->announced, 1);
        assert_int_equal(step->announced_kib, announced_kib);
        assert_int_equal(step->reason.code, REASON_ANNOUNCED);
    }
    answer(&host, true, 2048 * MIB);
    for (unsigned int i = 0; i < 10; i++) {
        step = tick(&host);
        assert_true(step->announced > 1 || step->target_kib >= announced_kib);
    }
}

static void emergency_ends_the_wait(void **state)
{
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    host.snapshot.free_kib = 4 * MIB;
    host.snapshot.now_ms += TICK_MS;

    step = decide_now(&host);

    assert_int_equal(host.plan.mood, DECIDE_EMERGENCY);
    assert_int_equal(step->announced, 0);
    assert_true(moved_kib(&host) > 2048 * MIB / INTENT_STEP_SHARE);
}

static void who_falls_silent_is_left_alone_and_warned_anew(void **state)
{
    const struct decide_step *step;
    struct host host;

    (void)state;
    host_init(&host);
    (void)decide_now(&host);
    host.domains[DONOR].voice = SNAPSHOT_VOICE_STOPPED;
    host.domains[DONOR].has_intent = false;
    step = tick(&host);
    assert_int_equal(step->announced, 0);

    host.snapshot.now_ms += WAIT_MS;
    host.domains[DONOR].voice = SNAPSHOT_VOICE_GOOD;
    host.domains[DONOR].has_intent = true;
    step = tick(&host);
    assert_int_equal(step->announced, 2);
    assert_int_equal(step->reason.code, REASON_ANNOUNCED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_shrink_is_announced_and_nothing_moves),
        cmocka_unit_test(without_need_of_words_it_shrinks_at_once),
        cmocka_unit_test(who_does_not_answer_is_shrunk_at_the_deadline),
        cmocka_unit_test(answer_to_another_announcement_is_none),
        cmocka_unit_test(ready_moves_the_target_by_bounded_steps),
        cmocka_unit_test(next_step_waits_for_the_last),
        cmocka_unit_test(working_is_given_three_times_as_long_once),
        cmocka_unit_test(who_refuses_keeps_it_and_others_are_asked),
        cmocka_unit_test(refusal_is_forgotten_after_a_while),
        cmocka_unit_test(answers_beyond_reason_change_nothing),
        cmocka_unit_test(announcement_is_withdrawn_when_nobody_lacks_anything),
        cmocka_unit_test(another_amount_does_not_begin_anew),
        cmocka_unit_test(emergency_ends_the_wait),
        cmocka_unit_test(who_falls_silent_is_left_alone_and_warned_anew),
    };

    return cmocka_run_group_tests_name("intent", tests, NULL, NULL);
}
