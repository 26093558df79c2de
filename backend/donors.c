/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/donors.h"

#include <stdbool.h>

#include "backend/host.h"
#include "backend/share.h"
#include "common/units.h"

static void shrink(struct decide_step *step, uint64_t target_kib,
                   enum reason_code code, uint64_t b_kib)
{
    step->target_kib = units_whole_pages(target_kib);
    reason_set(&step->reason, code, step->demand_kib, b_kib);
}

/* ---- What can be asked for ---------------------------------------------- */

static inline uint64_t level_kib(enum donors_level level, uint64_t now_ms,
                                 uint64_t target_kib,
                                 const struct decide_memory *memory,
                                 const struct decide_step *step)
{
    switch (level) {
    case DONORS_LENT:
        return units_less(now_ms, memory->needed_ms) < DECIDE_RETURN_MS
                   ? target_kib
                   : units_max(step->demand_kib,
                               units_less(target_kib, memory->lent_kib));
    case DONORS_NOT_NEEDED_LONG:
        return step->keep_kib;
    case DONORS_DEMAND:
        return step->demand_kib;
    case DONORS_SHARE:
        break;
    }
    return step->goal_kib;
}

/*
 * One that complained is left alone unless others' lives are at stake: levels
 * are above what it needs.
 */
static bool is_left_alone(const struct sharing *sharing,
                          const struct decide_step *step,
                          const struct asking *asking)
{
    return sharing->host->mood != DECIDE_EMERGENCY &&
           ((step->notes.is_hands_off && !asking->is_for_peril) ||
            (step->notes.is_breathing && asking->spares_breathers));
}

static uint64_t above(uint64_t target_kib, uint64_t level_kib)
{
    uint64_t spare = units_less(target_kib, level_kib);

    return spare > DECIDE_DEADBAND_KIB ? spare : 0;
}

/* What a managed donor with that target can be asked for without harm. */
static inline struct donors_spare spare_of(const struct sharing *sharing,
                                           const struct asking *asking,
                                           uint64_t target_kib,
                                           const struct decide_memory *memory,
                                           const struct decide_step *step)
{
    uint64_t now_ms = sharing->snapshot->now_ms;
    uint64_t upper_kib =
        level_kib(asking->upper, now_ms, target_kib, memory, step);
    uint64_t lower_kib =
        level_kib(asking->lower, now_ms, target_kib, memory, step);

    if (is_left_alone(sharing, step, asking)) {
        return (struct donors_spare){0};
    }
    return (struct donors_spare){
        .upper_kib = above(target_kib, upper_kib),
        .lower_kib = above(target_kib, lower_kib),
    };
}

/*
 * And all of them together.  Nothing is planned yet, and no level is below a
 * goal: steps alone tell who may be one.
 */
static struct donors_spare spare_of_all(const struct sharing *sharing,
                                        const struct asking *asking)
{
    struct donors_spare sum = {0};
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        const struct decide_step *step = &sharing->plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            step->target_kib > step->goal_kib) {
            struct donors_spare spare = spare_of(
                sharing, asking, step->target_kib, &sharing->memories[i], step);

            sum.upper_kib += spare.upper_kib;
            sum.lower_kib += spare.lower_kib;
        }
    }
    return sum;
}

/* ---- Asking ------------------------------------------------------------- */

/*
 * Who breathes is spared while nobody is in peril and the others have what is
 * pressing; when they have not, all are asked, but for no more than that.
 */
static void ask(struct sharing *sharing, struct asking *asking)
{
    if (asking->readily_kib == 0 && asking->needed_kib == 0 &&
        asking->pressing_kib == 0) {
        return;
    }
    asking->spares_breathers = !asking->is_for_peril;
    asking->sum = spare_of_all(sharing, asking);
    if (asking->spares_breathers &&
        asking->sum.lower_kib < asking->pressing_kib) {
        asking->spares_breathers = false;
        asking->readily_kib =
            units_min(asking->readily_kib, asking->pressing_kib);
        asking->needed_kib = asking->pressing_kib;
        asking->sum = spare_of_all(sharing, asking);
    }
    if (asking->sum.lower_kib > 0) {
        asking->upper_part_kib =
            units_min(asking->readily_kib, asking->sum.upper_kib);
        asking->lower_part_kib =
            units_min(units_less(asking->needed_kib, asking->sum.upper_kib),
                      asking->sum.lower_kib - asking->sum.upper_kib);
        sharing->askings[sharing->asking_count++] = *asking;
    }
}

/* What is there, or can be counted on soon. */
static uint64_t have_kib(const struct host_sums *sums)
{
    return sums->soon_kib + host_free_kib(sums);
}

/*
 * What allowances lack of what is to be free for them, beyond what takers do
 * that want wanted_kib.  Nothing while half of it is there: then all of it is
 * asked for at once, so that it is not for every little.
 */
static uint64_t standby_lack_kib(const struct sharing *sharing,
                                 uint64_t wanted_kib)
{
    const struct host_sums *sums = sharing->sums;
    uint64_t have = units_less(have_kib(sums) + sums->allowed_kib, wanted_kib);
    uint64_t lack = units_less(sharing->standby_kib, have);

    return lack > sharing->standby_kib / 2 ? lack : 0;
}

