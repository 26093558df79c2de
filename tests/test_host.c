/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How short the host is, and what it keeps free: each figure by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backend/host.h"
#include "common/units.h"

#define MIB UINT64_C(1024)
#define SECOND_MS 1000
#define HOUR_MS (UINT64_C(3600) * SECOND_MS)

/* Of a host of 25600 MiB, at most 1024 of the reserve are precious. */
#define TOTAL_KIB (25600 * MIB)
#define RESERVE_KIB (1024 * MIB)
#define LAST_KIB (256 * MIB) /* a quarter of them */

struct host {
    struct snapshot snapshot;
    struct host_sums sums;
    struct decide_host memory;
};

/* Its domains hold 1000 MiB and need nothing; nothing is spendable. */
static struct host calm_host(void)
{
    struct host host = {
        .snapshot = {.now_ms = SECOND_MS,
                     .total_kib = TOTAL_KIB,
                     .free_kib = RESERVE_KIB,
                     .reserve_kib = RESERVE_KIB,
                     .emergency_permyriad = 2500},
        .sums = {.targets_kib = 1000 * MIB},
    };

    return host;
}

static void follow(struct host *host, uint64_t after_ms, uint64_t spent_kib)
{
    host->snapshot.now_ms += after_ms;
    host_follow(&host->snapshot, &host->memory, &host->sums, spent_kib);
}

/* ---- The pool ------------------------------------------------------------ */

static void what_comes_and_what_is_free_is_shared_out(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.sums.incoming_kib = 70 * MIB;
    host.sums.spendable_kib = (int64_t)(200 * MIB);
    assert_int_equal(host_pool_kib(&host.sums, &host.memory), 1270 * MIB);
}

/* The reserve may ask for what is spare, not for what is needed. */
static void short_reserve_takes_only_what_ends_an_emergency(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.sums.spendable_kib = -(int64_t)(300 * MIB);
    assert_int_equal(host_pool_kib(&host.sums, &host.memory), 1000 * MIB);
    host.memory.urgent_kib = 120 * MIB;
    assert_int_equal(host_pool_kib(&host.sums, &host.memory), 880 * MIB);
    host.memory.urgent_kib = 500 * MIB;
    assert_int_equal(host_pool_kib(&host.sums, &host.memory), 700 * MIB);
}

/* What is kept free for allowances never exceeds what is left as head-room. */
static void what_stands_by_is_no_more_than_head_room(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.sums.coming_kib = 700 * MIB;
    host.sums.allowances_kib = 100 * MIB;
    assert_int_equal(host_standby_kib(&host.sums, &host.memory), 100 * MIB);
    host.sums.allowances_kib = 400 * MIB;
    assert_int_equal(host_standby_kib(&host.sums, &host.memory), 150 * MIB);
    host.sums.coming_kib = 1100 * MIB;
    assert_int_equal(host_standby_kib(&host.sums, &host.memory), 0);
    host.sums.coming_kib = 700 * MIB;
    host.sums.spendable_kib = -(int64_t)(50 * MIB); /* the reserve is first */
    assert_int_equal(host_standby_kib(&host.sums, &host.memory), 100 * MIB);
    host.sums.spendable_kib = -(int64_t)(500 * MIB);
    assert_int_equal(host_standby_kib(&host.sums, &host.memory), 0);
}

/* ---- Moods --------------------------------------------------------------- */

static const struct {
    const char *why;
    uint64_t need_kib;
    uint64_t demand_kib;
    enum decide_mood mood;
} days[] = {
    /* One after the other; the pool is 1000 MiB. */
    {"all is there", 500 * MIB, 1000 * MIB, DECIDE_PLENTY},
    {"a page of head-room is not", 500 * MIB, 1000 * MIB + 4, DECIDE_CAREFUL},
    {"just back", 500 * MIB, 1000 * MIB, DECIDE_CAREFUL},
    {"970 and a 32nd is more", 500 * MIB, 970 * MIB, DECIDE_CAREFUL},
    {"969 and a 32nd is less", 500 * MIB, 969 * MIB, DECIDE_PLENTY},
    {"not again before all is needed", 500 * MIB, 1000 * MIB, DECIDE_PLENTY},
    {"a page of what is needed is not there", 1000 * MIB + 4, 1200 * MIB,
     DECIDE_SHORT},
    {"just back", 1000 * MIB, 1200 * MIB, DECIDE_SHORT},
    {"970 and a 32nd is more", 970 * MIB, 1200 * MIB, DECIDE_SHORT},
    {"969 and a 32nd is less", 969 * MIB, 1200 * MIB, DECIDE_CAREFUL},
    {"not again before all is needed", 1000 * MIB, 1200 * MIB, DECIDE_CAREFUL},
    {"all is there", 100 * MIB, 200 * MIB, DECIDE_PLENTY},
};

static void moods_are_left_well_past_their_threshold(void **state)
{
    struct host host = calm_host();
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        host.sums.need_kib = days[i].need_kib;
        host.sums.demand_kib = days[i].demand_kib;
        follow(&host, SECOND_MS, 0);
        if (host.memory.mood != days[i].mood) {
            fail_msg("%u, %s: %s, not %s", i, days[i].why,
                     decide_mood_word(host.memory.mood),
                     decide_mood_word(days[i].mood));
        }
        assert_int_equal(host.memory.urgent_kib, 0);
    }
}

