/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy; see decide.h.  Nothing here may know how a figure was
 * obtained or how a step is carried out.
 */
#include "backend/decide.h"

#include <stdbool.h>

#include "backend/allowance.h"
#include "backend/demand.h"
#include "backend/donors.h"
#include "backend/grants.h"
#include "backend/host.h"
#include "backend/intent.h"
#include "backend/movement.h"
#include "backend/share.h"
#include "backend/sums.h"
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
    case DECIDE_SAVING:
        return "saving";
    case DECIDE_BUILDING:
        return "building";
    case DECIDE_DYING:
        return "dying";
    case DECIDE_STATES:
        break;
    }
    return "unknown";
}

const char *decide_mood_word(enum decide_mood mood)
{
    static const char *const words[DECIDE_MOODS] = {
        [DECIDE_PLENTY] = "plenty",
        [DECIDE_CAREFUL] = "careful",
        [DECIDE_SHORT] = "short",
        [DECIDE_EMERGENCY] = "emergency",
    };

    return (unsigned int)mood < DECIDE_MOODS ? words[mood] : "none";
}

const char *decide_trust_word(enum decide_trust trust)
{
    static const char *const words[DECIDE_TRUSTS] = {
        [DECIDE_UNKNOWN] = "unknown",   [DECIDE_WILLING] = "willing",
        [DECIDE_SLOW] = "slow",         [DECIDE_IMMOBILE] = "stuck",
        [DECIDE_EXCLUDED] = "excluded",
    };

    return (unsigned int)trust < DECIDE_TRUSTS ? words[trust] : "none";
}

/* ---- Which domains may be touched -------------------------------------- */

static enum decide_state settle(struct decide_step *step,
                                enum decide_state state, enum reason_code code)
{
    reason_set(&step->reason, code, 0, 0);
    return state;
}

