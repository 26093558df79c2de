/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one plan costs, in plenty and in shortage.  One JSON line for each
 * figure: {"bench":"plan","case":"shortage","domains":1000,"median_ns":48000}
 *
 * The hosts are random, the seed is fixed: the same work in each run.  A plan
 * changes what the decision remembers, so each is made from a fresh copy.  The
 * steady cases follow one another a second apart instead, and every tenth guest
 * has reported since, with more or less in use: what a backend does all day.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/decide.h"
#include "common/units.h"

#define ROUNDS 201
#define MIB UINT64_C(1024)

static uint64_t random_state = 20121101;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* A PV guest at rest, which uses any part of what it holds. */
static void draw_domain(struct snapshot_domain *domain, uint32_t domid)
{
    uint64_t target = (256 + draw(3840)) * MIB;
    uint64_t used = target / 10 * draw(11);

    *domain = (struct snapshot_domain){
        .domid = domid,
        .current_kib = target,
        .limit_kib = target + SNAPSHOT_SLACK_KIB,
        .has_target = true,
        .target_kib = target,
        .static_max_kib = 8192 * MIB,
        .floor_kib = 128 * MIB,
        .ceiling_kib = 8192 * MIB,
        .weight = 64 + draw(960),
        .voice = SNAPSHOT_VOICE_GOOD,
        .report =
            {
                .heartbeat_ms = 10000,
                .current_kib = target,
                .balloon_target_kib = target,
                .target_kib = target,
                .total_kib = target,
                .available_kib = target - used,
                .floor_kib = used,
            },
    };
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void *must_calloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory) {
        perror("bench_plan");
        exit(1);
    }
    return memory;
}

/* A second later. */
static void move_on(struct snapshot *snapshot)
{
    snapshot->now_ms += 1000;
    for (unsigned int i = 0; i < snapshot->count; i++) {
        struct snapshot_domain *domain = &snapshot->domains[i];
        struct report *report = &domain->report;

        if (draw(10) == 0) {
            report->available_kib =
                units_clamp(report->available_kib + draw(8 * MIB), 4 * MIB,
                            domain->target_kib) -
                draw(4 * MIB);
            domain->reported_ms = snapshot->now_ms;
        }
    }
}

static void measure(unsigned int domains, bool is_short, bool is_steady)
{
    struct snapshot snapshot = {
        .now_ms = 1000,
        .free_kib = is_short ? 64 * MIB : domains * 4096 * MIB,
        .reserve_kib = 64 * MIB,
        .domains = must_calloc(domains, sizeof(struct snapshot_domain)),
        .count = domains,
    };
    struct decide_memory *memories =
        must_calloc(domains, sizeof(struct decide_memory));
    struct plan plan = {
        .steps = must_calloc(domains, sizeof(struct decide_step)),
    };
    struct decide_host host = {0};
    uint64_t taken_ns[ROUNDS];

    for (unsigned int i = 0; i < domains; i++) {
        draw_domain(&snapshot.domains[i], i + 1);
        snapshot.total_kib += snapshot.domains[i].current_kib;
        if (is_short) {
            /* Nearly all of it in use, and more wanted. */
            snapshot.domains[i].report.available_kib /= 8;
        }
    }
    snapshot.total_kib += snapshot.free_kib;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin_ns;

        if (is_steady) {
            move_on(&snapshot);
        } else {
            host = (struct decide_host){0};
            memset(memories, 0, domains * sizeof(*memories));
        }
        begin_ns = now_ns();
        decide(&snapshot, &host, memories, &plan);
        taken_ns[round] = now_ns() - begin_ns;
    }
    qsort(taken_ns, ROUNDS, sizeof(taken_ns[0]), by_size);
    printf("{\"bench\":\"plan\",\"case\":\"%s%s\",\"domains\":%u,"
           "\"median_ns\":%" PRIu64 "}\n",
           is_steady ? "steady " : "", is_short ? "shortage" : "plenty",
           domains, taken_ns[ROUNDS / 2]);
    free(snapshot.domains);
    free(memories);
    free(plan.steps);
}

int main(void)
{
    static const unsigned int sizes[] = {10, 100, 1000, 10000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        measure(sizes[i], false, false);
        measure(sizes[i], true, false);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        measure(sizes[i], false, true);
        measure(sizes[i], true, true);
    }
    return 0;
}