static const struct {
    const char *why;
    uint64_t reserve_kib;
    uint64_t free_kib;
    uint64_t claimed_kib;
    uint64_t urgent_kib;
} nights[] = {
    /* One after the other. */
    {"the last quarter is there", RESERVE_KIB, LAST_KIB, 0, 0},
    {"a page of it is not", RESERVE_KIB, LAST_KIB - 4, 0, LAST_KIB + 4},
    {"just back", RESERVE_KIB, LAST_KIB, 0, LAST_KIB},
    {"nearly twice as much", RESERVE_KIB, 2 * LAST_KIB - 4, 0, 4},
    {"twice as much", RESERVE_KIB, 2 * LAST_KIB, 0, 0},
    {"the last quarter again", RESERVE_KIB, LAST_KIB, 0, 0},
    {"what is claimed is not free", RESERVE_KIB, LAST_KIB + 40 * MIB, 50 * MIB,
     LAST_KIB + 10 * MIB},
    {"more is claimed than is free", RESERVE_KIB, 10 * MIB, 50 * MIB,
     2 * LAST_KIB},
    {"no reserve, no emergency", 0, 0, 0, 0},
    {"a large reserve is comfort", 8 * RESERVE_KIB, LAST_KIB, 0, 0},
    {"a small one is all that there is", RESERVE_KIB / 2, LAST_KIB / 2 - 4, 0,
     LAST_KIB / 2 + 4},
};

static void emergency_is_when_the_last_of_the_reserve_goes(void **state)
{
    struct host host = calm_host();
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(nights) / sizeof(nights[0]); i++) {
        host.snapshot.reserve_kib = nights[i].reserve_kib;
        host.snapshot.free_kib = nights[i].free_kib;
        host.snapshot.claimed_kib = nights[i].claimed_kib;
        follow(&host, SECOND_MS, 0);
        if (host.memory.urgent_kib != nights[i].urgent_kib ||
            (host.memory.mood == DECIDE_EMERGENCY) !=
                (nights[i].urgent_kib > 0)) {
            fail_msg("%u, %s: %llu KiB urgent, %s", i, nights[i].why,
                     (unsigned long long)host.memory.urgent_kib,
                     decide_mood_word(host.memory.mood));
        }
    }
}

/* ---- What was learned ---------------------------------------------------- */

static void burst_is_what_was_granted_and_is_still_wanted(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.sums.wanted_kib = 50 * MIB;
    follow(&host, SECOND_MS, 100 * MIB);
    assert_int_equal(host.memory.burst_kib, 100 * MIB);
    assert_int_equal(host.memory.learned_kib, 150 * MIB);

    /* Half of it has gone, a bit more has come: it is no larger burst. */
    host.sums.wanted_kib = 0;
    follow(&host, DECIDE_BURST_MS, 20 * MIB);
    assert_int_equal(host.memory.burst_kib, 70 * MIB);
    /* 153600 KiB less 5 of 7200 s. */
    assert_int_equal(host.memory.learned_kib, 153600 - 106);

    /* But this is. */
    follow(&host, 0, 130 * MIB);
    assert_int_equal(host.memory.learned_kib, 200 * MIB);
}

static void half_of_what_was_learned_is_forgotten_in_an_hour(void **state)
{
    struct host host = calm_host();

    (void)state;
    follow(&host, 0, 512 * MIB);
    assert_int_equal(host.memory.learned_kib, 512 * MIB);
    follow(&host, HOUR_MS, 0);
    assert_int_equal(host.memory.learned_kib, 256 * MIB);
    follow(&host, HOUR_MS / 2, 0);
    assert_int_equal(host.memory.learned_kib, 192 * MIB);
}

/* What a backend before this one learned does not fade while none runs. */
static void first_call_forgets_nothing(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.memory.learned_kib = 64 * MIB;
    follow(&host, 100 * HOUR_MS, 0);
    assert_int_equal(host.memory.learned_kib, 64 * MIB);
}

/* The pool stays what it is, 3200 MiB; 100 MiB are a 32nd of it. */
static void leave_spendable(struct host *host, uint64_t kib)
{
    host->sums.spendable_kib = (int64_t)kib;
    host->sums.targets_kib = 3200 * MIB - kib;
    follow(host, 0, 0);
}

static void learned_reserve_is_filled_once_an_eighth_is_gone(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.memory.learned_kib = 80 * MIB;
    leave_spendable(&host, 70 * MIB);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 0);
    leave_spendable(&host, 70 * MIB - 4);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 80 * MIB);
    leave_spendable(&host, 80 * MIB - 4);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 80 * MIB);
    leave_spendable(&host, 80 * MIB);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 0);
    leave_spendable(&host, 70 * MIB);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 0);
}

static void learned_reserve_is_bounded_by_what_all_may_hold(void **state)
{
    struct host host = calm_host();

    (void)state;
    host.memory.learned_kib = 900 * MIB;
    leave_spendable(&host, 0);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 100 * MIB);
    leave_spendable(&host, 100 * MIB);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums), 0);

    /* Nothing is less than a reserve that is short. */
    host.sums.spendable_kib = -(int64_t)(10 * MIB);
    follow(&host, 0, 0);
    assert_int_equal(host_refill_kib(&host.memory, &host.sums),
                     (3100 * MIB) / DECIDE_BURST_SHARE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_and_what_is_free_is_shared_out),
        cmocka_unit_test(short_reserve_takes_only_what_ends_an_emergency),
        cmocka_unit_test(what_stands_by_is_no_more_than_head_room),
        cmocka_unit_test(moods_are_left_well_past_their_threshold),
        cmocka_unit_test(emergency_is_when_the_last_of_the_reserve_goes),
        cmocka_unit_test(burst_is_what_was_granted_and_is_still_wanted),
        cmocka_unit_test(half_of_what_was_learned_is_forgotten_in_an_hour),
        cmocka_unit_test(first_call_forgets_nothing),
        cmocka_unit_test(learned_reserve_is_filled_once_an_eighth_is_gone),
        cmocka_unit_test(learned_reserve_is_bounded_by_what_all_may_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
