/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first policy; see decide.h.  Nothing here may know how a figure was
 * obtained or how a step is carried out.
 */
#include "backend/decide.h"

#include <stdbool.h>

#include "backend/demand.h"
#include "backend/movement.h"
#include "backend/share.h"
#include "common/units.h"

const char *decide_state_word(enum decide_state state)
{
    switch (state) {
    case DECIDE_MANAGED:
        return "managed";
    case DECIDE_STUCK:
        return "stuck";
    case DECIDE_OPERATOR:
        return "operator";
    case DECIDE_FIXED:
        return "fixed";
    case DECIDE_STATIC:
        return "static";
    case DECIDE_SILENT:
        return "silent";
    case DECIDE_BUILDING:
        return "building";
    case DECIDE_DYING:
        return "dying";
    case DECIDE_STATES:
        break;
    }
    return "unknown";
}

/* ---- Which domains may be touched -------------------------------------- */

static enum decide_state settle(struct decide_step *step,
                                enum decide_state state, enum reason_code code)
{
    reason_set(&step->reason, code, 0, 0);
    return state;
}

/* By what the domain is, whatever it says. */
static enum decide_state judge_kind(const struct snapshot_domain *domain,
                                    struct decide_step *step)
{
    if (domain->is_dying) {
        return settle(step, DECIDE_DYING, REASON_DYING);
    }
    if (domain->is_service) {
        return settle(step, DECIDE_FIXED, REASON_SERVICE);
    }
    if (!domain->has_target && domain->domid == 0) {
        /* xl gives dom0 a target when it is first asked to move it. */
        return settle(step, DECIDE_STATIC, REASON_STATIC);
    }
    if (!domain->has_target || domain->claimed_kib > 0) {
        return settle(step, DECIDE_BUILDING, REASON_BUILDING);
    }
    if (domain->leave_alone) {
        return settle(step, DECIDE_FIXED, REASON_LEAVE_ALONE);
    }
    if (domain->floor_kib == domain->ceiling_kib) {
        reason_set(&step->reason, REASON_FIXED, domain->floor_kib, 0);
        return DECIDE_FIXED;
    }
    if (domain->is_operators) {
        reason_set(&step->reason, REASON_OPERATOR, domain->target_kib, 0);
        return DECIDE_OPERATOR;
    }
    return DECIDE_MANAGED;
}

/* By what its frontend says, or does not say. */
static enum decide_state judge_voice(const struct snapshot_domain *domain,
                                     struct decide_step *step)
{
    switch (domain->voice) {
    case SNAPSHOT_VOICE_NONE:
        return settle(step, DECIDE_STATIC, REASON_STATIC);
    case SNAPSHOT_VOICE_SILENT:
        return settle(step, DECIDE_SILENT, REASON_SILENT);
    case SNAPSHOT_VOICE_STOPPED:
        return settle(step, DECIDE_SILENT, REASON_STOPPED);
    case SNAPSHOT_VOICE_GARBLED:
        return settle(step, DECIDE_SILENT, REASON_GARBLED);
    case SNAPSHOT_VOICE_GOOD:
        break;
    }
    if (domain->report.balloon == REPORT_BALLOON_ABSENT) {
        return settle(step, DECIDE_STATIC, REASON_NO_BALLOON);
    }
    return DECIDE_MANAGED;
}

static enum decide_state judge_movement(const struct snapshot_domain *domain,
                                        const struct decide_memory *memory,
                                        struct decide_step *step)
{
    if (memory->is_stuck) {
        reason_set(&step->reason, REASON_STUCK,
                   movement_held_kib(domain, memory), domain->target_kib);
        return DECIDE_STUCK;
    }
    return DECIDE_MANAGED;
}

static void judge(const struct snapshot_domain *domain,
                  struct decide_memory *memory, struct decide_step *step,
                  uint64_t now_ms)
{
    step->domid = domain->domid;
    step->target_kib = domain->target_kib;
    step->limit_kib = domain->limit_kib;
    step->demand_kib = 0;
    step->least_kib = 0;
    step->goal_kib = 0;
    reason_set(&step->reason, REASON_NONE, 0, 0);

    if (domain->voice == SNAPSHOT_VOICE_GOOD && domain->has_target) {
        memory->demand_kib = demand_smoothed(domain, memory, now_ms);
        step->demand_kib = memory->demand_kib;
        step->least_kib = demand_least_kib(domain);
    }
    movement_follow(domain, memory, now_ms);
    memory->is_known = true;
    memory->last_ms = now_ms;

    step->state = judge_kind(domain, step);
    if (step->state == DECIDE_MANAGED) {
        step->state = judge_voice(domain, step);
    }
    if (step->state == DECIDE_MANAGED) {
        step->state = judge_movement(domain, memory, step);
    }
}

/* ---- Bounds, the stuck, and limits ------------------------------------- */

/* A ceiling that was lowered binds at once, whoever needs the memory. */
static void hold_ceiling(const struct snapshot_domain *domain,
                         struct decide_step *step)
{
    if (step->target_kib > domain->ceiling_kib) {
        step->target_kib = domain->ceiling_kib;
        reason_set(&step->reason, REASON_ABOVE_CEILING, domain->ceiling_kib, 0);
    }
}

