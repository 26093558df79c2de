/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/share.h"

#include <stdbool.h>

#include "backend/host.h"
#include "backend/movement.h"
#include "backend/price.h"
#include "common/units.h"

uint64_t share_operators_limit_kib(const struct snapshot_domain *domain)
{
    uint64_t limit = share_limit_kib(domain, domain->target_kib);

    return domain->limit_kib == domain->our_limit_kib
               ? limit
               : units_max(limit, domain->limit_kib);
}

/* ---- What there is, and who needs it ----------------------------------- */

/* What a managed domain lacks of goal, 0 within the dead-band. */
static uint64_t lacks(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t lack = units_less(goal_kib, domain->target_kib);
    uint64_t band = domain->target_kib < domain->floor_kib
                        ? 0
                        : share_deadband_kib(domain->target_kib);

    return lack > band ? lack : 0;
}

static uint64_t spares(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t spare = units_less(domain->target_kib, goal_kib);

    return spare > share_deadband_kib(domain->target_kib) ? spare : 0;
}

/*
 * Promises are limits above what is held; a builder's claim is counted once.
 * Domain 0 has no limit unless dom0_mem= has a "max:" part, but its kernel
 * goes no further than its target, and it has one only when xl gave it one.
 */
static uint64_t promise_to(const struct snapshot_domain *domain,
                           enum decide_state state)
{
    uint64_t limit = domain->limit_kib;

    if (domain->domid == 0) {
        limit =
            units_min(limit, domain->has_target
                                 ? share_limit_kib(domain, domain->target_kib)
                                 : 0);
    } else if (state == DECIDE_OPERATOR) {
        limit = units_max(limit, share_operators_limit_kib(domain));
    }
    return units_less(limit,
                      units_add(domain->current_kib, domain->claimed_kib));
}

/*
 * What a domain that was shrunk will have returned when it is at its target and
 * its limit has followed.  Limits follow in steps: counted by what is held, the
 * memory between two steps would belong to nobody, and everybody's share would
 * go down and up again with each step.
 */
static uint64_t on_its_way(const struct snapshot_domain *domain,
                           uint64_t moves_kib)
{
    uint64_t at_rest = units_max(share_limit_kib(domain, domain->target_kib),
                                 units_less(domain->current_kib, moves_kib));

    return units_less(units_max(domain->limit_kib, domain->current_kib),
                      at_rest);
}

void share_count(const struct snapshot_domain *domain,
                 const struct decide_memory *memory,
                 const struct decide_step *step, uint64_t now_ms,
                 struct host_sums *sums)
{
    uint64_t wanted, spare, aim, moves, incoming;

    if (step->state != DECIDE_DYING) {
        sums->promised_kib += promise_to(domain, step->state);
    }
    if (step->state != DECIDE_MANAGED) {
        return;
    }
    wanted = lacks(domain, step->demand_kib);
    spare = spares(domain, step->demand_kib);
    aim = movement_aim_kib(domain);
    moves = units_less(movement_held_kib(domain, memory), aim);
    incoming = on_its_way(domain, moves);
    if (incoming > 0) {
        sums->incoming_kib += incoming;
        sums->soon_kib +=
            units_less(incoming, moves) +
            units_min(incoming, movement_soon_kib(domain, memory, now_ms));
    }
    sums->wanted_kib += wanted;
    sums->spare_kib += spare;
    sums->targets_kib += aim;
    sums->need_kib += step->need_kib;
    sums->coming_kib += step->coming_kib;
    sums->demand_kib += step->demand_kib;
}

/* ---- Who gives --------------------------------------------------------- */

static void shrink(struct decide_step *step, uint64_t target_kib,
                   enum reason_code code, uint64_t b_kib)
{
    step->target_kib = units_whole_pages(target_kib);
    reason_set(&step->reason, code, step->demand_kib, b_kib);
}

/* Down to where a donor gives. */
enum level {
    LEVEL_LENT,            /* what it was granted, once it has no use for it */
    LEVEL_NOT_NEEDED_LONG, /* what it ever needed */
    LEVEL_DEMAND,
    LEVEL_SHARE
};

/*
 * What donors are asked for: readily_kib of what they hold above one level, and
 * what that leaves of needed_kib of what they hold above a lower one.
 */