/* By what the domain is, whatever it says. */
static inline enum decide_state judge_kind(const struct snapshot_domain *domain,
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

/*
 * The copy of one that is saved or migrated was made by the target that it had
 * then: it fails when the domain grows.  Better that than a program killed.
 */
static enum decide_state judge_saving(const struct snapshot_domain *domain,
                                      struct decide_step *step)
{
    bool is_in_peril = step->coming_kib > domain->target_kib &&
                       share_cannot_swap(domain, step);

    return domain->is_saving && !is_in_peril
               ? settle(step, DECIDE_SAVING, REASON_SAVING)
               : DECIDE_MANAGED;
}

/*
 * It was stuck and is asked again: see DECIDE_TRIAL_KIB.  What it lacks beyond
 * that nobody is asked for, but the operator is told.
 */
static void try_again(const struct snapshot_domain *domain,
                      const struct decide_memory *memory,
                      struct decide_step *step, struct host_sums *sums)
{
    uint64_t lack = share_lack_kib(domain, step->demand_kib);
    uint64_t held = movement_held_kib(domain, memory);
    uint64_t trial = units_max(DECIDE_TRIAL_KIB, held / DECIDE_TRIAL_SHARE);
    uint64_t low = units_max(units_whole_pages(units_less(held, trial)),
                             domain->floor_kib);
    uint64_t high =
        units_max(units_whole_pages(held + trial), domain->floor_kib);

    step->least_kib = units_clamp(step->least_kib, low, high);
    step->need_kib = units_clamp(step->need_kib, low, high);
    step->coming_kib = units_clamp(step->coming_kib, low, high);
    step->demand_kib = units_clamp(step->demand_kib, low, high);
    step->keep_kib = units_clamp(step->keep_kib, low, high);
    sums->untried_kib +=
        units_less(lack, share_lack_kib(domain, step->demand_kib));
}

/*
 * It was shrunk and it hurts: hands off, longer each time; the wait is forgotten
 * when it has kept still for as long as the longest.
 */
static void hear_complaint(struct decide_memory *memory, uint64_t now_ms)
{
    if (memory->hands_off_after_ms != 0 &&
        now_ms >= memory->hands_off_ms + DECIDE_HANDS_OFF_MAX_MS) {
        memory->hands_off_after_ms = 0;
    }
    if (memory->shrunk_ms == 0 || memory->pain_ms <= memory->shrunk_ms ||
        memory->pain_ms - memory->shrunk_ms >= DECIDE_COMPLAINT_MS) {
        return;
    }
    memory->shrunk_ms = 0; /* one complaint for one squeeze */
    memory->hands_off_after_ms =
        units_clamp(memory->hands_off_after_ms * 2, DECIDE_HANDS_OFF_MS,
                    DECIDE_HANDS_OFF_MAX_MS);
    memory->hands_off_ms = now_ms + memory->hands_off_after_ms;
}

/* It is granted what it was shrunk by just before; see DECIDE_BREATH_MS. */
static void follow_breath(struct decide_memory *memory, uint64_t now_ms)
{
    if (memory->shrunk_ms == 0 ||
        units_less(now_ms, memory->shrunk_ms) >= DECIDE_BREATH_MS ||
        now_ms < memory->breathes_ms) {
        return;
    }
    if (now_ms >= memory->breathes_ms + DECIDE_BREATH_MAX_MS) {
        memory->breathes_after_ms = 0;
    }
    memory->breathes_after_ms =
        units_clamp(memory->breathes_after_ms * 2, DECIDE_BREATH_OUT_MS,
                    DECIDE_BREATH_MAX_MS);
    memory->breathes_ms = now_ms + memory->breathes_after_ms;
}

/* Of one that says nothing. */
static void need_nothing(struct decide_step *step)
{
    step->least_kib = 0;
    step->need_kib = 0;
    step->coming_kib = 0;
    step->demand_kib = 0;
    step->keep_kib = 0;
    step->is_falling = false;
}

/*
 * Field by field: a third faster than all at once.  Judging sets the rest in any
 * case.
 */
static void begin(const struct snapshot_domain *domain,
                  struct decide_step *step)
{
    step->domid = domain->domid;
    step->weight = domain->weight;
    step->base_kib = 0;
    step->low_kib = 0;
    step->high_kib = 0;
    step->target_kib = domain->target_kib;
    step->limit_kib = domain->limit_kib;
    step->allowance_kib = domain->allowance_kib;
    step->announced = 0;
    step->announced_kib = 0;
    step->announced_wait_ms = 0;
    reason_set(&step->reason, REASON_NONE, 0, 0);
}

/*
 * What it took by itself becomes its target at once, which costs nothing, as
 * its limit covers it; what it does not need is then taken like from anybody.
 * xl saves and restores by the target: who holds more could not be restored.
 */
static void cover_reflex(const struct snapshot_domain *domain,
                         struct decide_step *step)
{
    uint64_t aim = units_whole_pages(
        units_min(movement_aim_kib(domain), domain->ceiling_kib));

    if (movement_reflex_kib(domain) > 0) {
        step->demand_kib = units_max(step->demand_kib, aim);
        step->keep_kib = units_max(step->keep_kib, aim);
    }
}

static void note(const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step,
                 uint64_t now_ms)
{
    struct decide_notes *notes = &step->notes;

    notes->is_unswapped =
        step->state == DECIDE_MANAGED && share_cannot_swap(domain, step);
    notes->is_below_floor = domain->target_kib < domain->floor_kib;
    notes->has_arrived = movement_has_arrived(domain, memory);
    notes->is_lagging = movement_lags(domain, memory, now_ms);
    notes->is_hands_off = memory->hands_off_ms > now_ms;
    notes->is_breathing = memory->breathes_ms > now_ms;
    notes->is_warned = domain->has_intent || memory->intent_until_ms != 0 ||
                       memory->refused_until_ms > now_ms;
}

static void judge(const struct snapshot_domain *domain,
                  struct decide_memory *memory, struct decide_step *step,
                  uint64_t now_ms, struct host_sums *sums)
{
    begin(domain, step);
    if (domain->voice == SNAPSHOT_VOICE_GOOD && domain->has_target) {
        demand_follow(domain, memory, step, now_ms);
        cover_reflex(domain, step);
        hear_complaint(memory, now_ms);
        if (domain->target_kib <=
            step->demand_kib + share_deadband_kib(domain->target_kib)) {
            memory->needed_ms = now_ms;
        }
    } else {
        need_nothing(step);
    }
    movement_follow(domain, memory, now_ms);
    memory->is_known = true;
    memory->last_ms = now_ms;

    step->state = judge_kind(domain, step);
    if (step->state == DECIDE_MANAGED) {
        step->state = judge_voice(domain, step);
    }
    if (step->state == DECIDE_MANAGED) {
        step->state = judge_saving(domain, step);
    }
    if (step->state == DECIDE_MANAGED) {
        step->state = judge_movement(domain, memory, step);
    }
    if (step->state == DECIDE_MANAGED && memory->retry_after_ms > 0) {
        try_again(domain, memory, step, sums);
    }
    step->goal_kib = step->demand_kib;
    note(domain, memory, step, now_ms);
    step->trust = step->state == DECIDE_MANAGED || step->state == DECIDE_STUCK
                      ? movement_trust(domain, memory, now_ms)
                      : DECIDE_EXCLUDED;
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
                        struct decide_step *step)
{
    uint64_t wanted =
        share_limit_kib(domain, step->target_kib) + step->allowance_kib;
    uint64_t limit = units_max(wanted, domain->current_kib);

    if (step->target_kib > domain->target_kib || limit >= domain->limit_kib) {
        return;
    }
    if (!step->notes.has_arrived &&
        domain->limit_kib - limit < 8 * UNITS_KIB_PER_MIB) {
        return;
    }
    step->limit_kib = limit;
}

static void rest(const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step,
                 uint64_t now_ms)
{
    uint64_t spare = units_less(domain->target_kib, step->demand_kib);
    uint64_t lack = units_less(step->demand_kib, domain->target_kib);

    if (!step->notes.has_arrived) {
        reason_set(&step->reason, REASON_ON_ITS_WAY,
                   movement_held_kib(domain, memory), domain->target_kib);
    } else if (step->notes.is_warned &&
               intent_refused_kib(domain, memory, now_ms) >
                   units_max(domain->floor_kib, domain->report.floor_kib)) {
        reason_set(&step->reason, REASON_REFUSES, memory->refused_kib, 0);
    } else if (spare > share_deadband_kib(domain->target_kib)) {
        reason_set(&step->reason,
                   step->notes.is_hands_off ? REASON_HANDS_OFF : REASON_SPARE,
                   step->demand_kib, spare);
    } else if (lack > share_deadband_kib(domain->target_kib)) {
        /* It has its share, or as near as makes a difference. */
        reason_set(&step->reason, REASON_SHORT, step->demand_kib,
                   domain->target_kib);
    } else {
        reason_set(&step->reason, REASON_SATISFIED, step->demand_kib,
                   domain->target_kib);
    }
}

/*
 * Of one that has an allowance no more: nobody may take what nobody watches.
 * One of whom this backend has not heard is left as it was found.
 */
static void withdraw(const struct snapshot_domain *domain,
                     const struct decide_memory *memory,
                     struct decide_step *step)
{
    uint64_t limit = units_max(share_limit_kib(domain, domain->target_kib),
                               domain->current_kib);

    if (domain->allowance_kib > 0 && memory->met_ms != 0) {
        step->limit_kib = units_min(limit, domain->limit_kib);
    }
}

/* The target is settled: whatever follows adds limits and reasons only. */
static void finish_target(const struct snapshot *snapshot,
                          const struct decide_host *host,
                          const struct snapshot_domain *domain,
                          struct decide_memory *memory,
                          struct decide_step *step)
{
    if (step->notes.is_warned &&
        (domain->has_intent || memory->intent_until_ms != 0)) {
        intent_follow(snapshot, host->mood, domain, memory, step);
    }
    if (step->state == DECIDE_STUCK) {
        give_up(domain, memory, step);
    } else if (step->state == DECIDE_MANAGED) {
        if (step->target_kib < domain->target_kib) {
            memory->shrunk_ms = snapshot->now_ms;
        } else if (step->target_kib > domain->target_kib) {
            follow_breath(memory, snapshot->now_ms);
        }
        hold_ceiling(domain, step);
    }
}

static inline void finish_limit(const struct snapshot_domain *domain,
                                const struct decide_memory *memory,
                                struct decide_step *step, uint64_t now_ms)
{
    switch (step->state) {
    case DECIDE_MANAGED:
        lower_limit(domain, step);
        if (step->reason.code == REASON_NONE &&
            step->allowance_kib != domain->allowance_kib) {
            reason_set(&step->reason, REASON_ALLOWANCE, domain->allowance_kib,
                       step->allowance_kib);
        } else if (step->reason.code == REASON_NONE &&
                   step->limit_kib != domain->limit_kib) {
            reason_set(&step->reason, REASON_LIMIT_FOLLOWS, domain->limit_kib,
                       step->limit_kib);
        } else if (step->reason.code == REASON_NONE) {
            rest(domain, memory, step, now_ms);
        }
        break;
    case DECIDE_OPERATOR:
        if (domain->domid != 0) {
            step->limit_kib = share_operators_limit_kib(domain);
        }
        break;
    case DECIDE_FIXED:
    case DECIDE_STATIC:
    case DECIDE_SILENT:
    case DECIDE_SAVING:
        withdraw(domain, memory, step);
        break;
    case DECIDE_STUCK:
    case DECIDE_BUILDING:
    case DECIDE_DYING:
    case DECIDE_STATES:
        break;
    }
}

/* ---- When to look again ------------------------------------------------ */

static inline uint64_t look_again(const struct snapshot_domain *domain,
                                  const struct decide_memory *memory,
                                  const struct decide_step *step,
                                  bool is_wanted, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + DECIDE_RESTING_MS;

    if (step->state == DECIDE_STUCK) {
        return units_min(next_ms, memory->retry_ms);
    }
    if (step->state != DECIDE_MANAGED) {
        return next_ms;
    }
    if (step->allowance_kib < domain->allowance_kib) {
        return now_ms + 1; /* somebody waits for what was withdrawn */
    }
    if (step->target_kib != domain->target_kib ||
        step->limit_kib != domain->limit_kib || !step->notes.has_arrived ||
        step->reason.code == REASON_WAITS) {
        return now_ms + DECIDE_MOVING_MS;
    }
    if (step->announced != 0) {
        next_ms = units_min(next_ms, intent_next_ms(memory, now_ms));
    }
    /* A demand that still falls makes a donor, or frees a taker. */
    if (is_wanted && step->is_falling) {
        return now_ms + 1000;
    }
    return next_ms;
}

/* What it was granted since the last call, or took by starting. */
static uint64_t spent_by(const struct snapshot_domain *domain,
                         const struct decide_memory *memory,
                         const struct decide_host *host)
{
    if (memory->is_known) {
        return units_less(movement_aim_kib(domain), memory->target_kib);
    }
    return host->is_known ? domain->current_kib : 0;
}

/*
 * All that each domain can be judged by alone, and the sums over all.  Returns
 * what was spent since the last call.
 */
static uint64_t take_in(const struct sharing *sharing,
                        struct decide_memory *memories, struct host_sums *sums)
{
    const struct snapshot *snapshot = sharing->snapshot;
    const struct snapshot_domain *domain = snapshot->domains;
    const struct snapshot_domain *end = domain + snapshot->count;
    struct decide_memory *memory = memories;
    struct decide_step *step = sharing->plan->steps;
    uint64_t now_ms = snapshot->now_ms;
    uint64_t spent_kib = 0;

    for (; domain < end; domain++, memory++, step++) {
        spent_kib += spent_by(domain, memory, sharing->host);
        if (!memory->is_known) {
            memory->is_newborn = sharing->host->is_known;
        }
        judge(domain, memory, step, now_ms, sums);
        sums_count(domain, memory, step, now_ms, sums);
        if (allowance_concerns(domain)) {
            allowance_count(domain, step, sums);
        }
    }
    sums->spendable_kib =
        (int64_t)snapshot->free_kib - (int64_t)snapshot->claimed_kib -
        (int64_t)sums->promised_kib - (int64_t)snapshot->reserve_kib;
    return spent_kib;
}

/* Who holds more than its goal may have to give, who holds less may get. */
static void plan_target(const struct sharing *sharing,
                        const struct snapshot_domain *domain,
                        const struct decide_memory *memory,
                        struct decide_step *step)
{
    if (step->state != DECIDE_MANAGED) {
        return;
    }
    if (step->goal_kib < step->target_kib) {
        if (sharing->has_donors) {
            donors_give(sharing, domain, memory, step);
        }
    } else if (step->goal_kib > step->target_kib &&
               sharing->sums->wanted_kib > 0) {
        grants_give(sharing, domain, step);
    }
}

/* What follows from target and allowance.  Returns when to look again. */
static uint64_t finish(const struct sharing *sharing,
                       const struct snapshot_domain *domain,
                       const struct decide_memory *memory,
                       struct decide_step *step)
{
    uint64_t now_ms = sharing->snapshot->now_ms;

    finish_limit(domain, memory, step, now_ms);
    return look_again(domain, memory, step, sharing->sums->wanted_kib > 0,
                      now_ms);
}

/* Targets first, then limits and reasons, for which allowances must be known. */
enum stages { STAGE_TARGETS, STAGE_LIMITS, BOTH_STAGES };

static void carry_out(const struct sharing *sharing,
                      struct decide_memory *memories, enum stages stages)
{
    const struct snapshot *snapshot = sharing->snapshot;
    const struct snapshot_domain *domain = snapshot->domains;
    const struct snapshot_domain *end = domain + snapshot->count;
    struct decide_memory *memory = memories;
    struct decide_step *step = sharing->plan->steps;
    uint64_t next_ms = snapshot->now_ms + DECIDE_RESTING_MS;

    for (; domain < end; domain++, memory++, step++) {
        if (stages != STAGE_LIMITS) {
            plan_target(sharing, domain, memory, step);
            finish_target(snapshot, sharing->host, domain, memory, step);
        }
        if (stages != STAGE_TARGETS) {
            next_ms = units_min(next_ms, finish(sharing, domain, memory, step));
        }
    }
    sharing->plan->next_ms = next_ms;
}

void decide(const struct snapshot *snapshot, struct decide_host *host,
            struct decide_memory *memories, struct plan *plan)
{
    struct host_sums sums = {0};
    struct sharing sharing = {
        .snapshot = snapshot,
        .host = host,
        .memories = memories,
        .sums = &sums,
        .plan = plan,
    };
    uint64_t spent_kib = take_in(&sharing, memories, &sums);

    host_follow(snapshot, host, &sums, spent_kib);
    share_settle(&sharing);

    plan->mood = host->mood;
    plan->spendable_kib = host_free_kib(&sums);
    plan->promised_kib = sums.promised_kib;
    plan->wanted_kib = sums.wanted_kib + sums.untried_kib;
    plan->spare_kib = sums.spare_kib;
    plan->learned_kib = host->learned_kib;
    if (sums.has_allowances) {
        /* They have to wait for what all targets leave. */
        carry_out(&sharing, memories, STAGE_TARGETS);
        allowance_share(snapshot, memories, &sums, plan);
        carry_out(&sharing, memories, STAGE_LIMITS);
    } else {
        /* All at one go, while the domain's data is at hand. */
        carry_out(&sharing, memories, BOTH_STAGES);
    }
}
