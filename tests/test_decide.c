/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision alone: tables of small hosts, and properties over random ones.
 * The seed of a failed property is in its message; XENBALLOON_SEED repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/decide.h"
#include "backend/host.h"
#include "backend/share.h"
#include "backend/sums.h"
#include "common/units.h"
#include "tests/smallhost.h"

#define ROUNDS 3000

static bool is_changed(const struct host *host, unsigned int i)
{
    return host->steps[i].target_kib != host->domains[i].target_kib ||
           host->steps[i].limit_kib != host->domains[i].limit_kib;
}

/* ---- Tables ------------------------------------------------------------- */

static void taker_gets_from_what_is_free(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 600 * MIB, 100 * MIB);
    host_add(&host, 128 * MIB, 120 * MIB);

    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, host.steps[0].demand_kib);
    assert_true(host.steps[0].demand_kib >= 120 * MIB + DECIDE_HEADROOM_KIB);
    assert_int_equal(host.steps[0].limit_kib,
                     host.steps[0].target_kib + SNAPSHOT_SLACK_KIB);
    assert_int_equal(host.steps[0].reason.code, REASON_NEEDS);
}

static void donor_gives_first_and_only_what_is_lacking(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 100 * MIB, 100 * MIB);
    host_add(&host, 128 * MIB, 128 * MIB);
    host_add(&host, 512 * MIB, 60 * MIB);

    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, 128 * MIB);
    assert_int_equal(host.steps[0].reason.code, REASON_WAITS);
    assert_int_equal(host.steps[1].reason.code, REASON_GIVES);
    assert_true(host.steps[1].target_kib >
                host.steps[1].demand_kib + 100 * MIB);
}

static void shortage_is_shared_by_weight(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 0, 0);
    host_add(&host, 300 * MIB, 300 * MIB)->weight = 400;
    host_add(&host, 300 * MIB, 300 * MIB)->weight = 100;
    host.domains[0].report.current_kib = 900 * MIB;

    host_decide(&host);

    assert_int_equal(host.steps[1].reason.code, REASON_SHARES);
    /* A fifth of what there is beyond two floors of 64 MiB, and its own. */
    assert_in_range(host.steps[1].target_kib, 158 * MIB, 159 * MIB);
}

/* Shares of head-room change with each breath of others. */
static void head_room_is_not_topped_up_for_little(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 20 * MIB, 0);
    host_add(&host, 356 * MIB, 300 * MIB);
    host_add(&host, 356 * MIB, 300 * MIB);
    host_decide(&host);
    assert_int_equal(host.steps[0].goal_kib, 365 * MIB); /* and slack */
    assert_false(is_changed(&host, 0));
    assert_false(is_changed(&host, 1));
    assert_int_equal(host.steps[0].reason.code, REASON_SHORT);

    host_init(&host, 60 * MIB, 0);
    host_add(&host, 336 * MIB, 300 * MIB);
    host_add(&host, 336 * MIB, 300 * MIB);
    host_decide(&host);
    assert_int_equal(host.steps[0].target_kib, host.steps[0].goal_kib);
    assert_true(host.steps[0].goal_kib > 360 * MIB);
}

/* What lies idle may stay, but for somebody who would be killed for it. */
static void idle_memory_yields_to_peril(void **state)
{
    struct host host;
    uint64_t kept;

    (void)state;
    host_init(&host, 0, 0);
    host.snapshot.idle_tax_permyriad = 7500;
    host_add(&host, 300 * MIB, 20 * MIB);
    host_add(&host, 300 * MIB, 300 * MIB)->report.current_kib = 900 * MIB;

    host_decide(&host);
    kept = host.steps[0].target_kib;
    assert_true(kept > host.steps[0].demand_kib + 30 * MIB);

    host.domains[1].report.floor_kib = 850 * MIB;
    host_decide(&host);
    assert_in_range(host.steps[0].target_kib, host.steps[0].demand_kib - 4,
                    host.steps[0].demand_kib);
}

/*
 * Half of all head-room is to be free for bursts; who breathes gives of its own
 * for that only where somebody has nothing but memory to burst into.
 */
static void who_breathes_gives_for_who_cannot_swap(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 0, 0);
    host_add(&host, 450 * MIB, 300 * MIB)->has_reflex = true;
    host_add(&host, 330 * MIB, 300 * MIB)->has_reflex = true;
    host.memories[0].breathes_ms = host.snapshot.now_ms + 1000;

    host_decide(&host);
    assert_int_equal(host.plan.mood, DECIDE_PLENTY);
    assert_int_equal(host.steps[0].target_kib, 450 * MIB);

    host.domains[1].report.floor_kib = 300 * MIB;
    host_decide(&host);
    assert_int_equal(host.steps[0].reason.code, REASON_TRIMS);
    assert_in_range(host.steps[0].target_kib, 355 * MIB, 365 * MIB);
}

