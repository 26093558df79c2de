/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/demand.h"

#include "backend/intent.h"
#include "common/units.h"

/* ---- Level -------------------------------------------------------------- */

/*
 * What the guest's balloon holds less what is available.  The guest counts its
 * balloon by a constant less than Xen does; the two targets in one report give
 * the constant.
 */
static uint64_t used_kib(const struct snapshot_domain *domain)
{
    const struct report *report = &domain->report;
    uint64_t used = units_less(report->current_kib, report->available_kib);
    uint64_t seen_target =
        report->target_kib != 0 ? report->target_kib : domain->target_kib;

    /* What it took by itself is above memory/target, not an offset of it. */
    return units_add(used,
                     units_less(units_add(seen_target, report->reflex_kib),
                                report->balloon_target_kib));
}

static uint64_t swap_used_kib(const struct report *report)
{
    return units_less(report->swap_total_kib, report->swap_free_kib);
}

/* ---- Signals of one report ---------------------------------------------- */

/* Counters begin anew when a guest reboots. */
static uint64_t counted(uint64_t now, uint64_t before)
{
    return units_less(now, before);
}

static bool is_tight(const struct report *report)
{
    return report->available_kib <
           units_less(report->current_kib, report->available_kib) /
               DECIDE_TIGHT_SHARE;
}

/* Since the report before this one, elapsed_ms ago. */
static bool hurt(const struct report *report,
                 const struct decide_memory *memory, uint64_t elapsed_ms)
{
    uint64_t waited_us = counted(report->pressure_some_us, memory->pressure_us);

    return counted(report->allocation_stalls, memory->stalls) > 0 ||
           counted(report->swapped_in_kib, memory->swapped_in_kib) >=
               DECIDE_PAIN_SWAP_KIB ||
           units_less(swap_used_kib(report), memory->swapped_kib) >=
               DECIDE_PAIN_SWAP_KIB ||
           (waited_us > 0 &&
            waited_us >= units_scale(elapsed_ms, 1000, DECIDE_PAIN_SHARE));
}

/*
 * A guest that hurts and has nothing in swap cannot say how much it lacks: it
 * is given more, and twice as much more each time.
 */
static void push(struct decide_memory *memory, uint64_t used, bool hurts,
                 bool says_how_much)
{
    if (hurts && !says_how_much) {
        memory->push_kib = units_clamp(2 * memory->push_kib,
                                       used / 16 + 16 * UNITS_KIB_PER_MIB,
                                       used / 2 + 64 * UNITS_KIB_PER_MIB);
    }
}

/* What is in swap and wanted back. */
static uint64_t lacks_kib(const struct report *report,
                          struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t swapped = swap_used_kib(report);

    if (!demand_hurts(memory, now_ms, DECIDE_COLD_MS)) {
        memory->cold_kib = swapped;
    }
    memory->cold_kib = units_min(memory->cold_kib, swapped);
    return swapped - memory->cold_kib;
}

static void grow(struct decide_memory *memory, uint64_t need_kib,
                 uint64_t elapsed_ms)
{
    uint64_t growth =
        units_scale(units_less(need_kib, memory->need_kib), 1000, elapsed_ms);

    memory->growth_kib_s = units_max(memory->growth_kib_s, growth);
}

/* The first report: there is nothing to compare it with. */
static void begin(const struct snapshot_domain *domain,
                  struct decide_memory *memory, uint64_t used)
{
    memory->met_ms = domain->reported_ms;
    memory->need_kib = used;
    memory->cold_kib = swap_used_kib(&domain->report);
    memory->peak_kib = used;
}

/* Out of the way of those who say nothing new: most, in any one plan. */
__attribute__((noinline)) static void compare(
    const struct snapshot_domain *domain, struct decide_memory *memory,
    uint64_t used, uint64_t elapsed_ms, uint64_t now_ms)
{
    const struct report *report = &domain->report;
    bool hurts = is_tight(report) && hurt(report, memory, elapsed_ms);
    uint64_t refaulted =
        units_pages_to_kib(counted(report->refaults, memory->refaults));
    uint64_t committed =
        units_less(report->committed_kib, memory->committed_kib);
    uint64_t need;

    if (hurts) {
        memory->pain_ms = now_ms;
    }
    need = units_add(used, lacks_kib(report, memory, now_ms));
    push(memory, used, hurts, need > used);
    grow(memory, need, elapsed_ms);
    memory->refault_kib = units_add(memory->refault_kib, refaulted);
    memory->promise_kib = units_less(units_add(memory->promise_kib, committed),
                                     units_less(used, memory->used_kib));
    memory->need_kib = need;
}

