/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of memory balancers elsewhere, as numbered acceptance tests at
 * their real sizes on the simulated host: one host, a few large guests, and
 * outcomes in figures.
 *
 * Where people speak of what the model does not have:
 *   PSI         the model's own pressure; "full" is half of "some"
 *   throughput  the part of the time in which programs did not wait
 *   ssh probes  that programs never wait
 *   a request   of memory for the host: a larger reserve in backend.conf
 *   an alarm    what the plan says is wanted, and the reasons of domains
 */
#ifndef BALLOON_TESTS_PEERS_H
#define BALLOON_TESTS_PEERS_H

#include "tests/gauge.h"

/*
 * Balloons as fast as virtio's was measured with 4 KiB pages (HyperAlloc,
 * EuroSys 2025): 2.3 GiB/s returned, 0.86 GiB/s reclaimed.
 */
#define UP_KIB_S (2300 * MIB)
#define DOWN_KIB_S (880 * MIB)

/* Programs touch new memory at this speed when they "go to" something. */
#define STEP_KIB_S (2 * GIB)

/* At once, so that all guests are as old as the host. */
#define BUILD_KIB_S (1000 * GIB)

/* Xen's free memory on these hosts when nobody has asked for more. */
#define RESERVE_KIB (640 * MIB)

static inline void host(struct scenario *scenario, uint64_t total_kib,
                        uint64_t dom0_kib)
{
    scenario_init_host(scenario, total_kib, dom0_kib);
    scenario->world.build_kib_s = BUILD_KIB_S;
    scenario->world.settings.reserve_kib = RESERVE_KIB;
}

/* A guest of the table; it begins with memory_kib. */
static inline struct character *guest(struct scenario *scenario,
                                      const char *name, uint64_t min_kib,
                                      uint64_t memory_kib, uint64_t max_kib,
                                      uint64_t wants_kib)
{
    struct character *one =
        scenario_add(scenario, name, memory_kib, max_kib, wants_kib);

    scenario_bound(scenario, name, min_kib, max_kib);
    one->nature.up_kib_s = UP_KIB_S;
    one->nature.down_kib_s = DOWN_KIB_S;
    one->nature.growth_kib_s = STEP_KIB_S;
    one->nature.waits_for_swap = true;
    return one;
}

static const char *const names[] = {"vm1", "vm2",  "vm3",  "vm4",
                                    "vm5", "vm6",  "vm7",  "vm8",
                                    "vm9", "vm10", "vm11", "vm12"};

#endif