/* A limit that has still to follow is nobody's loss. */
static void shares_do_not_dip_while_a_limit_follows(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 100 * MIB, 100 * MIB);
    host_add(&host, 200 * MIB, 200 * MIB);
    host_add(&host, 200 * MIB, 200 * MIB)->limit_kib = 208 * MIB;

    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, 200 * MIB);
    assert_in_range(host.steps[1].target_kib, 200 * MIB, 204 * MIB);
}

/* The copy of its memory has no room for more; what it lends itself is more. */
static void who_is_saved_neither_grows_nor_shrinks(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 512 * MIB, 0);
    host_add(&host, 512 * MIB, 512 * MIB)->is_saving = true;
    host.domains[0].report.current_kib = 600 * MIB;
    host.domains[0].has_reflex = true;
    host.domains[0].reported_ms = host.snapshot.now_ms;
    host.domains[0].allowance_kib = 64 * MIB;
    host.domains[0].limit_kib += 64 * MIB;
    host.domains[0].report.floor_kib = 100 * MIB;
    host_decide(&host);
    assert_int_equal(host.steps[0].state, DECIDE_SAVING);
    assert_int_equal(host.steps[0].target_kib, 512 * MIB);
    assert_int_equal(host.steps[0].allowance_kib, 0);
    assert_int_equal(host.steps[0].limit_kib, 512 * MIB + SNAPSHOT_SLACK_KIB);

    host.domains[0].report.floor_kib = 590 * MIB; /* it cannot swap */
    host_decide(&host);
    assert_int_equal(host.steps[0].state, DECIDE_MANAGED);
    assert_true(host.steps[0].target_kib > 600 * MIB);

    host_init(&host, 0, 0);
    host_add(&host, 512 * MIB, 60 * MIB)->is_saving = true;
    host_add(&host, 128 * MIB, 300 * MIB);
    host_decide(&host);
    assert_int_equal(host.steps[0].target_kib, 512 * MIB);
    assert_int_equal(host.steps[1].reason.code, REASON_SHORT);
}

static void untouchable_domains_are_left_alone(void **state)
{
    struct host host;
    unsigned int i;

    (void)state;
    host_init(&host, 0, 100 * MIB);
    host_add(&host, 128 * MIB, 128 * MIB); /* 0: a taker that nobody serves */
    host_add(&host, 512 * MIB, 60 * MIB)->is_dying = true;
    host_add(&host, 512 * MIB, 60 * MIB)->is_service = true;
    host_add(&host, 512 * MIB, 60 * MIB)->claimed_kib = 4;
    host_add(&host, 512 * MIB, 60 * MIB)->has_target = false;
    host_add(&host, 512 * MIB, 60 * MIB)->leave_alone = true;
    host_add(&host, 512 * MIB, 60 * MIB)->ceiling_kib = 64 * MIB;
    host_add(&host, 512 * MIB, 60 * MIB)->is_operators = true;
    host_add(&host, 512 * MIB, 60 * MIB)->voice = SNAPSHOT_VOICE_NONE;
    host_add(&host, 512 * MIB, 60 * MIB)->voice = SNAPSHOT_VOICE_SILENT;
    host_add(&host, 512 * MIB, 60 * MIB)->voice = SNAPSHOT_VOICE_STOPPED;
    host_add(&host, 512 * MIB, 60 * MIB)->voice = SNAPSHOT_VOICE_GARBLED;

    host_decide(&host);

    for (i = 1; i < host.snapshot.count; i++) {
        assert_false(is_changed(&host, i));
        assert_int_not_equal(host.steps[i].state, DECIDE_MANAGED);
        assert_int_not_equal(host.steps[i].reason.code, REASON_NONE);
    }
}

static void domain_that_does_not_move_is_named_and_given_up(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 600 * MIB, 100 * MIB);
    host_add(&host, 256 * MIB, 100 * MIB);
    host.domains[0].current_kib = 128 * MIB; /* asked to grow to 256 */

    host_decide(&host);
    assert_int_equal(host.steps[0].state, DECIDE_MANAGED);
    host.snapshot.now_ms += DECIDE_STUCK_MS;
    host_decide(&host);

    assert_int_equal(host.steps[0].state, DECIDE_STUCK);
    assert_int_equal(host.steps[0].reason.code, REASON_GAVE_UP);
    assert_int_equal(host.steps[0].target_kib, 128 * MIB);
}

