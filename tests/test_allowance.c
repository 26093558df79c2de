/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The burst allowance: who may take how much by itself; and, played over many
 * random hosts whose guests take at the worst of times, that no promise is ever
 * without cover.  XENBALLOON_SEED repeats a failed one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/allowance.h"
#include "backend/share.h"
#include "common/units.h"
#include "tests/smallhost.h"

#define RESERVE_KIB (100 * MIB)
#define HOSTS 400
#define ROUNDS 60

/* Its frontend reports that it uses used_kib of what it holds. */
static void report(struct host *host, struct snapshot_domain *domain,
                   uint64_t used_kib, uint64_t reflex_kib)
{
    struct report *said = &domain->report;

    *said = (struct report){
        .heartbeat_ms = 10000,
        .current_kib = domain->current_kib,
        .balloon_target_kib = domain->target_kib + reflex_kib,
        .target_kib = domain->target_kib,
        .total_kib = domain->current_kib,
        .available_kib = units_less(domain->current_kib, used_kib),
        .swap_total_kib = 512 * MIB,
        .swap_free_kib = 512 * MIB,
        .reflex_kib = reflex_kib,
    };
    domain->reported_ms = host->snapshot.now_ms;
}

static struct snapshot_domain *guest_add(struct host *host, uint64_t target_kib,
                                         uint64_t used_kib)
{
    struct snapshot_domain *domain = host_add(host, target_kib, used_kib);

    domain->static_max_kib = 4096 * MIB;
    domain->ceiling_kib = 4096 * MIB;
    domain->has_reflex = true;
    report(host, domain, used_kib, 0);
    return domain;
}

/* As act.c does it, at once; every guest is told. */
static void carry_out(struct host *host)
{
    unsigned int i;

    for (i = 0; i < host->snapshot.count; i++) {
        host->domains[i].limit_kib = host->steps[i].limit_kib;
        host->domains[i].our_limit_kib = host->steps[i].limit_kib;
        host->domains[i].target_kib = host->steps[i].target_kib;
        host->domains[i].allowance_kib = host->steps[i].allowance_kib;
    }
    host->snapshot.now_ms += 1000;
}

/* The guest's own doing, as far as Xen allows it. */
static void take(struct host *host, unsigned int i, uint64_t kib)
{
    struct snapshot_domain *domain = &host->domains[i];
    uint64_t room = units_less(domain->limit_kib, domain->current_kib);
    uint64_t taken = units_min(units_min(kib, room), host->snapshot.free_kib);

    domain->current_kib += taken;
    host->snapshot.free_kib -= taken;
}

static void give_back(struct host *host, unsigned int i, uint64_t kib)
{
    struct snapshot_domain *domain = &host->domains[i];

    kib = units_min(kib, domain->current_kib);
    domain->current_kib -= kib;
    host->snapshot.free_kib += kib;
}

static uint64_t room_kib(const struct host *host, unsigned int i)
{
    return units_less(
        host->steps[i].limit_kib,
        share_limit_kib(&host->domains[i], host->steps[i].target_kib));
}

/* ---- Who has how much ------------------------------------------------------ */

static void there_is_enough_for_all(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 2000 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    guest_add(&host, 2048 * MIB, 1024 * MIB);

    host_decide(&host);

    assert_int_equal(host.steps[0].allowance_kib, DECIDE_ALLOWANCE_KIB);
    assert_int_equal(host.steps[1].allowance_kib,
                     2048 * MIB / DECIDE_ALLOWANCE_SHARE);
    assert_int_equal(room_kib(&host, 0), host.steps[0].allowance_kib);
    assert_int_equal(room_kib(&host, 1), host.steps[1].allowance_kib);
    assert_int_equal(host.steps[0].reason.code, REASON_ALLOWANCE);
}

static void what_there_is_goes_by_weight(void **state)
{
    struct host host;
    uint64_t sum;

    (void)state;
    host_init(&host, 172 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB)->weight = 512;
    guest_add(&host, 400 * MIB, 200 * MIB);

    host_decide(&host);

    sum = host.steps[0].allowance_kib + host.steps[1].allowance_kib;
    assert_in_range(sum, 56 * MIB, 72 * MIB);
    assert_true(host.steps[0].allowance_kib >= host.steps[1].allowance_kib * 2);
}