struct asking {
    enum level upper;
    enum level lower;
    uint64_t readily_kib;
    uint64_t needed_kib;
    enum reason_code code;
    bool spares_breathers;
    bool is_for_peril; /* somebody may be killed who does not get it */
};

static uint64_t level_kib(enum level level, uint64_t now_ms,
                          const struct snapshot_domain *domain,
                          const struct decide_memory *memory,
                          const struct decide_step *step)
{
    switch (level) {
    case LEVEL_LENT:
        return units_less(now_ms, memory->needed_ms) < DECIDE_RETURN_MS
                   ? domain->target_kib
                   : units_max(step->demand_kib, units_less(domain->target_kib,
                                                            memory->lent_kib));
    case LEVEL_NOT_NEEDED_LONG:
        return step->keep_kib;
    case LEVEL_DEMAND:
        return step->demand_kib;
    case LEVEL_SHARE:
        break;
    }
    return step->goal_kib;
}

/*
 * It has next to no swap to take what it lacks: what it says it cannot go below
 * is nearly all that it needs.
 */
static bool cannot_swap(const struct snapshot_domain *domain,
                        const struct decide_step *step)
{
    uint64_t least = domain->report.floor_kib;

    return least + least / DECIDE_PERIL_SHARE >= step->need_kib;
}

/* Somebody has nothing but memory. */
static bool has_unswapped(const struct snapshot *snapshot,
                          const struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_MANAGED &&
            cannot_swap(&snapshot->domains[i], &plan->steps[i])) {
            return true;
        }
    }
    return false;
}

/* With less than half of its head-room a domain lacks all of it. */
static uint64_t half_headroom_kib(const struct decide_step *step)
{
    return step->coming_kib + units_less(step->goal_kib, step->coming_kib) / 2;
}

/* Somebody soon needs more than it has, and has no other way. */
static bool is_urgent(const struct snapshot *snapshot, const struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            lacks(&snapshot->domains[i], half_headroom_kib(step)) > 0 &&
            cannot_swap(&snapshot->domains[i], step)) {
            return true;
        }
    }
    return false;
}

/*
 * One that complained is left alone unless others' lives are at stake: levels
 * are above what it needs.
 */
static bool is_left_alone(const struct decide_memory *memory,
                          const struct asking *asking, uint64_t now_ms)
{
    return (memory->hands_off_ms > now_ms && !asking->is_for_peril) ||
           (memory->breathes_ms > now_ms && asking->spares_breathers);
}

/* What a donor can be asked for without harm, down to level. */
static uint64_t can_give(const struct snapshot *snapshot,
                         const struct decide_host *host,
                         const struct decide_memory *memory,
                         const struct snapshot_domain *domain,
                         const struct decide_step *step,
                         const struct asking *asking, enum level level)
{
    uint64_t now_ms = snapshot->now_ms;
    uint64_t least_kib = level_kib(level, now_ms, domain, memory, step);
    uint64_t spare;

    if (step->state != DECIDE_MANAGED ||
        (is_left_alone(memory, asking, now_ms) &&
         host->mood != DECIDE_EMERGENCY)) {
        return 0;
    }
    spare = units_less(domain->target_kib, least_kib);
    return spare > DECIDE_DEADBAND_KIB ? spare : 0;
}

/* What all donors together can be asked for. */
static uint64_t can_all_give(const struct snapshot *snapshot,
                             const struct decide_host *host,
                             const struct decide_memory *memories,
                             const struct plan *plan,
                             const struct asking *asking, enum level level)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        sum += can_give(snapshot, host, &memories[i], &snapshot->domains[i],
                        &plan->steps[i], asking, level);
    }
    return sum;
}

/* Donors together give what is asked for, each its part. */
static void ask(const struct snapshot *snapshot, const struct decide_host *host,
                const struct decide_memory *memories,
                const struct asking *asking, struct plan *plan)
{
    uint64_t upper_sum =
        can_all_give(snapshot, host, memories, plan, asking, asking->upper);
    uint64_t lower_sum =
        can_all_give(snapshot, host, memories, plan, asking, asking->lower);
    uint64_t readily_kib, more_kib;
    unsigned int i;

    readily_kib = units_min(asking->readily_kib, upper_sum);
    more_kib = units_min(units_less(asking->needed_kib, upper_sum),
                         lower_sum - upper_sum);
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t lower = can_give(snapshot, host, &memories[i], domain, step,
                                  asking, asking->lower);
        uint64_t upper, part;

        if (lower == 0) {
            continue;
        }
        upper = can_give(snapshot, host, &memories[i], domain, step, asking,
                         asking->upper);
        part = units_scale(upper, readily_kib, upper_sum);
        if (more_kib > 0) {
            part += units_scale(lower - upper, more_kib, lower_sum - upper_sum);
        }
        if (part > 0) {
            part = units_max(part, share_deadband_kib(domain->target_kib));
            shrink(step, domain->target_kib - units_min(part, lower),
                   asking->code, asking->needed_kib);
        }
    }
}