static void guest_refuses_to_give_but_never_gets_by_it(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 300 * MIB, 100 * MIB);
    host_add(&host, 128 * MIB, 40 * MIB)->report.floor_kib = UNITS_KIB_MAX;

    host_decide(&host);

    assert_int_equal(host.steps[0].demand_kib, 128 * MIB);
    assert_false(is_changed(&host, 0));
}

static void lowered_ceiling_binds(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 300 * MIB, 100 * MIB);
    host_add(&host, 512 * MIB, 40 * MIB)->ceiling_kib = 200 * MIB;

    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, 200 * MIB);
    assert_int_equal(host.steps[0].reason.code, REASON_ABOVE_CEILING);
}

static void limit_comes_down_behind_what_is_held(void **state)
{
    struct host host;
    struct snapshot_domain *domain;

    (void)state;
    host_init(&host, 300 * MIB, 100 * MIB);
    domain = host_add(&host, 200 * MIB, 100 * MIB);
    domain->current_kib = 300 * MIB; /* on its way down from 400 */
    domain->limit_kib = 401 * MIB;

    host_decide(&host);

    assert_true(host.steps[0].limit_kib >= domain->current_kib);
    assert_true(host.steps[0].limit_kib < domain->limit_kib);
}

/* ---- Properties ---------------------------------------------------------- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    /* splitmix64: one line, and good enough to make hosts. */
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static void draw_domain(struct host *host)
{
    uint64_t target = units_whole_pages((64 + draw(900)) * MIB + draw(4096));
    struct snapshot_domain *domain = host_add(host, target, draw(target + 1));

    domain->floor_kib = units_whole_pages(draw(300 * MIB));
    domain->ceiling_kib =
        domain->floor_kib + units_whole_pages(draw(900 * MIB));
    domain->weight = 1 + draw(1000);
    domain->is_hvm = draw(2) == 0;
    domain->videoram_kib = draw(4) == 0 ? 8 * MIB : 0;
    domain->current_kib += draw(3) == 0 ? draw(64 * MIB) / 4 * 4 : 0;
    domain->limit_kib = units_max(domain->limit_kib + domain->videoram_kib,
                                  domain->current_kib);
    if (draw(6) == 0) {
        domain->limit_kib = domain->current_kib; /* somebody lowered it */
    }
    domain->is_dying = draw(12) == 0;
    domain->is_operators = draw(12) == 0;
    domain->claimed_kib = draw(12) == 0 ? 4 * draw(MIB) : 0;
    domain->voice =
        draw(4) != 0 ? SNAPSHOT_VOICE_GOOD : (enum snapshot_voice)draw(5);
    domain->report.floor_kib = draw(4) == 0 ? draw(UNITS_KIB_MAX) : 0;
    domain->report.balloon = (enum report_balloon)draw(4);
    if (draw(6) == 0) {
        /* Parsed and bounded, and nonsense all the same. */
        domain->report.current_kib = draw(UNITS_KIB_MAX);
        domain->report.available_kib = draw(UNITS_KIB_MAX);
        domain->report.target_kib = draw(UNITS_KIB_MAX);
        domain->report.balloon_target_kib = draw(UNITS_KIB_MAX);
    }
}

static void draw_host(struct host *host, uint64_t seed)
{
    uint64_t domains;

    random_state = seed;
    host_init(host, draw(800 * MIB) / 4 * 4, draw(300 * MIB));
    host->snapshot.idle_tax_permyriad = draw(9901);
    domains = 1 + draw(DOMAINS_MAX - 1);
    while (domains-- > 0) {
        draw_domain(host);
    }
}

static uint64_t first_seed(void)
{
    const char *seed = getenv("XENBALLOON_SEED");

    return seed != NULL ? strtoull(seed, NULL, 10) : 1;
}

static void check(bool holds, const char *what, uint64_t seed, unsigned int i)
{
    if (!holds) {
        fail_msg("%s: domain %u, XENBALLOON_SEED=%llu", what, i,
                 (unsigned long long)seed);
    }
}