static void take_in(const struct snapshot_domain *domain,
                    struct decide_memory *memory, uint64_t now_ms)
{
    const struct report *report = &domain->report;
    uint64_t elapsed_ms = units_less(domain->reported_ms, memory->reported_ms);
    bool is_first = memory->reported_ms == 0;
    uint64_t used;

    if (!is_first && elapsed_ms == 0) {
        return;
    }
    used = used_kib(domain);
    if (is_first) {
        begin(domain, memory, used);
    } else {
        compare(domain, memory, used, elapsed_ms, now_ms);
    }
    memory->reported_ms = units_max(domain->reported_ms, 1);
    memory->pressure_us = report->pressure_some_us;
    memory->swapped_in_kib = report->swapped_in_kib;
    memory->swapped_kib = swap_used_kib(report);
    memory->refaults = report->refaults;
    memory->stalls = report->allocation_stalls;
    memory->used_kib = used;
    memory->committed_kib = report->committed_kib;
}

/* ---- Fading from call to call -------------------------------------------- */

static void fade_signals(struct decide_memory *memory, uint64_t elapsed_ms)
{
    memory->growth_kib_s =
        units_fade(memory->growth_kib_s, elapsed_ms, DECIDE_LEAD_MS);
    memory->push_kib =
        units_fade(memory->push_kib, elapsed_ms, DECIDE_DECAY_MS);
    memory->refault_kib =
        units_fade(memory->refault_kib, elapsed_ms, DECIDE_DECAY_MS);
    memory->promise_kib =
        units_fade(memory->promise_kib, elapsed_ms, DECIDE_DECAY_MS);
}

static void fade(struct decide_memory *memory, uint64_t elapsed_ms)
{
    if (elapsed_ms == 0) {
        return;
    }
    /* Most are at rest. */
    if ((memory->growth_kib_s | memory->push_kib | memory->refault_kib |
         memory->promise_kib) != 0) {
        fade_signals(memory, elapsed_ms);
    }
    memory->peak_kib =
        memory->need_kib +
        units_fade(units_less(memory->peak_kib, memory->need_kib), elapsed_ms,
                   DECIDE_PEAK_MS);
}

/* ---- What follows from them --------------------------------------------- */

static uint64_t headroom_kib(const struct snapshot_domain *domain,
                             const struct decide_memory *memory)
{
    uint64_t need = memory->need_kib;
    uint64_t files =
        domain->report.file_active_kib + domain->report.file_inactive_kib;
    uint64_t room;

    if (domain->headroom_permyriad != 0) {
        room = units_scale(need, domain->headroom_permyriad, 10000);
    } else {
        room = DECIDE_HEADROOM_KIB + (domain->report.swap_total_kib > 0
                                          ? need / DECIDE_HEADROOM_SWAP_SHARE
                                          : need / DECIDE_HEADROOM_SHARE);
    }
    /* Nobody touches at once all that was promised: half of it. */
    room = units_max(room, memory->promise_kib / 2);
    return units_add(room, units_min(memory->refault_kib, files));
}

/*
 * From the first stall to more memory: until it is noticed, and for the balloon
 * to bring what the guest grows by in a second.
 */
static uint64_t lead_ms(const struct decide_memory *memory)
{
    uint64_t brings_ms =
        units_scale(memory->growth_kib_s, 1000, memory->up_kib_s);

    return units_min(DECIDE_LEAD_MS + brings_ms, DECIDE_LEAD_MAX_MS);
}

/* What it needs, and will before more can have arrived. */
struct outlook {
    uint64_t likely_kib;   /* as far as it went before, or a little further */
    uint64_t possible_kib; /* as it grows now; no more than twice its need */
};