static void nobody_has_one_who_may_not(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 2000 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB)->has_reflex = false;
    guest_add(&host, 400 * MIB, 200 * MIB)->leave_alone = true;
    guest_add(&host, 400 * MIB, 200 * MIB)->is_operators = true;
    guest_add(&host, 400 * MIB, 200 * MIB)->voice = SNAPSHOT_VOICE_SILENT;
    guest_add(&host, 400 * MIB, 200 * MIB)->ceiling_kib = 400 * MIB;
    host.domains[4].floor_kib = 128 * MIB;
    guest_add(&host, 400 * MIB, 200 * MIB);
    host.memories[5].retry_after_ms = DECIDE_RETRY_MS; /* it was stuck */

    host_decide(&host);

    for (unsigned int i = 0; i < host.snapshot.count; i++) {
        assert_int_equal(host.steps[i].allowance_kib, 0);
        assert_int_equal(room_kib(&host, i), 0);
    }
}

/* Where memory comes slowly, it has to be there before. */
static void who_moves_slowly_has_one(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 2000 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    host.memories[0].down_kib_s = DECIDE_SLOW_KIB_S / 2;

    host_decide(&host);

    assert_int_equal(host.steps[0].trust, DECIDE_SLOW);
    assert_int_equal(host.steps[0].allowance_kib, DECIDE_ALLOWANCE_KIB);
}

static void it_goes_with_the_voice(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 2000 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    host_decide(&host);
    carry_out(&host);
    assert_true(host.domains[0].limit_kib > 460 * MIB);

    host.domains[0].voice = SNAPSHOT_VOICE_SILENT;
    host_decide(&host);

    assert_int_equal(host.steps[0].allowance_kib, 0);
    assert_int_equal(host.steps[0].limit_kib, 400 * MIB + SNAPSHOT_SLACK_KIB);
}

static void it_is_calm(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 230 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    guest_add(&host, 900 * MIB, 500 * MIB);
    for (int i = 0; i < 50; i++) {
        bool is_settled = i >= 4;

        host.snapshot.free_kib = (230 - (uint64_t)(i % 4) * 5) * MIB;
        report(&host, &host.domains[0], 200 * MIB + (uint64_t)(i % 5) * MIB, 0);
        report(&host, &host.domains[1], 500 * MIB - (uint64_t)(i % 3) * MIB, 0);
        host_decide(&host);
        for (unsigned int j = 0; is_settled && j < 2; j++) {
            assert_int_equal(host.steps[j].allowance_kib,
                             host.domains[j].allowance_kib);
            assert_int_equal(host.steps[j].limit_kib,
                             host.domains[j].limit_kib);
        }
        carry_out(&host);
    }
}

/* ---- Made good, or asked back ------------------------------------------------ */

static void what_was_taken_is_made_good(void **state)
{
    struct host host;
    uint64_t free_kib;

    (void)state;
    host_init(&host, 164 * MIB,
              RESERVE_KIB); /* its allowance is all that there is */
    guest_add(&host, 400 * MIB, 200 * MIB);
    host_decide(&host);
    carry_out(&host);
    assert_in_range(host.domains[0].allowance_kib, 48 * MIB, 64 * MIB);

    take(&host, 0, 48 * MIB);
    report(&host, &host.domains[0], 430 * MIB, 48 * MIB);
    free_kib = host.snapshot.free_kib;
    host_decide(&host);

    assert_true(host.steps[0].target_kib >= 448 * MIB);
    assert_true(host.steps[0].limit_kib - host.domains[0].current_kib <=
                free_kib - host.snapshot.reserve_kib);
    assert_int_equal(host.steps[0].state, DECIDE_MANAGED);
}

/* xl saves by the target, and could not restore what holds more. */
static void what_was_taken_is_covered_whether_needed_or_not(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 2000 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    host_decide(&host);
    carry_out(&host);
    take(&host, 0, 32 * MIB);
    report(&host, &host.domains[0], 100 * MIB, 32 * MIB);

    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, 432 * MIB);
}

static void others_need_it_more(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 164 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    guest_add(&host, 400 * MIB, 200 * MIB)->has_reflex = false;
    host_decide(&host);
    carry_out(&host);
    assert_true(host.domains[0].allowance_kib >= 48 * MIB);

    host.memories[1].peak_kib = 700 * MIB; /* it needed as much before */
    report(&host, &host.domains[1], 390 * MIB, 0);
    host_decide(&host);
    assert_int_equal(host.steps[0].allowance_kib, 0);
    assert_true(host.steps[0].limit_kib <= 400 * MIB + SNAPSHOT_SLACK_KIB);
    /* What is withdrawn may just be taken: it is granted when Xen has it. */
    assert_true(host.steps[1].limit_kib <= 400 * MIB + 17 * MIB);
    assert_true(host.plan.next_ms <= host.snapshot.now_ms + DECIDE_MOVING_MS);
    carry_out(&host);
    host_decide(&host);
    assert_true(host.steps[1].target_kib >= 400 * MIB + 48 * MIB);
}