static void check_step(const struct host *host, unsigned int i, uint64_t seed)
{
    const struct snapshot_domain *domain = &host->domains[i];
    const struct decide_step *step = &host->steps[i];

    check(step->reason.code != REASON_NONE, "no reason", seed, i);
    check(step->target_kib % UNITS_KIB_PER_PAGE == 0 ||
              step->target_kib == domain->target_kib,
          "part of a page", seed, i);
    if (step->state == DECIDE_OPERATOR) {
        check(step->target_kib == domain->target_kib, "moved the operator's",
              seed, i);
        check(step->limit_kib >= domain->limit_kib, "took from the operator's",
              seed, i);
        return;
    }
    if (step->state != DECIDE_MANAGED && step->state != DECIDE_STUCK) {
        check(!is_changed(host, i), "touched the untouchable", seed, i);
        return;
    }
    if (step->target_kib != domain->target_kib) {
        check(step->target_kib <= domain->ceiling_kib, "above ceiling", seed,
              i);
        check(step->target_kib >= domain->floor_kib ||
                  step->target_kib > domain->target_kib,
              "lowered below floor", seed, i);
    }
    if (step->target_kib > domain->target_kib) {
        check(step->limit_kib >=
                  step->target_kib + domain->videoram_kib + SNAPSHOT_SLACK_KIB,
              "limit below a raised target", seed, i);
    }
    if (step->limit_kib < domain->limit_kib) {
        check(step->limit_kib >= domain->current_kib,
              "limit below what is held", seed, i);
    }
}

static void every_plan_is_within_bounds(void **state)
{
    uint64_t seed = first_seed();
    uint64_t last = seed + ROUNDS;
    struct host host;

    (void)state;
    for (; seed < last; seed++) {
        unsigned int i;

        draw_host(&host, seed);
        host_decide(&host);
        for (i = 0; i < host.snapshot.count; i++) {
            check_step(&host, i, seed);
        }
        check(host.plan.next_ms > host.snapshot.now_ms, "never sleeps", seed,
              0);
    }
}

/* New promises of one plan are covered by what is free above the reserve. */
static void promises_are_covered(void **state)
{
    uint64_t seed = first_seed();
    uint64_t last = seed + ROUNDS;
    struct host host;

    (void)state;
    for (; seed < last; seed++) {
        uint64_t promised = 0;
        unsigned int i;

        draw_host(&host, seed);
        /* Limits that somebody lowered: a raise costs the slack as well. */
        for (i = 0; i < host.snapshot.count; i += 2) {
            host.domains[i].limit_kib = host.domains[i].current_kib;
        }
        host_decide(&host);
        for (i = 0; i < host.snapshot.count; i++) {
            if (host.steps[i].state == DECIDE_MANAGED) {
                promised += units_less(host.steps[i].limit_kib,
                                       units_max(host.domains[i].limit_kib,
                                                 host.domains[i].current_kib));
            }
        }
        check(promised <= host.plan.spendable_kib, "promised too much", seed,
              0);
    }
}

/* What one gets at a price, told by the definition. */
static uint64_t share_at(const struct decide_step *step,
                         uint64_t kept_permyriad, uint64_t price)
{
    uint64_t share = step->base_kib + units_scale(price, step->weight, 65536);
    uint64_t used = units_max(step->need_kib, step->base_kib);

    if (share > used) {
        share = used + (share - used) * kept_permyriad / 10000;
    }
    return units_clamp(share, step->low_kib, step->high_kib);
}

/* What all get at a price. */
static uint64_t bill_at(const struct host *host, bool is_taxed, uint64_t price,
                        uint64_t shares[DOMAINS_MAX])
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        shares[i] =
            host->steps[i].state == DECIDE_MANAGED
                ? share_at(&host->steps[i],
                           is_taxed ? 10000 - host->snapshot.idle_tax_permyriad
                                    : 10000,
                           price)
                : 0;
        sum += shares[i];
    }
    return sum;
}

static struct host_sums sums_of(const struct host *host)
{
    struct host_sums sums = {0};

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        sums_count(&host->domains[i], &host->memories[i], &host->steps[i],
                   host->snapshot.now_ms, &sums);
    }
    sums.spendable_kib =
        (int64_t)host->snapshot.free_kib - (int64_t)host->snapshot.claimed_kib -
        (int64_t)sums.promised_kib - (int64_t)host->snapshot.reserve_kib;
    return sums;
}

/* The highest price within the pool, one bit at a time from the top. */
static void solve_slowly(const struct host *host, bool is_taxed,
                         uint64_t pool_kib, uint64_t shares[DOMAINS_MAX])
{
    uint64_t price = 0;

    for (int bit = 48; bit >= 0; bit--) {
        if (bill_at(host, is_taxed, price | UINT64_C(1) << bit, shares) <=
            pool_kib) {
            price |= UINT64_C(1) << bit;
        }
    }
    (void)bill_at(host, is_taxed, price, shares);
}

