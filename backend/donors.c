/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/donors.h"

#include <stdbool.h>

#include "backend/host.h"
#include "common/units.h"

static void shrink(struct decide_step *step, uint64_t target_kib,
                   enum reason_code code, uint64_t b_kib)
{
    step->target_kib = units_whole_pages(target_kib);
    reason_set(&step->reason, code, step->demand_kib, b_kib);
}

/* ---- What can be asked for ---------------------------------------------- */

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
    uint64_t pressing_kib; /* of that, what is asked of all; the rest, of those
                              who would not want it back in a moment */
    enum reason_code code;
    uint64_t lack_kib; /* that the reason tells */
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
 * One that complained is left alone unless others' lives are at stake: levels
 * are above what it needs.
 */
static bool is_left_alone(const struct sharing *sharing,
                          const struct decide_memory *memory,
                          const struct asking *asking)
{
    uint64_t now_ms = sharing->snapshot->now_ms;

    return sharing->host->mood != DECIDE_EMERGENCY &&
           ((memory->hands_off_ms > now_ms && !asking->is_for_peril) ||
            (memory->breathes_ms > now_ms && asking->spares_breathers));
}

/* What is held above both levels of what is asked. */
struct spare {
    uint64_t upper_kib;
    uint64_t lower_kib; /* that of upper_kib included */
};

static uint64_t above(const struct snapshot_domain *domain, uint64_t level_kib)
{
    uint64_t spare = units_less(domain->target_kib, level_kib);

    return spare > DECIDE_DEADBAND_KIB ? spare : 0;
}

/* What one donor can be asked for without harm. */
static struct spare spare_of(const struct sharing *sharing, unsigned int i,
                             const struct asking *asking)
{
    const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
    const struct decide_memory *memory = &sharing->memories[i];
    const struct decide_step *step = &sharing->plan->steps[i];
    uint64_t now_ms = sharing->snapshot->now_ms;
    struct spare spare = {0};

    if (step->state != DECIDE_MANAGED) {
        return spare;
    }
    spare.lower_kib =
        above(domain, level_kib(asking->lower, now_ms, domain, memory, step));
    if (spare.lower_kib == 0 || is_left_alone(sharing, memory, asking)) {
        return (struct spare){0};
    }
    spare.upper_kib =
        above(domain, level_kib(asking->upper, now_ms, domain, memory, step));
    return spare;
}

/* And all of them together. */
static struct spare spare_of_all(const struct sharing *sharing,
                                 const struct asking *asking)
{
    struct spare sum = {0};
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        struct spare spare = spare_of(sharing, i, asking);

        sum.upper_kib += spare.upper_kib;
        sum.lower_kib += spare.lower_kib;
    }
    return sum;
}

/* ---- Asking ------------------------------------------------------------- */

/* Donors together give what is asked for, each its part. */
static void ask_for_parts(const struct sharing *sharing,
                          const struct asking *asking, const struct spare *sum)
{
    uint64_t readily_kib = units_min(asking->readily_kib, sum->upper_kib);
    uint64_t more_kib =
        units_min(units_less(asking->needed_kib, sum->upper_kib),
                  sum->lower_kib - sum->upper_kib);
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
        struct spare spare = spare_of(sharing, i, asking);
        uint64_t part;

        if (spare.lower_kib == 0) {
            continue;
        }
        part = units_scale(spare.upper_kib, readily_kib, sum->upper_kib);
        if (more_kib > 0) {
            part += units_scale(spare.lower_kib - spare.upper_kib, more_kib,
                                sum->lower_kib - sum->upper_kib);
        }
        if (part > 0) {
            part = units_max(part, share_deadband_kib(domain->target_kib));
            shrink(&sharing->plan->steps[i],
                   domain->target_kib - units_min(part, spare.lower_kib),
                   asking->code, asking->lack_kib);
        }
    }
}

/*
 * Who breathes is spared while nobody is in peril and the others have what is
 * pressing; when they have not, all are asked, but for no more than that.
 */
