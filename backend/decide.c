/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first policy; see decide.h.  Nothing here may know how a figure was
 * obtained or how a step is carried out.
 */
#include "backend/decide.h"

#include <stdbool.h>

#include "common/units.h"

/* Sums over all domains. */
struct tally {
    uint64_t promised_kib;  /* limits above what is held */
    int64_t spendable_kib;  /* below zero: the reserve is short */
    uint64_t incoming_kib;  /* targets below what is held: on its way to Xen */
    uint64_t wanted_kib;    /* takers */
    uint64_t spare_kib;     /* donors */
    uint64_t targets_kib;   /* of managed domains */
};

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

static void explain(struct decide_step *step, enum reason_code code,
                    uint64_t a_kib, uint64_t b_kib)
{
    step->reason.code = code;
    step->reason.a_kib = a_kib;
    step->reason.b_kib = b_kib;
}

static uint64_t deadband(uint64_t target_kib)
{
    return units_max(DECIDE_DEADBAND_KIB, target_kib / DECIDE_DEADBAND_SHARE);
}

/* The limit that goes with a target, as libxl sets it. */
static uint64_t limit_for(const struct snapshot_domain *domain,
                          uint64_t target_kib)
{
    return target_kib + domain->videoram_kib + SNAPSHOT_SLACK_KIB;
}

/* ---- How a domain moves ------------------------------------------------ */

static int64_t offset_of(const struct snapshot_domain *domain)
{
    return (int64_t)domain->current_kib -
           (int64_t)(domain->target_kib + domain->videoram_kib);
}

/* What the domain holds, counted as its target is. */
static uint64_t held_kib(const struct snapshot_domain *domain,
                         const struct decide_memory *memory)
{
    int64_t held = (int64_t)domain->current_kib -
                   (int64_t)domain->videoram_kib - memory->offset_kib;

    return held > 0 ? (uint64_t)held : 0;
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
    memory->retry_after_ms =
        units_clamp(memory->retry_after_ms * 2, DECIDE_RETRY_MS,
                    DECIDE_RETRY_MAX_MS);
    memory->retry_ms = now_ms + memory->retry_after_ms;
    memory->is_stuck = true;
}

/*
 * Whether the domain does what its target asks.  Progress is measured from
 * the smallest gap so far, so that going to and fro does not count.
 */
static void follow(const struct snapshot_domain *domain,
                   struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t gap = units_distance(held_kib(domain, memory), domain->target_kib);

    if (!memory->is_known || memory->target_kib != domain->target_kib) {
        memory->target_kib = domain->target_kib;
        memory->gap_kib = gap;
        memory->progress_ms = now_ms;
    }
    if (gap + DECIDE_PROGRESS_KIB <= memory->gap_kib) {
        memory->gap_kib = gap;
        memory->progress_ms = now_ms;
        memory->is_stuck = false;
    }
    if (gap <= DECIDE_ARRIVED_KIB) {
        memory->progress_ms = now_ms;
    }
    if (memory->is_stuck && now_ms >= memory->retry_ms) {
        memory->is_stuck = false;
        memory->progress_ms = now_ms;
    } else if (!memory->is_stuck &&
               now_ms - memory->progress_ms >= DECIDE_STUCK_MS) {
        call_stuck(memory, now_ms);
    }
}

static bool has_arrived(const struct snapshot_domain *domain,
                        const struct decide_memory *memory)
{
    return units_distance(held_kib(domain, memory), domain->target_kib) <=
           DECIDE_ARRIVED_KIB;
}

/* ---- What a domain needs ----------------------------------------------- */

/*
 * In the count of targets: what the guest's balloon holds less what is
 * available, and head-room.  The guest counts its balloon by a constant less
 * than Xen does; the two targets in one report give the constant.
 */
static uint64_t demand_now(const struct snapshot_domain *domain)
{
    const struct report *report = &domain->report;
    uint64_t used = units_less(report->current_kib, report->available_kib);
    uint64_t seen_target =
        report->target_kib != 0 ? report->target_kib : domain->target_kib;
    uint64_t uncounted = units_less(seen_target, report->balloon_target_kib);

    return units_add(units_add(used, uncounted),
                     used / DECIDE_HEADROOM_SHARE + DECIDE_HEADROOM_KIB);
}

/*
 * The least that the domain may be asked to hold: the operator's floor, or
 * what the guest refuses to go below.  The guest can only refuse to give, so
 * its word counts up to what it has been given already.
 */
static uint64_t least_kib(const struct snapshot_domain *domain)
{
    uint64_t refuses =
        units_min(domain->report.floor_kib, domain->target_kib);

    return units_clamp(refuses, domain->floor_kib, domain->ceiling_kib);
}