/* Somebody lacks what is vital, and has nothing but memory. */
static bool is_anyone_in_peril(const struct sharing *sharing)
{
    unsigned int i;

    if (!sharing->sums->has_unswapped) {
        return false;
    }
    for (i = 0; i < sharing->snapshot->count; i++) {
        const struct decide_step *step = &sharing->plan->steps[i];

        if (step->notes.is_unswapped &&
            share_step_lack_kib(step, share_vital_kib(step)) > 0) {
            return true;
        }
    }
    return false;
}

/* For whom the most pressing part of it is. */
static void explain_plenty(const struct host_sums *sums, uint64_t lack_kib,
                           struct asking *asking)
{
    if (lack_kib == 0) {
        asking->code = REASON_READIES;
        asking->lack_kib = asking->readily_kib;
    } else {
        asking->code = sums->wanted_kib > 0 ? REASON_GIVES : REASON_REFILLS;
        asking->lack_kib = lack_kib;
    }
}

void donors_ask_in_plenty(struct sharing *sharing)
{
    const struct host_sums *sums = sharing->sums;
    uint64_t owed = host_owed_kib(sums);
    uint64_t lack = units_less(sums->wanted_kib + owed, have_kib(sums));
    uint64_t standby = standby_lack_kib(sharing, sums->wanted_kib + owed);
    struct asking asking = {
        .upper = DONORS_NOT_NEEDED_LONG,
        .lower = DONORS_DEMAND,
        .pressing_kib =
            units_less(sums->coming_lack_kib + owed, have_kib(sums)),
    };

    if (sums->wanted_kib == 0 && lack <= DECIDE_DEADBAND_KIB) {
        lack = 0;
    }
    if (lack == 0 && standby == 0) {
        return;
    }
    asking.needed_kib = lack;
    asking.readily_kib = lack + standby;
    if (sums->wanted_kib > 0) {
        asking.readily_kib = units_max(
            asking.readily_kib, lack + host_refill_kib(sharing->host, sums));
    }
    asking.is_for_peril = is_anyone_in_peril(sharing);
    explain_plenty(sums, lack, &asking);
    ask(sharing, &asking);
}

void donors_ask_back(struct sharing *sharing)
{
    uint64_t learned = sharing->host->learned_kib;
    uint64_t lack = units_less(learned, have_kib(sharing->sums));
    struct asking asking = {
        .upper = DONORS_LENT,
        .lower = DONORS_LENT,
        .readily_kib = lack,
        .needed_kib = lack,
        .code = REASON_READIES,
        .lack_kib = lack,
    };

    if (lack > learned / 8) {
        ask(sharing, &asking);
    }
}

void donors_ask_carefully(struct sharing *sharing)
{
    const struct host_sums *sums = sharing->sums;
    uint64_t urgent = sharing->host->urgent_kib;
    uint64_t have = have_kib(sums);
    uint64_t pressing = sharing->lacks.pressing_kib + urgent;
    uint64_t lack =
        units_less(pressing, have) + standby_lack_kib(sharing, pressing);
    struct asking asking = {
        .upper = DONORS_DEMAND,
        .lower = DONORS_SHARE,
        .readily_kib =
            units_max(units_less(sums->wanted_kib + urgent, have), lack),
        .needed_kib = lack,
        /* Who has nothing but memory relies on what is free for bursts. */
        .pressing_kib = sums->has_unswapped ? lack : units_less(pressing, have),
        .code = REASON_TRIMS,
        .is_for_peril = is_anyone_in_peril(sharing),
    };

    asking.lack_kib = asking.readily_kib;
    ask(sharing, &asking);
}

/* ---- Giving ------------------------------------------------------------- */

/* Donors together give what is asked for, each its part. */
static void give_part(const struct sharing *sharing,
                      const struct asking *asking,
                      const struct snapshot_domain *domain,
                      const struct decide_memory *memory,
                      struct decide_step *step)
{
    const struct donors_spare *sum = &asking->sum;
    struct donors_spare spare =
        spare_of(sharing, asking, domain->target_kib, memory, step);
    uint64_t part =
        units_scale(spare.upper_kib, asking->upper_part_kib, sum->upper_kib);

    if (asking->lower_part_kib > 0) {
        part += units_scale(spare.lower_kib - spare.upper_kib,
                            asking->lower_part_kib,
                            sum->lower_kib - sum->upper_kib);
    }
    if (part > 0) {
        part = units_max(part, share_deadband_kib(domain->target_kib));
        shrink(step, domain->target_kib - units_min(part, spare.lower_kib),
               asking->code, asking->lack_kib);
    }
}

/* In an emergency each page counts. */
static uint64_t above_share(const struct sharing *sharing,
                            const struct snapshot_domain *domain,
                            const struct decide_step *step)
{
    return sharing->host->mood == DECIDE_EMERGENCY
               ? units_less(domain->target_kib, step->goal_kib)
               : share_spare_kib(domain, step->goal_kib);
}

void donors_give(const struct sharing *sharing,
                 const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step)
{
    unsigned int i;

    for (i = 0; i < sharing->asking_count; i++) {
        give_part(sharing, &sharing->askings[i], domain, memory, step);
    }
    if (sharing->takes_shares && above_share(sharing, domain, step) > 0) {
        shrink(step, step->goal_kib, REASON_SHARES, step->goal_kib);
    }
}
