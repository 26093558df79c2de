/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The price of memory when there is not enough for all: known answers, and a
 * hundred thousand small hosts against a solver that takes its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backend/price.h"
#include "common/units.h"

#define GIB (UINT64_C(1024) * 1024)
#define DOMAINS_MAX 6
#define ROUNDS 100000

struct host {
    struct snapshot snapshot;
    struct decide_step steps[DOMAINS_MAX];
    struct plan plan;
    struct price_rule rule;
    uint64_t pool_kib;
};

static void host_init(struct host *host, bool is_taxed, uint64_t tax_permyriad)
{
    memset(host, 0, sizeof(*host));
    host->plan.steps = host->steps;
    host->rule = price_rule(is_taxed ? tax_permyriad : 0);
}

static struct decide_step *add(struct host *host, uint64_t weight,
                               uint64_t low_kib, uint64_t need_kib,
                               uint64_t high_kib)
{
    struct decide_step *step = &host->steps[host->snapshot.count++];

    step->state = DECIDE_MANAGED;
    step->weight = weight;
    step->base_kib = low_kib;
    step->low_kib = low_kib;
    step->need_kib = need_kib;
    step->high_kib = high_kib;
    return step;
}

static void solve(struct host *host, uint64_t shares[DOMAINS_MAX])
{
    struct price_buyers buyers = PRICE_NO_BUYERS;
    uint64_t price;

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        if (host->steps[i].state == DECIDE_MANAGED) {
            price_add(&host->rule, &host->steps[i], &buyers);
        }
    }
    price = price_find(&host->rule, &buyers, &host->snapshot, &host->plan,
                       host->pool_kib);

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        shares[i] = host->steps[i].state == DECIDE_MANAGED
                        ? price_share(&host->rule, &host->steps[i], price)
                        : 0;
    }
}

/* Two equal domains share 18 GiB; A uses 0.9 of it, B all. */
static void idle_memory_is_taxed(void **state)
{
    static const struct {
        uint64_t tax_permyriad;
        uint64_t a_kib;
        uint64_t b_kib;
    } cases[] = {
        {7500, GIB * 420 / 100, GIB * 1380 / 100},
        {0, 9 * GIB, 9 * GIB},
        {9999, GIB, 17 * GIB},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct host host;
        uint64_t shares[DOMAINS_MAX];

        host_init(&host, true, cases[i].tax_permyriad);
        add(&host, 100, GIB, 9 * GIB / 10, 18 * GIB);
        add(&host, 100, GIB, 18 * GIB, 18 * GIB);
        host.pool_kib = 18 * GIB;
        solve(&host, shares);
        assert_in_range(shares[0], cases[i].a_kib - GIB / 20,
                        cases[i].a_kib + GIB / 20);
        assert_in_range(shares[1], cases[i].b_kib - GIB / 20,
                        cases[i].b_kib + GIB / 20);
    }
}

/* Weights 400:100:100 over 30 GiB, with least amounts of 2: 18, 6, 6. */
static void weights_count_beyond_the_least(void **state)
{
    struct host host;
    uint64_t shares[DOMAINS_MAX];

    (void)state;
    host_init(&host, false, 0);
    add(&host, 400, 2 * GIB, 20 * GIB, 20 * GIB);
    add(&host, 100, 2 * GIB, 20 * GIB, 20 * GIB);
    add(&host, 100, 2 * GIB, 20 * GIB, 20 * GIB);
    host.pool_kib = 30 * GIB;
    solve(&host, shares);
    assert_in_range(shares[0], 18 * GIB - 8, 18 * GIB);
    assert_in_range(shares[1], 6 * GIB - 8, 6 * GIB);
    assert_in_range(shares[2], 6 * GIB - 8, 6 * GIB);
}

static void nothing_is_below_the_least_or_above_the_most(void **state)
{
    struct host host;
    uint64_t shares[DOMAINS_MAX];

    (void)state;
    host_init(&host, true, 7500);
    add(&host, 1, 3 * GIB, 4 * GIB, 5 * GIB);
    add(&host, 65536, GIB, 2 * GIB, 2 * GIB);
    host.pool_kib = 0;
    solve(&host, shares);
    assert_int_equal(shares[0], 3 * GIB);
    assert_int_equal(shares[1], GIB);
    host.pool_kib = 100 * GIB;
    solve(&host, shares);
    assert_int_equal(shares[0], 5 * GIB);
    assert_int_equal(shares[1], 2 * GIB);
}

