/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/movement.h"

#include "common/units.h"

static int64_t offset_of(const struct snapshot_domain *domain)
{
    return (int64_t)domain->current_kib -
           (int64_t)(movement_aim_kib(domain) + domain->videoram_kib);
}

/*
 * At rest a domain holds its target give or take a constant.  The guest's
 * word that it rests is believed within DECIDE_OFFSET_MAX_KIB only.
 */
static void learn_offset(const struct snapshot_domain *domain,
                         struct decide_memory *memory)
{
    const struct report *report = &domain->report;
    int64_t offset = offset_of(domain);

    if (domain->voice != SNAPSHOT_VOICE_GOOD ||
        report->balloon != REPORT_BALLOON_IDLE ||
        report->target_kib != domain->target_kib) {
        return;
    }
    if (offset <= (int64_t)DECIDE_OFFSET_MAX_KIB &&
        offset >= -(int64_t)DECIDE_OFFSET_MAX_KIB) {
        memory->offset_kib = offset;
    }
}

static void call_stuck(struct decide_memory *memory, uint64_t now_ms)
{
    memory->retry_after_ms = units_clamp(memory->retry_after_ms * 2,
                                         DECIDE_RETRY_MS, DECIDE_RETRY_MAX_MS);
    memory->retry_ms = now_ms + memory->retry_after_ms;
    memory->is_stuck = true;
}

/*
 * How fast it moves, once it has moved by what can be measured.  One that has
 * arrived may have done so long before this look.
 */
static void measure(struct decide_memory *memory, uint64_t held_kib,
                    bool has_arrived, uint64_t now_ms)
{
    uint64_t moved = units_distance(held_kib, memory->begun_kib);
    uint64_t speed;

    if (moved < DECIDE_GRANT_KIB) {
        return;
    }
    speed = units_scale(moved, 1000, units_less(now_ms, memory->begun_ms));
    if (speed == 0) {
        return;
    }
    if (held_kib > memory->begun_kib) {
        memory->up_kib_s =
            has_arrived ? units_max(memory->up_kib_s, speed) : speed;
    } else {
        memory->down_kib_s =
            has_arrived ? units_max(memory->down_kib_s, speed) : speed;
    }
    memory->begun_ms = now_ms;
    memory->begun_kib = held_kib;
}

/*
 * A new target is given time only by a domain that was at its old one, or that
 * has to turn round: a target that runs away from a domain that does not move
 * must not keep it from being called stuck.
 */
static void follow_target(const struct snapshot_domain *domain,
                          struct decide_memory *memory, uint64_t held_kib,
                          uint64_t now_ms)
{
    bool had_arrived = memory->gap_kib <= DECIDE_ARRIVED_KIB;
    uint64_t aim = movement_aim_kib(domain);
    bool turns = (held_kib > memory->target_kib) != (held_kib > aim);

    memory->gap_kib = units_distance(held_kib, aim);
    memory->target_kib = aim;
    memory->begun_ms = now_ms;
    memory->begun_kib = held_kib;
    if (had_arrived || turns || !memory->is_known) {
        memory->progress_ms = now_ms;
    }
}

static void remember(const struct snapshot_domain *domain,
                     struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t aim = movement_aim_kib(domain);
    uint64_t elapsed_ms = units_less(now_ms, memory->last_ms);
    uint64_t granted = units_less(aim, memory->target_kib);
    uint64_t given = units_less(memory->target_kib, aim);

    memory->lately_kib = aim + units_fade(units_less(memory->lately_kib, aim),
                                          elapsed_ms, DECIDE_LATELY_MS);
    /* What it started with is its own. */
    if (memory->met_ms == 0 || !memory->is_known) {
        return;
    }
    memory->lent_kib =
        units_fade(memory->lent_kib, elapsed_ms, DECIDE_BURST_MEMORY_MS);
    memory->lent_kib = units_less(units_add(memory->lent_kib, granted), given);
}

/*
 * Progress is measured from the smallest gap so far, so that going to and fro
 * does not count.  One that is silent is asked for nothing, so it is not called
 * stuck: what it holds may be what it took when it could still say so.
 */
void movement_follow(const struct snapshot_domain *domain,
                     struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t aim = movement_aim_kib(domain);
    uint64_t held;
    uint64_t gap;

    learn_offset(domain, memory);
    remember(domain, memory, now_ms);
    held = movement_held_kib(domain, memory);
    gap = units_distance(held, aim);
    if (!memory->is_known || memory->target_kib != aim) {
        follow_target(domain, memory, held, now_ms);
    }
    measure(memory, held, gap <= DECIDE_ARRIVED_KIB, now_ms);
    if (gap + DECIDE_PROGRESS_KIB <= memory->gap_kib) {
        memory->gap_kib = gap;
        memory->progress_ms = now_ms;
        memory->is_stuck = false;
        memory->retry_after_ms = 0;
    }
    if (gap <= DECIDE_ARRIVED_KIB) {
        memory->progress_ms = now_ms;
    }
    if (memory->is_stuck && now_ms >= memory->retry_ms) {
        memory->is_stuck = false;
        memory->progress_ms = now_ms;
    } else if (!memory->is_stuck && domain->voice == SNAPSHOT_VOICE_GOOD &&
               now_ms - memory->progress_ms >= DECIDE_STUCK_MS) {
        call_stuck(memory, now_ms);
    }
}

uint64_t movement_soon_kib(const struct snapshot_domain *domain,
                           const struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t gap =
        units_less(movement_held_kib(domain, memory), movement_aim_kib(domain));

    if (gap <= DECIDE_ARRIVED_KIB) {
        return gap;
    }
    if (units_less(now_ms, memory->progress_ms) >= DECIDE_LAGGARD_MS) {
        return 0;
    }
    if (memory->down_kib_s == 0) {
        return gap;
    }
    return units_min(gap,
                     units_scale(memory->down_kib_s, DECIDE_PATIENCE_MS, 1000));
}