/*
 * What is pressing is asked of all; the rest, of those who would not want it
 * back in a moment.
 */
static void ask_calmly(const struct snapshot *snapshot,
                       const struct decide_host *host,
                       const struct decide_memory *memories,
                       uint64_t pressing_kib, struct asking *asking,
                       struct plan *plan)
{
    asking->spares_breathers = true;
    asking->spares_breathers =
        !asking->is_for_peril &&
        can_all_give(snapshot, host, memories, plan, asking, asking->lower) >=
            pressing_kib;
    if (!asking->spares_breathers && !asking->is_for_peril) {
        asking->readily_kib = units_min(asking->readily_kib, pressing_kib);
        asking->needed_kib = pressing_kib;
    }
    ask(snapshot, host, memories, asking, plan);
}

/* What is there, or can be counted on soon. */
static uint64_t have_kib(const struct host_sums *sums)
{
    return sums->soon_kib +
           (sums->spendable_kib > 0 ? (uint64_t)sums->spendable_kib : 0);
}

/*
 * What allowances lack of what is to be free for them, beyond what takers do
 * that want wanted_kib.  Nothing while half of it is there: then all of it is
 * asked for at once, so that it is not for every little.
 */
static uint64_t standby_lack_kib(const struct host_sums *sums,
                                 uint64_t wanted_kib, uint64_t standby_kib)
{
    uint64_t have = units_less(have_kib(sums) + sums->allowed_kib, wanted_kib);
    uint64_t lack = units_less(standby_kib, have);

    return lack > standby_kib / 2 ? lack : 0;
}

/* What takers lack of what they are about to need. */
static uint64_t coming_lack_kib(const struct snapshot *snapshot,
                                const struct plan *plan)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (plan->steps[i].state == DECIDE_MANAGED) {
            sum += lacks(&snapshot->domains[i], plan->steps[i].coming_kib);
        }
    }
    return sum;
}

/*
 * Plenty for all: what is lacking is asked for, first what donors have not
 * needed for long; of that, also what is to be free for allowances, and, while
 * somebody lacks something, as much as bursts have wanted lately.
 */
static void ask_in_plenty(const struct snapshot *snapshot,
                          const struct decide_host *host,
                          const struct decide_memory *memories,
                          const struct host_sums *sums, uint64_t standby_kib,
                          struct plan *plan)
{
    uint64_t owed =
        sums->spendable_kib < 0 ? (uint64_t)-sums->spendable_kib : 0;
    uint64_t lack = units_less(sums->wanted_kib + owed, have_kib(sums));
    uint64_t standby =
        standby_lack_kib(sums, sums->wanted_kib + owed, standby_kib);
    struct asking asking = {LEVEL_NOT_NEEDED_LONG,
                            LEVEL_DEMAND,
                            lack,
                            lack,
                            REASON_REFILLS,
                            false,
                            is_urgent(snapshot, plan)};

    if (sums->wanted_kib > 0) {
        asking.readily_kib += host_refill_kib(host, sums);
        asking.code = REASON_GIVES;
    } else if (lack <= DECIDE_DEADBAND_KIB) {
        lack = 0;
        asking.needed_kib = 0;
    }
    asking.readily_kib = units_max(asking.readily_kib, lack + standby);
    if (lack > 0 || standby > 0) {
        ask_calmly(
            snapshot, host, memories,
            units_less(coming_lack_kib(snapshot, plan) + owed, have_kib(sums)),
            &asking, plan);
    }
}

/*
 * At rest what Xen had free for bursts returns to it from those whose burst is
 * over, so that the next one finds it there, whosever it is.
 */
