/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/host.h"

#include "common/units.h"

uint64_t host_pool_kib(const struct host_sums *sums,
                       const struct decide_host *host)
{
    uint64_t held = units_add(sums->targets_kib, sums->incoming_kib);

    return units_less(units_add(held, host_free_kib(sums)),
                      units_min(host_owed_kib(sums), host->urgent_kib));
}

uint64_t host_standby_kib(const struct host_sums *sums,
                          const struct decide_host *host)
{
    uint64_t room = units_less(host_pool_kib(sums, host), sums->coming_kib);

    return units_less(units_min(sums->allowances_kib, room / 2),
                      host_owed_kib(sums));
}

/* ---- How short it is ---------------------------------------------------- */

/* Above threshold; once so, until well below it. */
static bool exceeds(uint64_t value, uint64_t threshold, bool did)
{
    return did ? value + value / DECIDE_CALM_SHARE > threshold
               : value > threshold;
}

/*
 * What is lacking for the emergency to end, at twice the threshold at which it
 * begins; 0 when there is none.  However large a reserve is asked for, only the
 * last of it is that precious.
 */
static uint64_t urgent_kib(const struct snapshot *snapshot, bool was_urgent)
{
    uint64_t free = units_less(snapshot->free_kib, snapshot->claimed_kib);
    uint64_t reserve = units_min(snapshot->reserve_kib,
                                 snapshot->total_kib / DECIDE_RESERVE_SHARE);
    uint64_t last = units_scale(reserve, snapshot->emergency_permyriad, 10000);

    return free < (was_urgent ? 2 * last : last) ? 2 * last - free : 0;
}

static enum decide_mood mood_of(const struct decide_host *host,
                                const struct host_sums *sums)
{
    uint64_t pool = host_pool_kib(sums, host);

    if (host->urgent_kib > 0) {
        return DECIDE_EMERGENCY;
    }
    if (exceeds(sums->need_kib, pool, host->mood == DECIDE_SHORT)) {
        return DECIDE_SHORT;
    }
    if (exceeds(sums->demand_kib, pool, host->mood == DECIDE_CAREFUL)) {
        return DECIDE_CAREFUL;
    }
    return DECIDE_PLENTY;
}

/* ---- What to keep for what may come ------------------------------------- */

static uint64_t learned_kib(const struct decide_host *host,
                            const struct host_sums *sums)
{
    return units_min(host->learned_kib,
                     host_pool_kib(sums, host) / DECIDE_BURST_SHARE);
}

uint64_t host_refill_kib(const struct decide_host *host,
                         const struct host_sums *sums)
{
    return host->is_refilling ? learned_kib(host, sums) : 0;
}

void host_follow(const struct snapshot *snapshot, struct decide_host *host,
                 const struct host_sums *sums, uint64_t spent_kib)
{
    uint64_t elapsed_ms = units_less(snapshot->now_ms, host->last_ms);
    uint64_t have = host_free_kib(sums);
    uint64_t learned;

    if (host->is_known) {
        host->burst_kib =
            units_fade(host->burst_kib, elapsed_ms, DECIDE_BURST_MS);
        host->learned_kib =
            units_fade(host->learned_kib, elapsed_ms, DECIDE_BURST_MEMORY_MS);
    }
    host->urgent_kib = urgent_kib(snapshot, host->mood == DECIDE_EMERGENCY);
    host->burst_kib = units_add(host->burst_kib, spent_kib);
    /* What is wanted will have been granted, soon: it is the same burst. */
    host->learned_kib = units_max(host->learned_kib,
                                  units_add(host->burst_kib, sums->wanted_kib));
    learned = learned_kib(host, sums);
    host->is_refilling =
        host->is_refilling ? have < learned : have < learned - learned / 8;
    host->mood = mood_of(host, sums);
    host->is_known = true;
    host->last_ms = snapshot->now_ms;
}
