/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/demand.h"

#include "common/units.h"

/*
 * In the count of targets: what the guest's balloon holds less what is
 * available, and head-room.  The guest counts its balloon by a constant less
 * than Xen does; the two targets in one report give the constant.
 */
static uint64_t unbounded(const struct snapshot_domain *domain)
{
    const struct report *report = &domain->report;
    uint64_t used = units_less(report->current_kib, report->available_kib);
    uint64_t seen_target =
        report->target_kib != 0 ? report->target_kib : domain->target_kib;
    uint64_t uncounted = units_less(seen_target, report->balloon_target_kib);

    return units_add(units_add(used, uncounted),
                     used / DECIDE_HEADROOM_SHARE + DECIDE_HEADROOM_KIB);
}

uint64_t demand_least_kib(const struct snapshot_domain *domain)
{
    uint64_t refuses = units_min(domain->report.floor_kib, domain->target_kib);

    return units_clamp(refuses, domain->floor_kib, domain->ceiling_kib);
}

uint64_t demand_now(const struct snapshot_domain *domain)
{
    return units_whole_pages(units_clamp(
        unbounded(domain), demand_least_kib(domain), domain->ceiling_kib));
}

uint64_t demand_smoothed(const struct snapshot_domain *domain,
                         struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t raw = demand_now(domain);
    uint64_t elapsed_ms =
        units_min(units_less(now_ms, memory->last_ms), DECIDE_DECAY_MS);
    uint64_t above;

    if (!memory->is_known || memory->demand_kib <= raw) {
        return raw;
    }
    above = memory->demand_kib - raw;
    if (above <= UNITS_KIB_PER_MIB) {
        return raw;
    }
    above -= units_scale(above, elapsed_ms, (uint64_t)2 * DECIDE_DECAY_MS);
    return units_min(units_whole_pages(raw + above), domain->ceiling_kib);
}