/*
 * Shares are those of a solver that takes its time.  Prices that differ by what
 * is less than a KiB for each domain are one price.
 */
static void shares_are_exact(void **state)
{
    uint64_t seed = first_seed();
    uint64_t last = seed + ROUNDS;
    unsigned int shortages = 0;
    struct host host;

    (void)state;
    for (; seed < last; seed++) {
        uint64_t shares[DOMAINS_MAX];
        struct host_sums sums;
        uint64_t pool;
        bool is_short = false;

        draw_host(&host, seed);
        /* Nothing is free, and all want more than they hold. */
        host.snapshot.free_kib = host.snapshot.reserve_kib;
        for (unsigned int i = 0; i < host.snapshot.count; i++) {
            host.domains[i].report.available_kib /= 16;
            host.domains[i].ceiling_kib += 900 * MIB;
        }
        host_decide(&host);
        for (unsigned int i = 0; i < host.snapshot.count; i++) {
            is_short |= host.steps[i].state == DECIDE_MANAGED &&
                        host.steps[i].goal_kib < host.steps[i].demand_kib;
        }
        if (!is_short) {
            continue;
        }
        shortages++;
        sums = sums_of(&host);
        pool = host_pool_kib(&sums, &host.memory);
        solve_slowly(&host, sums.need_kib > pool, pool, shares);
        for (unsigned int i = 0; i < host.snapshot.count; i++) {
            check(units_distance(host.steps[i].goal_kib, shares[i]) <=
                      host.snapshot.count + UNITS_KIB_PER_PAGE,
                  "not its share", seed, i);
        }
    }
    assert_true(shortages > ROUNDS / 10);
}

static void deciding_again_changes_nothing(void **state)
{
    uint64_t seed = first_seed();
    uint64_t last = seed + ROUNDS;
    struct host host;

    (void)state;
    for (; seed < last; seed++) {
        struct decide_step first[DOMAINS_MAX];
        unsigned int i;

        draw_host(&host, seed);
        host_decide(&host);
        memcpy(first, host.steps, sizeof(first));
        host_decide(&host);
        for (i = 0; i < host.snapshot.count; i++) {
            check(first[i].target_kib == host.steps[i].target_kib &&
                      first[i].limit_kib == host.steps[i].limit_kib,
                  "not the same plan", seed, i);
        }
    }
}

/*
 * The same host told from the other end gets the same plan.  A plan in which
 * free memory does not go round may differ by a grant of rounding.
 */
static void order_of_domains_does_not_matter(void **state)
{
    uint64_t seed = first_seed();
    uint64_t last = seed + ROUNDS;
    struct host host;
    struct host mirror;

    (void)state;
    for (; seed < last; seed++) {
        unsigned int count;
        unsigned int i;

        draw_host(&host, seed);
        draw_host(&mirror, seed);
        count = host.snapshot.count;
        for (i = 0; i < count; i++) {
            mirror.domains[i] = host.domains[count - 1 - i];
        }
        host_decide(&host);
        host_decide(&mirror);
        for (i = 0; i < count; i++) {
            check(host.steps[i].target_kib ==
                      mirror.steps[count - 1 - i].target_kib,
                  "order matters", seed, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taker_gets_from_what_is_free),
        cmocka_unit_test(donor_gives_first_and_only_what_is_lacking),
        cmocka_unit_test(shortage_is_shared_by_weight),
        cmocka_unit_test(head_room_is_not_topped_up_for_little),
        cmocka_unit_test(idle_memory_yields_to_peril),
        cmocka_unit_test(who_breathes_gives_for_who_cannot_swap),
        cmocka_unit_test(shares_do_not_dip_while_a_limit_follows),
        cmocka_unit_test(who_is_saved_neither_grows_nor_shrinks),
        cmocka_unit_test(untouchable_domains_are_left_alone),
        cmocka_unit_test(domain_that_does_not_move_is_named_and_given_up),
        cmocka_unit_test(guest_refuses_to_give_but_never_gets_by_it),
        cmocka_unit_test(lowered_ceiling_binds),
        cmocka_unit_test(limit_comes_down_behind_what_is_held),
        cmocka_unit_test(every_plan_is_within_bounds),
        cmocka_unit_test(promises_are_covered),
        cmocka_unit_test(shares_are_exact),
        cmocka_unit_test(deciding_again_changes_nothing),
        cmocka_unit_test(order_of_domains_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