static void ask_back(const struct snapshot *snapshot,
                     const struct decide_host *host,
                     const struct decide_memory *memories,
                     const struct host_sums *sums, struct plan *plan)
{
    uint64_t lack = units_less(host->learned_kib, have_kib(sums));
    const struct asking asking = {LEVEL_LENT,     LEVEL_LENT, lack, lack,
                                  REASON_REFILLS, true,       false};

    if (lack > host->learned_kib / 8) {
        ask(snapshot, host, memories, &asking, plan);
    }
}

/* What is lacked by who has less than half of its head-room. */
static uint64_t pressing_kib(const struct snapshot *snapshot,
                             const struct plan *plan)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        const struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            lacks(domain, half_headroom_kib(step)) > 0) {
            sum += lacks(domain, step->goal_kib);
        }
    }
    return sum;
}

/*
 * Not enough head-room for all: what is above anybody's demand goes to who has
 * less, but head-room is taken from one for the other only where that has less
 * than half of what it should.
 */
static void ask_carefully(const struct snapshot *snapshot,
                          const struct decide_host *host,
                          const struct decide_memory *memories,
                          const struct host_sums *sums, uint64_t standby_kib,
                          struct plan *plan)
{
    uint64_t pressing = pressing_kib(snapshot, plan) + host->urgent_kib;
    uint64_t standby = standby_lack_kib(sums, pressing, standby_kib);
    uint64_t lack = units_less(pressing, have_kib(sums)) + standby;
    struct asking asking = {
        LEVEL_DEMAND,
        LEVEL_SHARE,
        units_max(
            units_less(sums->wanted_kib + host->urgent_kib, have_kib(sums)),
            lack),
        lack,
        REASON_TRIMS,
        false,
        is_urgent(snapshot, plan),
    };

    ask_calmly(snapshot, host, memories,
               has_unswapped(snapshot, plan)
                   ? lack
                   : units_less(pressing, have_kib(sums)),
               &asking, plan);
}

/* ---- Shares when there is not enough for all ---------------------------- */

/*
 * What memory is shared out for, when it does not do for all.  Needs twice: with
 * a right to idle memory, and without it, when somebody would be killed for it.
 */
enum tier { TIER_PERIL, TIER_NEEDS, TIER_COMING, TIER_HEADROOM };

static enum tier tier_of(const struct host_sums *sums, uint64_t pool_kib)
{
    if (sums->need_kib > pool_kib) {
        return TIER_NEEDS;
    }
    return sums->coming_kib > pool_kib ? TIER_COMING : TIER_HEADROOM;
}

static void set_range(const struct snapshot_domain *domain,
                      const struct decide_memory *memory, enum tier tier,
                      struct decide_step *step)
{
    switch (tier) {
    case TIER_PERIL:
        step->base_kib = domain->floor_kib;
        step->low_kib = step->least_kib;
        step->high_kib = step->demand_kib;
        return;
    case TIER_NEEDS:
        step->base_kib = domain->floor_kib;
        step->low_kib = step->least_kib;
        step->high_kib =
            units_clamp(units_max(step->demand_kib, memory->lately_kib),
                        step->least_kib, domain->ceiling_kib);
        return;
    case TIER_COMING:
        step->low_kib = step->need_kib;
        step->high_kib = step->coming_kib;
        break;
    case TIER_HEADROOM:
        step->low_kib = step->coming_kib;
        step->high_kib = step->demand_kib;
    }
    step->base_kib = step->low_kib;
}

static void set_goals(const struct snapshot *snapshot,
                      const struct decide_memory *memories, enum tier tier,
                      uint64_t pool_kib, struct plan *plan)
{
    struct price_rule rule = {10000};
    uint64_t price;
    unsigned int i;

    if (tier <= TIER_NEEDS) {
        rule.kept_permyriad = units_less(10000, snapshot->idle_tax_permyriad);
    }
    for (i = 0; i < snapshot->count; i++) {
        set_range(&snapshot->domains[i], &memories[i], tier, &plan->steps[i]);
    }
    price = price_find(&rule, snapshot, plan, pool_kib);
    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED) {
            step->goal_kib = units_whole_pages(price_share(&rule, step, price));
        }
    }
}

/*
 * Somebody's share is less than its demand, and it has next to no swap to take
 * the rest.  Who only says so gets no more by it than its demand.
 */
static bool is_in_peril(const struct snapshot *snapshot,
                        const struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            step->goal_kib < step->demand_kib &&
            cannot_swap(&snapshot->domains[i], step)) {
            return true;
        }
    }
    return false;
}