/* Up at once, down slowly; within the operator's bounds. */
static uint64_t demand_smoothed(const struct snapshot_domain *domain,
                                struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t raw = units_whole_pages(units_clamp(
        demand_now(domain), least_kib(domain), domain->ceiling_kib));
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

/* ---- Which domains may be touched -------------------------------------- */

static enum decide_state settle(struct decide_step *step,
                                enum decide_state state, enum reason_code code)
{
    explain(step, code, 0, 0);
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
    if (!domain->has_target || domain->claimed_kib > 0) {
        return settle(step, DECIDE_BUILDING, REASON_BUILDING);
    }
    if (domain->leave_alone) {
        return settle(step, DECIDE_FIXED, REASON_LEAVE_ALONE);
    }
    if (domain->floor_kib == domain->ceiling_kib) {
        explain(step, REASON_FIXED, domain->floor_kib, 0);
        return DECIDE_FIXED;
    }
    if (domain->is_operators) {
        explain(step, REASON_OPERATOR, domain->target_kib, 0);
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
        explain(step, REASON_STUCK, held_kib(domain, memory),
                domain->target_kib);
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
    explain(step, REASON_NONE, 0, 0);

    if (domain->voice == SNAPSHOT_VOICE_GOOD && domain->has_target) {
        memory->demand_kib = demand_smoothed(domain, memory, now_ms);
        step->demand_kib = memory->demand_kib;
    }
    learn_offset(domain, memory);
    follow(domain, memory, now_ms);
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

/* ---- What there is, and who needs it ----------------------------------- */

/* What a managed domain lacks of goal, 0 within the dead-band. */
static uint64_t lacks(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t lack = units_less(goal_kib, domain->target_kib);
    bool below_floor = domain->target_kib < domain->floor_kib;

    return lack > deadband(domain->target_kib) || below_floor ? lack : 0;
}

static uint64_t spares(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t spare = units_less(domain->target_kib, goal_kib);

    return spare > deadband(domain->target_kib) ? spare : 0;
}

/* Promises are limits above what is held; a builder's claim is counted once. */
static uint64_t promise_to(const struct snapshot_domain *domain)
{
    return units_less(domain->limit_kib,
                      units_add(domain->current_kib, domain->claimed_kib));
}

static struct tally count(const struct snapshot *snapshot,
                          const struct decide_memory *memories,
                          const struct plan *plan)
{
    struct tally tally = {0};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        const struct decide_step *step = &plan->steps[i];

        if (step->state != DECIDE_DYING) {
            tally.promised_kib += promise_to(domain);
        }
        if (step->state == DECIDE_MANAGED) {
            tally.incoming_kib += units_less(held_kib(domain, &memories[i]),
                                             domain->target_kib);
            tally.wanted_kib += lacks(domain, step->demand_kib);
            tally.spare_kib += spares(domain, step->demand_kib);
            tally.targets_kib += domain->target_kib;
        }
    }
    tally.spendable_kib = (int64_t)snapshot->free_kib -
                          (int64_t)snapshot->claimed_kib -
                          (int64_t)tally.promised_kib -
                          (int64_t)snapshot->reserve_kib;
    return tally;
}

/* ---- Who gives --------------------------------------------------------- */

static void shrink(const struct snapshot_domain *domain,
                   struct decide_step *step, uint64_t target_kib,
                   enum reason_code code, uint64_t b_kib)
{
    step->target_kib = units_whole_pages(target_kib);
    explain(step, code,
            code == REASON_ABOVE_CEILING ? domain->ceiling_kib
                                         : step->demand_kib,
            b_kib);
}

/* Plenty for all: donors together give what is lacking, each its part. */
static void take_spare(const struct snapshot *snapshot, struct plan *plan,
                       const struct tally *tally, uint64_t lack_kib)
{
    enum reason_code code =
        tally->wanted_kib > 0 ? REASON_GIVES : REASON_REFILLS;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t spare = spares(domain, step->demand_kib);
        uint64_t part;

        if (step->state != DECIDE_MANAGED || spare == 0) {
            continue;
        }
        part = units_scale(spare, lack_kib, tally->spare_kib);
        part = units_clamp(part, deadband(domain->target_kib), spare);
        shrink(domain, step, domain->target_kib - part, code, lack_kib);
    }
}

/* At this price, what one domain gets: price is KiB per 65536 of weight. */
static uint64_t fair_share(const struct snapshot_domain *domain,
                           uint64_t demand_kib, uint64_t price)
{
    return units_clamp(units_scale(price, domain->weight, 65536),
                       least_kib(domain), demand_kib);
}

/* The highest price that the pool can pay. */
static uint64_t fair_price(const struct snapshot *snapshot,
                           const struct plan *plan, uint64_t pool_kib)
{
    uint64_t low = 0;
    uint64_t high = UNITS_KIB_MAX * UINT64_C(65536);

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t sum = 0;
        unsigned int i;

        for (i = 0; i < snapshot->count; i++) {
            const struct decide_step *step = &plan->steps[i];

            if (step->state == DECIDE_MANAGED) {
                sum += fair_share(&snapshot->domains[i], step->demand_kib,
                                  middle);
            }
        }
        if (sum <= pool_kib) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Too little for all: whoever holds more than its share gives the rest. */
static void take_shares(const struct snapshot *snapshot, struct plan *plan,
                        uint64_t price)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t share;

        if (step->state != DECIDE_MANAGED) {
            continue;
        }
        share = fair_share(domain, step->demand_kib, price);
        if (spares(domain, share) > 0) {
            shrink(domain, step, share, REASON_SHARES, share);
        }
    }
}