/* ---- Against a solver that takes its time -------------------------------- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static void draw_host(struct host *host, uint64_t seed)
{
    unsigned int count;
    uint64_t least = 0;
    uint64_t most = 0;

    random_state = seed;
    host_init(host, draw(2) == 0, draw(9901));
    count = 1 + (unsigned int)draw(DOMAINS_MAX);
    while (count-- > 0) {
        uint64_t low = draw(GIB);
        uint64_t high = low + draw(draw(4) == 0 ? 2 : 8 * GIB);
        struct decide_step *step = add(host, 1 + draw(draw(2) == 0 ? 4 : 65536),
                                       low, low + draw(high - low + 1), high);

        if (draw(3) == 0) {
            step->base_kib = draw(low + 1);
        }
        if (draw(8) == 0) {
            step->state = DECIDE_FIXED;
            continue;
        }
        least += low;
        most += high;
    }
    host->pool_kib = least + draw(most - least + GIB);
}

__extension__ typedef unsigned __int128 wide;

/*
 * What one gets at a level of 2^-24 KiB for each of weight, by the definition:
 * exact to far less than a KiB, in 128 bits.
 */
static uint64_t share_at(const struct host *host,
                         const struct decide_step *step, uint64_t level)
{
    wide buys = ((wide)step->base_kib << 24) + (wide)level * step->weight;
    wide need = (wide)units_max(step->need_kib, step->base_kib) << 24;

    if (buys > need) {
        buys = need + (buys - need) * host->rule.kept_permyriad / 10000;
    }
    buys >>= 24;
    return buys > step->high_kib ? step->high_kib
                                 : units_max((uint64_t)buys, step->low_kib);
}

static uint64_t bill_at(const struct host *host, uint64_t level)
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        if (host->steps[i].state == DECIDE_MANAGED) {
            sum += share_at(host, &host->steps[i], level);
        }
    }
    return sum;
}

/* The highest level within the pool, one bit at a time from the top. */
static uint64_t solve_slowly(const struct host *host)
{
    uint64_t level = 0;

    for (int bit = 62; bit >= 0; bit--) {
        if (bill_at(host, level | UINT64_C(1) << bit) <= host->pool_kib) {
            level |= UINT64_C(1) << bit;
        }
    }
    return level;
}

static void shares_are_exact(void **state)
{
    const char *given = getenv("XENBALLOON_SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;
    unsigned int splits = 0;

    (void)state;
    for (uint64_t seed = first; seed < first + ROUNDS; seed++) {
        struct host host;
        uint64_t shares[DOMAINS_MAX];
        uint64_t sum = 0;
        uint64_t level;

        draw_host(&host, seed);
        solve(&host, shares);
        level = solve_slowly(&host);
        for (unsigned int i = 0; i < host.snapshot.count; i++) {
            uint64_t exact = 0;

            if (host.steps[i].state == DECIDE_MANAGED) {
                exact = share_at(&host, &host.steps[i], level);
                splits += exact > host.steps[i].low_kib &&
                          exact < host.steps[i].high_kib;
            }
            sum += shares[i];
            if (units_distance(shares[i], exact) > UNITS_KIB_PER_PAGE) {
                fail_msg("domain %u gets %llu, not %llu, XENBALLOON_SEED=%llu",
                         i, (unsigned long long)shares[i],
                         (unsigned long long)exact, (unsigned long long)seed);
            }
        }
        if (sum > host.pool_kib && sum > bill_at(&host, 0)) {
            fail_msg("more than there is, XENBALLOON_SEED=%llu",
                     (unsigned long long)seed);
        }
    }
    assert_true(splits > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_memory_is_taxed),
        cmocka_unit_test(weights_count_beyond_the_least),
        cmocka_unit_test(nothing_is_below_the_least_or_above_the_most),
        cmocka_unit_test(shares_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