/* In an emergency each page counts. */
static uint64_t above_share(const struct snapshot_domain *domain,
                            const struct decide_step *step,
                            const struct decide_host *host)
{
    return host->mood == DECIDE_EMERGENCY
               ? units_less(domain->target_kib, step->goal_kib)
               : spares(domain, step->goal_kib);
}

/* Whoever holds more than its share gives the rest. */
static void take_shares(const struct snapshot *snapshot,
                        const struct decide_host *host, struct plan *plan)
{
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        struct decide_step *step = &plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            above_share(&snapshot->domains[i], step, host) > 0) {
            shrink(step, step->goal_kib, REASON_SHARES, step->goal_kib);
        }
    }
}

/* ---- Who gets ---------------------------------------------------------- */

/*
 * What a raise of the target to goal takes from what is free: the new promise.
 * More than the raise when the limit was below its place, less when above.
 */
static uint64_t cost_of(const struct snapshot_domain *domain, uint64_t goal_kib)
{
    uint64_t limit = share_limit_kib(domain, goal_kib);

    return units_less(limit, units_max(domain->limit_kib, domain->current_kib));
}

/* The highest target up to goal, in whole pages, that costs no more. */
static uint64_t affordable_kib(const struct snapshot_domain *domain,
                               uint64_t goal_kib, uint64_t afford_kib)
{
    uint64_t limit = units_add(
        units_max(domain->limit_kib, domain->current_kib), afford_kib);
    uint64_t target =
        units_less(limit, domain->videoram_kib + SNAPSHOT_SLACK_KIB);

    target = units_clamp(target, domain->target_kib, goal_kib);
    return domain->target_kib + units_whole_pages(target - domain->target_kib);
}

static void grant(const struct snapshot_domain *domain,
                  struct decide_step *step, uint64_t goal_kib,
                  uint64_t target_kib, bool is_short, uint64_t have_kib)
{
    uint64_t need = goal_kib - domain->target_kib;
    uint64_t part = target_kib - domain->target_kib;
    uint64_t least =
        half_headroom_kib(step) > domain->target_kib &&
                cannot_swap(domain, step)
            ? DECIDE_GRANT_KIB
            : units_max(DECIDE_GRANT_KIB, need / DECIDE_GRANT_SHARE);

    if (part < need && part < least) {
        reason_set(&step->reason, is_short ? REASON_SHORT : REASON_WAITS,
                   step->demand_kib, is_short ? goal_kib : 0);
        return;
    }
    step->target_kib = target_kib;
    step->limit_kib =
        units_max(share_limit_kib(domain, target_kib), domain->limit_kib);
    if (domain->target_kib < domain->floor_kib) {
        reason_set(&step->reason, REASON_BELOW_FLOOR, domain->floor_kib, part);
    } else if (part < need || is_short) {
        reason_set(&step->reason, REASON_NEEDS_PART, step->demand_kib, part);
    } else {
        reason_set(&step->reason, REASON_NEEDS, step->demand_kib, have_kib);
    }
}

/* The target that the domain is to be raised to; its own when to none. */
static uint64_t raise_of(const struct snapshot_domain *domain,
                         const struct decide_step *step)
{
    return step->state == DECIDE_MANAGED
               ? domain->target_kib + lacks(domain, step->goal_kib)
               : domain->target_kib;
}

/* Of a raise, how much costs what is needed, what is coming, and all of it. */
struct cost {
    uint64_t need_kib;
    uint64_t coming_kib;
    uint64_t all_kib;
};

static uint64_t cost_up_to(const struct snapshot_domain *domain,
                           uint64_t level_kib, uint64_t goal_kib)
{
    uint64_t target = units_clamp(level_kib, domain->target_kib, goal_kib);

    return target > domain->target_kib ? cost_of(domain, target) : 0;
}

static struct cost cost_to(const struct snapshot_domain *domain,
                           const struct decide_step *step, uint64_t goal_kib)
{
    struct cost cost = {
        .need_kib = cost_up_to(domain, step->need_kib, goal_kib),
        .coming_kib =
            cost_up_to(domain,
                       cannot_swap(domain, step) ? half_headroom_kib(step)
                                                 : step->coming_kib,
                       goal_kib),
        .all_kib = cost_of(domain, goal_kib),
    };

    return cost;
}