static void ask(const struct sharing *sharing, struct asking *asking)
{
    struct spare sum;

    if (asking->readily_kib == 0 && asking->needed_kib == 0 &&
        asking->pressing_kib == 0) {
        return;
    }
    asking->spares_breathers = !asking->is_for_peril;
    sum = spare_of_all(sharing, asking);
    if (asking->spares_breathers && sum.lower_kib < asking->pressing_kib) {
        asking->spares_breathers = false;
        asking->readily_kib =
            units_min(asking->readily_kib, asking->pressing_kib);
        asking->needed_kib = asking->pressing_kib;
        sum = spare_of_all(sharing, asking);
    }
    if (sum.lower_kib > 0) {
        ask_for_parts(sharing, asking, &sum);
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
        const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
        const struct decide_step *step = &sharing->plan->steps[i];

        if (step->state == DECIDE_MANAGED && share_cannot_swap(domain, step) &&
            share_lack_kib(domain, share_vital_kib(domain, step)) > 0) {
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

void donors_ask_in_plenty(const struct sharing *sharing)
{
    const struct host_sums *sums = sharing->sums;
    uint64_t owed = host_owed_kib(sums);
    uint64_t lack = units_less(sums->wanted_kib + owed, have_kib(sums));
    uint64_t standby = standby_lack_kib(sharing, sums->wanted_kib + owed);
    struct asking asking = {
        .upper = LEVEL_NOT_NEEDED_LONG,
        .lower = LEVEL_DEMAND,
        .pressing_kib =
            units_less(sums->coming_lack_kib + owed, have_kib(sums)),
        .is_for_peril = is_anyone_in_peril(sharing),
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
    explain_plenty(sums, lack, &asking);
    ask(sharing, &asking);
}

void donors_ask_back(const struct sharing *sharing)
{
    uint64_t learned = sharing->host->learned_kib;
    uint64_t lack = units_less(learned, have_kib(sharing->sums));
    struct asking asking = {
        .upper = LEVEL_LENT,
        .lower = LEVEL_LENT,
        .readily_kib = lack,
        .needed_kib = lack,
        .code = REASON_READIES,
        .lack_kib = lack,
    };

    if (lack > learned / 8) {
        ask(sharing, &asking);
    }
}

/* What is lacked by who has less than half of its head-room. */
static uint64_t pressing_kib(const struct sharing *sharing)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        const struct snapshot_domain *domain = &sharing->snapshot->domains[i];
        const struct decide_step *step = &sharing->plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            step->goal_kib > step->target_kib &&
            share_lack_kib(domain, share_half_headroom_kib(step)) > 0) {
            sum += share_lack_kib(domain, step->goal_kib);
        }
    }
    return sum;
}

void donors_ask_carefully(const struct sharing *sharing)
{
    const struct host_sums *sums = sharing->sums;
    uint64_t urgent = sharing->host->urgent_kib;
    uint64_t have = have_kib(sums);
    uint64_t pressing = pressing_kib(sharing) + urgent;
    uint64_t lack =
        units_less(pressing, have) + standby_lack_kib(sharing, pressing);
    struct asking asking = {
        .upper = LEVEL_DEMAND,
        .lower = LEVEL_SHARE,
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

/* In an emergency each page counts. */
static uint64_t above_share(const struct sharing *sharing,
                            const struct snapshot_domain *domain,
                            const struct decide_step *step)
{
    return sharing->host->mood == DECIDE_EMERGENCY
               ? units_less(domain->target_kib, step->goal_kib)
               : share_spare_kib(domain, step->goal_kib);
}

void donors_take_shares(const struct sharing *sharing)
{
    unsigned int i;

    for (i = 0; i < sharing->snapshot->count; i++) {
        struct decide_step *step = &sharing->plan->steps[i];

        if (step->state == DECIDE_MANAGED &&
            above_share(sharing, &sharing->snapshot->domains[i], step) > 0) {
            shrink(step, step->goal_kib, REASON_SHARES, step->goal_kib);
        }
    }
}