/*
 * Takes a stuck domain's target back to what it holds, within its bounds.  Its
 * limit never rises for that: not even the slack may be promised again when
 * nothing is left to promise.
 */
static void give_up(const struct snapshot_domain *domain,
                    const struct decide_memory *memory,
                    struct decide_step *step)
{
    uint64_t held = units_clamp(movement_held_kib(domain, memory),
                                domain->floor_kib, domain->ceiling_kib);
    uint64_t limit = share_limit_kib(domain, held);

    if (limit > domain->limit_kib) {
        limit = domain->limit_kib;
        held = units_min(held, units_less(limit, domain->videoram_kib));
    }
    held = units_whole_pages(held);
    if (units_distance(held, domain->target_kib) <= DECIDE_ARRIVED_KIB) {
        return;
    }
    reason_set(&step->reason, REASON_GAVE_UP, held, domain->target_kib);
    step->target_kib = held;
    step->limit_kib = units_max(limit, domain->current_kib);
}

/* Limits come down behind what is held; 8 MiB at a time, and at the end. */
static void lower_limit(const struct snapshot_domain *domain,
                        const struct decide_memory *memory,
                        struct decide_step *step)
{
    uint64_t wanted = share_limit_kib(domain, step->target_kib);
    uint64_t limit = units_max(wanted, domain->current_kib);

    if (step->target_kib > domain->target_kib || limit >= domain->limit_kib) {
        return;
    }
    if (!movement_has_arrived(domain, memory) &&
        domain->limit_kib - limit < 8 * UNITS_KIB_PER_MIB) {
        return;
    }
    step->limit_kib = limit;
}

static void rest(const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step)
{
    uint64_t spare = units_less(domain->target_kib, step->demand_kib);
    uint64_t lack = units_less(step->demand_kib, domain->target_kib);

    if (!movement_has_arrived(domain, memory)) {
        reason_set(&step->reason, REASON_ON_ITS_WAY,
                   movement_held_kib(domain, memory), domain->target_kib);
    } else if (spare > share_deadband_kib(domain->target_kib)) {
        reason_set(&step->reason, REASON_SPARE, step->demand_kib, spare);
    } else if (lack > share_deadband_kib(domain->target_kib)) {
        /* It has its share, or as near as makes a difference. */
        reason_set(&step->reason, REASON_SHORT, step->demand_kib,
                   domain->target_kib);
    } else {
        reason_set(&step->reason, REASON_SATISFIED, step->demand_kib,
                   domain->target_kib);
    }
}

static void finish(const struct snapshot_domain *domain,
                   const struct decide_memory *memory, struct decide_step *step)
{
    if (step->state == DECIDE_OPERATOR && domain->domid != 0) {
        step->limit_kib = share_operators_limit_kib(domain);
    } else if (step->state == DECIDE_STUCK) {
        give_up(domain, memory, step);
    } else if (step->state == DECIDE_MANAGED) {
        hold_ceiling(domain, step);
        lower_limit(domain, memory, step);
        if (step->reason.code == REASON_NONE &&
            step->limit_kib != domain->limit_kib) {
            reason_set(&step->reason, REASON_LIMIT_FOLLOWS, domain->limit_kib,
                       step->limit_kib);
        } else if (step->reason.code == REASON_NONE) {
            rest(domain, memory, step);
        }
    }
}

/* ---- When to look again ------------------------------------------------ */

static uint64_t look_again(const struct snapshot_domain *domain,
                           const struct decide_memory *memory,
                           const struct decide_step *step, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + DECIDE_RESTING_MS;

    if (step->state == DECIDE_STUCK) {
        return units_min(next_ms, memory->retry_ms);
    }
    if (step->state != DECIDE_MANAGED) {
        return next_ms;
    }
    if (step->target_kib != domain->target_kib ||
        step->limit_kib != domain->limit_kib ||
        !movement_has_arrived(domain, memory) ||
        step->reason.code == REASON_WAITS) {
        return now_ms + DECIDE_MOVING_MS;
    }
    /* A demand that still falls makes a donor, or frees a taker. */
    if (step->demand_kib > demand_now(domain) + UNITS_KIB_PER_MIB) {
        return now_ms + 1000;
    }
    return next_ms;
}

void decide(const struct snapshot *snapshot, struct decide_host *host,
            struct decide_memory *memories, struct plan *plan)
{
    struct share_tally tally;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        judge(&snapshot->domains[i], &memories[i], &plan->steps[i],
              snapshot->now_ms);
    }
    tally = share_count(snapshot, memories, plan);
    share_out(snapshot, &tally, plan);

    plan->spendable_kib =
        tally.spendable_kib > 0 ? (uint64_t)tally.spendable_kib : 0;
    plan->promised_kib = tally.promised_kib;
    plan->wanted_kib = tally.wanted_kib;
    plan->spare_kib = tally.spare_kib;
    plan->next_ms = snapshot->now_ms + DECIDE_RESTING_MS;
    for (i = 0; i < snapshot->count; i++) {
        finish(&snapshot->domains[i], &memories[i], &plan->steps[i]);
        plan->next_ms = units_min(
            plan->next_ms, look_again(&snapshot->domains[i], &memories[i],
                                      &plan->steps[i], snapshot->now_ms));
    }
    host->last_ms = snapshot->now_ms;
}