/* What there is goes to needs first, then to what is coming, then to the rest. */
static uint64_t part_of(const struct cost *cost, const struct cost *sum,
                        uint64_t have_kib)
{
    if (sum->all_kib <= have_kib) {
        return cost->all_kib;
    }
    if (sum->need_kib >= have_kib) {
        return units_scale(cost->need_kib, have_kib, sum->need_kib);
    }
    if (sum->coming_kib >= have_kib) {
        return cost->need_kib + units_scale(cost->coming_kib - cost->need_kib,
                                            have_kib - sum->need_kib,
                                            sum->coming_kib - sum->need_kib);
    }
    return cost->coming_kib + units_scale(cost->all_kib - cost->coming_kib,
                                          have_kib - sum->coming_kib,
                                          sum->all_kib - sum->coming_kib);
}

/* What all takers together would cost. */
static struct cost cost_of_all(const struct snapshot *snapshot,
                               const struct plan *plan)
{
    struct cost sum = {0};
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        uint64_t goal = raise_of(domain, &plan->steps[i]);

        if (goal > domain->target_kib) {
            struct cost cost = cost_to(domain, &plan->steps[i], goal);

            sum.need_kib += cost.need_kib;
            sum.coming_kib += cost.coming_kib;
            sum.all_kib += cost.all_kib;
        }
    }
    return sum;
}

/*
 * What is free now goes to takers by cost; what is on its way waits.  Head-room
 * is not made of the last kept_kib.
 */
static void give(const struct snapshot *snapshot, struct plan *plan,
                 uint64_t have_kib, uint64_t kept_kib, bool is_short)
{
    struct cost sum = {0};
    unsigned int i;

    if (have_kib > 0) {
        sum = cost_of_all(snapshot, plan);
        have_kib = units_max(units_min(sum.coming_kib, have_kib),
                             units_less(have_kib, kept_kib));
    }
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t goal = raise_of(domain, step);
        uint64_t part = 0;

        if (goal <= domain->target_kib) {
            continue;
        }
        if (have_kib > 0) {
            struct cost cost = cost_to(domain, step, goal);

            part = part_of(&cost, &sum, have_kib);
        }
        grant(domain, step, goal, affordable_kib(domain, goal, part), is_short,
              have_kib);
    }
}

/* ---- All together ------------------------------------------------------- */

static void share_by_price(const struct snapshot *snapshot,
                           const struct decide_host *host,
                           const struct decide_memory *memories,
                           const struct host_sums *sums, uint64_t pool_kib,
                           uint64_t standby_kib, struct plan *plan)
{
    enum tier tier = tier_of(sums, pool_kib);

    set_goals(snapshot, memories, tier,
              tier == TIER_HEADROOM ? pool_kib - standby_kib : pool_kib, plan);
    if (tier == TIER_NEEDS && is_in_peril(snapshot, plan)) {
        tier = TIER_PERIL;
        set_goals(snapshot, memories, tier, pool_kib, plan);
    }
    if (tier == TIER_HEADROOM) {
        ask_carefully(snapshot, host, memories, sums, standby_kib, plan);
    } else {
        take_shares(snapshot, host, plan);
    }
}

void share_out(const struct snapshot *snapshot, const struct decide_host *host,
               const struct decide_memory *memories,
               const struct host_sums *sums, struct plan *plan)
{
    uint64_t pool_kib = host_pool_kib(sums, host);
    uint64_t standby_kib = host_standby_kib(sums, host);
    bool is_short = sums->demand_kib + standby_kib > pool_kib;
    unsigned int i;

    if (is_short) {
        share_by_price(snapshot, host, memories, sums, pool_kib, standby_kib,
                       plan);
    } else {
        for (i = 0; i < snapshot->count; i++) {
            plan->steps[i].goal_kib = plan->steps[i].demand_kib;
        }
        ask_in_plenty(snapshot, host, memories, sums, standby_kib, plan);
        if (sums->wanted_kib == 0 && sums->spendable_kib >= 0) {
            ask_back(snapshot, host, memories, sums, plan);
        }
    }
    if (sums->wanted_kib > 0) {
        give(snapshot, plan,
             sums->spendable_kib > 0 ? (uint64_t)sums->spendable_kib : 0,
             is_short ? units_less(standby_kib, sums->allowed_kib) : 0,
             is_short);
    }
}