static struct outlook look_ahead(const struct decide_memory *memory,
                                 uint64_t room_kib)
{
    uint64_t need = memory->need_kib;
    struct outlook outlook = {need, need};
    uint64_t grown, known;

    if (memory->growth_kib_s == 0 && memory->push_kib == 0) {
        return outlook;
    }
    grown = units_scale(memory->growth_kib_s, lead_ms(memory), 1000);
    known = units_max(units_less(memory->peak_kib, need),
                      room_kib / DECIDE_UNTRODDEN_SHARE);
    outlook.possible_kib =
        units_add(need, units_min(units_max(grown, memory->push_kib),
                                  units_max(need, DECIDE_HEADROOM_KIB)));
    outlook.likely_kib = units_min(
        outlook.possible_kib,
        units_add(need, units_max(units_min(grown, known), memory->push_kib)));
    return outlook;
}

static uint64_t smoothed(const struct decide_memory *memory, uint64_t raw_kib,
                         uint64_t elapsed_ms)
{
    uint64_t above = units_less(memory->demand_kib, raw_kib);

    if (above <= UNITS_KIB_PER_MIB) {
        return raw_kib;
    }
    return raw_kib + units_fade(above, elapsed_ms, DECIDE_DECAY_MS);
}

static uint64_t keep_kib(const struct snapshot_domain *domain,
                         const struct decide_memory *memory, uint64_t now_ms)
{
    return units_less(now_ms, memory->met_ms) < DECIDE_GRACE_MS
               ? units_max(memory->peak_kib, domain->target_kib)
               : memory->peak_kib;
}

/*
 * The operator's floor; or what the guest refuses to go below: it can only
 * refuse to give, so its word counts up to what it has been given already.
 */
static uint64_t least_kib(const struct snapshot_domain *domain,
                          const struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t refuses = units_min(domain->report.floor_kib, domain->target_kib);
    uint64_t swappable = domain->static_max_kib / 100 * DECIDE_SWAP_PERCENT;

    if (memory->is_newborn &&
        units_less(now_ms, memory->met_ms) < DECIDE_GRACE_MS) {
        refuses = domain->target_kib;
    }
    refuses = units_max(refuses, intent_refused_kib(domain, memory, now_ms));
    refuses = units_max(refuses, units_less(memory->need_kib, swappable));
    return units_clamp(refuses, domain->floor_kib, domain->ceiling_kib);
}

static uint64_t bounded(const struct snapshot_domain *domain, uint64_t kib,
                        uint64_t least)
{
    return units_whole_pages(units_clamp(kib, least, domain->ceiling_kib));
}

void demand_follow(const struct snapshot_domain *domain,
                   struct decide_memory *memory, struct decide_step *step,
                   uint64_t now_ms)
{
    uint64_t elapsed_ms = units_less(now_ms, memory->last_ms);
    struct outlook outlook;
    uint64_t room;
    uint64_t raw;

    fade(memory, elapsed_ms);
    take_in(domain, memory, now_ms);
    room = headroom_kib(domain, memory);
    outlook = look_ahead(memory, room);
    raw = units_max(units_add(memory->need_kib, room), outlook.possible_kib);
    memory->demand_kib = smoothed(memory, raw, elapsed_ms);
    memory->peak_kib = units_max(memory->peak_kib, memory->need_kib);

    step->least_kib = units_whole_pages(least_kib(domain, memory, now_ms));
    step->need_kib = bounded(domain, memory->need_kib, step->least_kib);
    step->coming_kib = bounded(domain, outlook.likely_kib, step->need_kib);
    step->demand_kib = bounded(domain, memory->demand_kib, step->coming_kib);
    step->is_falling = step->demand_kib > raw + UNITS_KIB_PER_MIB &&
                       step->demand_kib > step->coming_kib;
    step->keep_kib =
        bounded(domain, keep_kib(domain, memory, now_ms), step->demand_kib);
}

bool demand_hurts(const struct decide_memory *memory, uint64_t now_ms,
                  uint64_t within_ms)
{
    return memory->pain_ms != 0 &&
           units_less(now_ms, memory->pain_ms) < within_ms;
}