/* Head-room is no reason to take what others may need at any moment. */
static void head_room_does_not_withdraw_it(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 164 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    guest_add(&host, 400 * MIB, 200 * MIB)->has_reflex = false;
    host_decide(&host);
    carry_out(&host);

    host.memories[1].demand_kib = 480 * MIB;
    report(&host, &host.domains[1], 202 * MIB, 0);
    host_decide(&host);

    assert_true(host.plan.wanted_kib > 0);
    assert_int_equal(host.steps[0].allowance_kib,
                     host.domains[0].allowance_kib);
}

/* ---- Kept free -------------------------------------------------------------- */

static void what_is_not_needed_is_kept_free_for_it(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 100 * MIB, RESERVE_KIB); /* nothing is */
    guest_add(&host, 400 * MIB, 319 * MIB);
    guest_add(&host, 900 * MIB, 200 * MIB);
    host_decide(&host);
    assert_int_equal(host.steps[1].target_kib, 900 * MIB); /* it is new */
    carry_out(&host);

    host.snapshot.now_ms += 2 * DECIDE_GRACE_MS;
    report(&host, &host.domains[0], 319 * MIB, 0);
    report(&host, &host.domains[1], 200 * MIB, 0);
    host_decide(&host);

    assert_int_equal(host.steps[0].target_kib, 400 * MIB);
    assert_in_range(host.steps[1].target_kib, 700 * MIB, 800 * MIB);
    assert_int_equal(host.steps[1].reason.code, REASON_READIES);

    give_back(&host, 1, 100 * MIB); /* half of it is enough */
    host.domains[1].target_kib = 800 * MIB;
    host.domains[1].limit_kib = 800 * MIB + SNAPSHOT_SLACK_KIB;
    host_decide(&host);
    assert_int_equal(host.steps[1].target_kib, 800 * MIB);
    assert_true(host.steps[0].allowance_kib > 0);
}

/* Of one that complained; the other will be killed, or swap, without it. */
static uint64_t given_by_who_complained(uint64_t swap_kib)
{
    struct host host;

    host_init(&host, 100 * MIB, RESERVE_KIB);
    guest_add(&host, 900 * MIB, 200 * MIB)->has_reflex = false;
    guest_add(&host, 400 * MIB, 360 * MIB)->has_reflex = false;
    host.memories[0].hands_off_ms = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        report(&host, &host.domains[1], (360 + 35 * (uint64_t)i) * MIB, 0);
        host.domains[1].report.swap_total_kib = swap_kib;
        host.domains[1].report.swap_free_kib = swap_kib;
        host.domains[1].report.floor_kib = swap_kib > 0 ? 0 : 360 * MIB;
        host_decide(&host);
        carry_out(&host);
    }
    return 900 * MIB - host.domains[0].target_kib;
}

static void a_life_counts_more_than_a_complaint(void **state)
{
    (void)state;
    assert_true(given_by_who_complained(0) >= 20 * MIB);
    assert_int_equal(given_by_who_complained(512 * MIB), 0);
}

static void who_keeps_it_has_none(void **state)
{
    struct host host;

    (void)state;
    host_init(&host, 164 * MIB, RESERVE_KIB);
    guest_add(&host, 400 * MIB, 200 * MIB);
    guest_add(&host, 400 * MIB, 200 * MIB)->has_reflex = false;
    host_decide(&host);
    carry_out(&host);
    take(&host, 0, 48 * MIB);
    report(&host, &host.domains[0], 200 * MIB, 48 * MIB);
    report(&host, &host.domains[1], 700 * MIB, 0);
    host.domains[0].report.floor_kib = 1000 * MIB; /* it gives nothing */

    for (int i = 0; i < 20; i++) {
        host_decide(&host);
        carry_out(&host);
        host.domains[0].reported_ms = host.snapshot.now_ms;
        host.domains[1].reported_ms = host.snapshot.now_ms;
    }

    assert_int_equal(host.domains[0].allowance_kib, 0);
    assert_true(host.domains[0].limit_kib <=
                units_max(host.domains[0].current_kib,
                          host.domains[0].target_kib + SNAPSHOT_SLACK_KIB));
}