/* ---- Who gets ---------------------------------------------------------- */

/* The domain's goal: its demand, or its share of a pool that is too small. */
static uint64_t goal_of(const struct snapshot_domain *domain,
                        const struct decide_step *step, bool is_short,
                        uint64_t price)
{
    return is_short ? fair_share(domain, step->demand_kib, price)
                    : step->demand_kib;
}

/*
 * Raises step by grant if what it costs is left in *left_kib.  The cost is
 * the new promise: the limit above what was promised or held already.
 */
static bool grow(const struct snapshot_domain *domain, struct decide_step *step,
                 uint64_t target_kib, uint64_t *left_kib)
{
    uint64_t limit = limit_for(domain, target_kib);
    uint64_t cost =
        units_less(limit, units_max(domain->limit_kib, domain->current_kib));

    if (cost > *left_kib) {
        return false;
    }
    *left_kib -= cost;
    step->target_kib = target_kib;
    step->limit_kib = units_max(limit, domain->limit_kib);
    return true;
}

static void grant(const struct snapshot_domain *domain,
                  struct decide_step *step, uint64_t need_kib,
                  uint64_t part_kib, bool is_short, uint64_t *left_kib)
{
    uint64_t goal = domain->target_kib + need_kib;
    uint64_t least =
        units_max(DECIDE_GRANT_KIB, need_kib / DECIDE_GRANT_SHARE);

    part_kib = units_whole_pages(part_kib);
    if ((part_kib < need_kib && part_kib < least) ||
        !grow(domain, step, domain->target_kib + part_kib, left_kib)) {
        explain(step, is_short ? REASON_SHORT : REASON_WAITS, step->demand_kib,
                is_short ? goal : 0);
        return;
    }
    if (step->target_kib < domain->floor_kib ||
        domain->target_kib < domain->floor_kib) {
        explain(step, REASON_BELOW_FLOOR, domain->floor_kib, part_kib);
    } else if (part_kib < need_kib || is_short) {
        explain(step, REASON_NEEDS_PART, step->demand_kib, part_kib);
    } else {
        explain(step, REASON_NEEDS, step->demand_kib, *left_kib);
    }
}

/* What is free now goes to takers by need; what is on its way waits. */
static void give(const struct snapshot *snapshot, struct plan *plan,
                 const struct tally *tally, bool is_short, uint64_t price)
{
    uint64_t have =
        tally->spendable_kib > 0 ? (uint64_t)tally->spendable_kib : 0;
    uint64_t left = have;
    uint64_t need_sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_MANAGED) {
            need_sum += lacks(&snapshot->domains[i],
                              goal_of(&snapshot->domains[i], &plan->steps[i],
                                      is_short, price));
        }
    }
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t need;

        if (step->state != DECIDE_MANAGED) {
            continue;
        }
        need = lacks(domain, goal_of(domain, step, is_short, price));
        if (need > 0) {
            grant(domain, step, need,
                  need_sum <= have ? need : units_scale(need, have, need_sum),
                  is_short, &left);
        }
    }
}

/* ---- Bounds, the stuck, and limits ------------------------------------- */

/* A ceiling that was lowered binds at once, whoever needs the memory. */
static void hold_ceilings(const struct snapshot *snapshot, struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            step->target_kib > domain->ceiling_kib) {
            shrink(domain, step, domain->ceiling_kib, REASON_ABOVE_CEILING, 0);
        }
    }
}

/* Takes a stuck domain's target back to what it holds, within its bounds. */
static void give_up(const struct snapshot_domain *domain,
                    const struct decide_memory *memory,
                    struct decide_step *step)
{
    uint64_t held = units_whole_pages(units_clamp(
        held_kib(domain, memory), domain->floor_kib, domain->ceiling_kib));
    uint64_t limit = limit_for(domain, held);