/* ---- Whatever guests do ------------------------------------------------------ */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below > 0 ? random_state % below : 0;
}

static uint64_t uncovered_kib(const struct host *host)
{
    uint64_t promised = 0;

    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        promised += units_less(host->domains[i].limit_kib,
                               host->domains[i].current_kib);
    }
    return units_less(promised + host->snapshot.reserve_kib,
                      host->snapshot.free_kib);
}

/* Guests take and give while the plan is made and while it is carried out. */
static void live(struct host *host)
{
    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        const struct snapshot_domain *domain = &host->domains[i];
        uint64_t over = units_less(domain->current_kib, domain->target_kib);

        if (draw(3) == 0) {
            take(host, i, draw(80) * MIB);
        } else if (draw(2) == 0) {
            give_back(host, i, draw(over + 1));
        }
    }
}

static void tell(struct host *host)
{
    for (unsigned int i = 0; i < host->snapshot.count; i++) {
        struct snapshot_domain *domain = &host->domains[i];

        if (draw(3) != 0) {
            report(host, domain, draw(domain->current_kib * 2 + 1),
                   draw(2) * draw(100) * MIB);
        }
        domain->voice =
            draw(40) == 0 ? SNAPSHOT_VOICE_SILENT : SNAPSHOT_VOICE_GOOD;
    }
}

/* Limits in the order of act.c, with guests that take in between. */
static void act_and_live(struct host *host)
{
    unsigned int count = host->snapshot.count;

    for (int raises = 0; raises < 2; raises++) {
        for (unsigned int i = 0; i < count; i++) {
            struct snapshot_domain *domain = &host->domains[i];
            bool is_raise = host->steps[i].limit_kib > domain->limit_kib;

            if (is_raise == (raises == 1)) {
                domain->limit_kib = host->steps[i].limit_kib;
                domain->our_limit_kib = domain->limit_kib;
            }
            if (draw(4) == 0) {
                take(host, (unsigned int)draw(count), draw(80) * MIB);
            }
        }
    }
    for (unsigned int i = 0; i < count; i++) {
        host->domains[i].target_kib = host->steps[i].target_kib;
        host->domains[i].allowance_kib = host->steps[i].allowance_kib;
    }
    host->snapshot.now_ms += 20 + draw(3000);
}

static void promises_are_covered(void **state)
{
    const char *given = getenv("XENBALLOON_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    unsigned int allowed = 0;

    (void)state;
    for (unsigned int i = 0; i < HOSTS; i++, seed++) {
        struct host host;
        unsigned int count = 1 + (unsigned int)(seed % DOMAINS_MAX);

        random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        host_init(&host, 0, RESERVE_KIB);
        for (unsigned int j = 0; j < count; j++) {
            uint64_t target = (100 + draw(900)) * MIB;

            guest_add(&host, target, draw(target))->weight = 1 + draw(1000);
        }
        host.snapshot.free_kib = (100 + count + draw(400)) * MIB;
        host.snapshot.total_kib += host.snapshot.free_kib;
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t before, after;

            tell(&host);
            before = uncovered_kib(&host);
            host_decide(&host);
            live(&host);
            act_and_live(&host);
            after = uncovered_kib(&host);
            if (after > before) {
                fail_msg("seed %llu round %d: %llu KiB more without cover",
                         (unsigned long long)seed, round,
                         (unsigned long long)(after - before));
            }
            for (unsigned int j = 0; j < count; j++) {
                allowed += host.domains[j].allowance_kib > 0;
            }
        }
    }
    assert_true(allowed > HOSTS); /* or it would prove nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_enough_for_all),
        cmocka_unit_test(what_there_is_goes_by_weight),
        cmocka_unit_test(nobody_has_one_who_may_not),
        cmocka_unit_test(who_moves_slowly_has_one),
        cmocka_unit_test(it_goes_with_the_voice),
        cmocka_unit_test(it_is_calm),
        cmocka_unit_test(what_was_taken_is_made_good),
        cmocka_unit_test(what_was_taken_is_covered_whether_needed_or_not),
        cmocka_unit_test(others_need_it_more),
        cmocka_unit_test(head_room_does_not_withdraw_it),
        cmocka_unit_test(what_is_not_needed_is_kept_free_for_it),
        cmocka_unit_test(a_life_counts_more_than_a_complaint),
        cmocka_unit_test(who_keeps_it_has_none),
        cmocka_unit_test(promises_are_covered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