    if (units_distance(held, domain->target_kib) <= DECIDE_ARRIVED_KIB) {
        return;
    }
    explain(step, REASON_GAVE_UP, held, domain->target_kib);
    step->target_kib = held;
    step->limit_kib = units_max(limit, domain->current_kib);
}

/* Limits come down behind what is held; 8 MiB at a time, and at the end. */
static void lower_limit(const struct snapshot_domain *domain,
                        const struct decide_memory *memory,
                        struct decide_step *step)
{
    uint64_t wanted = limit_for(domain, step->target_kib);
    uint64_t limit = units_max(wanted, domain->current_kib);

    if (step->target_kib > domain->target_kib || limit >= domain->limit_kib) {
        return;
    }
    if (!has_arrived(domain, memory) &&
        domain->limit_kib - limit < 8 * UNITS_KIB_PER_MIB) {
        return;
    }
    step->limit_kib = limit;
}

static void rest(const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step)
{
    uint64_t spare = units_less(domain->target_kib, step->demand_kib);

    if (!has_arrived(domain, memory)) {
        explain(step, REASON_ON_ITS_WAY, held_kib(domain, memory),
                domain->target_kib);
    } else if (spare > deadband(domain->target_kib)) {
        explain(step, REASON_SPARE, step->demand_kib, spare);
    } else {
        explain(step, REASON_SATISFIED, step->demand_kib, domain->target_kib);
    }
}

static void finish(const struct snapshot *snapshot,
                   const struct decide_memory *memories, struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_STUCK) {
            give_up(domain, &memories[i], step);
        } else if (step->state == DECIDE_MANAGED) {
            lower_limit(domain, &memories[i], step);
            if (step->reason.code == REASON_NONE) {
                if (step->limit_kib != domain->limit_kib) {
                    explain(step, REASON_LIMIT_FOLLOWS, domain->limit_kib,
                            step->limit_kib);
                } else {
                    rest(domain, &memories[i], step);
                }
            }
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
        !has_arrived(domain, memory) || step->reason.code == REASON_WAITS) {
        return now_ms + DECIDE_MOVING_MS;
    }
    /* A demand that still falls makes a donor, or frees a taker. */
    if (step->demand_kib > units_add(units_clamp(demand_now(domain),
                                                 least_kib(domain),
                                                 domain->ceiling_kib),
                                     UNITS_KIB_PER_MIB)) {
        return now_ms + 1000;
    }
    return next_ms;
}

static void share_out(const struct snapshot *snapshot,
                      const struct tally *tally, struct plan *plan)
{
    uint64_t have =
        tally->spendable_kib > 0 ? (uint64_t)tally->spendable_kib : 0;
    uint64_t short_kib =
        tally->spendable_kib < 0 ? (uint64_t)-tally->spendable_kib : 0;
    uint64_t lack = units_less(tally->wanted_kib + short_kib,
                               have + tally->incoming_kib);
    bool is_short = lack > tally->spare_kib && tally->wanted_kib > 0;
    uint64_t price = 0;

    if (is_short) {
        price = fair_price(snapshot, plan,
                           units_less(tally->targets_kib + have +
                                          tally->incoming_kib,
                                      short_kib));
        take_shares(snapshot, plan, price);
    } else if (lack > 0 &&
               (tally->wanted_kib > 0 || lack > DECIDE_DEADBAND_KIB)) {
        take_spare(snapshot, plan, tally, lack);
    }
    give(snapshot, plan, tally, is_short, price);
}

void decide(const struct snapshot *snapshot, struct decide_memory *memories,
            struct plan *plan)
{
    struct tally tally;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        judge(&snapshot->domains[i], &memories[i], &plan->steps[i],
              snapshot->now_ms);
    }
    tally = count(snapshot, memories, plan);
    share_out(snapshot, &tally, plan);
    hold_ceilings(snapshot, plan);
    finish(snapshot, memories, plan);

    plan->spendable_kib =
        tally.spendable_kib > 0 ? (uint64_t)tally.spendable_kib : 0;
    plan->promised_kib = tally.promised_kib;
    plan->wanted_kib = tally.wanted_kib;
    plan->spare_kib = tally.spare_kib;
    plan->next_ms = snapshot->now_ms + DECIDE_RESTING_MS;
    for (i = 0; i < snapshot->count; i++) {
        plan->next_ms =
            units_min(plan->next_ms,
                      look_again(&snapshot->domains[i], &memories[i],
                                 &plan->steps[i], snapshot->now_ms));
    }
}
