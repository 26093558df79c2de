/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"

/* As often as ESX balances, and where idle memory costs what it does there. */
#define POLICY_BALANCE_MS 15000

/* A limit comes down behind what is held in steps of so much. */
#define POLICY_LIMIT_STEP_KIB (UINT64_C(64) * 1024)

/* How often to look again while something moves, and at least. */
#define POLICY_MOVING_MS 250
#define POLICY_RESTING_MS 10000

/* ---- Towards targets, in safe order ------------------------------------- */

static uint64_t limit_for(uint64_t target_kib)
{
    return target_kib + SNAPSHOT_SLACK_KIB;
}

static bool may_be_moved(const struct snapshot_domain *domain)
{
    return domain->voice == SNAPSHOT_VOICE_GOOD && domain->has_target;
}

static uint64_t promised_to(const struct snapshot_domain *domain)
{
    return units_less(domain->limit_kib, domain->current_kib);
}

/* What a raise adds to the promises. */
static uint64_t cost_of(const struct snapshot_domain *domain,
                        uint64_t target_kib)
{
    return units_less(limit_for(target_kib),
                      units_max(domain->limit_kib, domain->current_kib));
}

static uint64_t spendable_of(const struct snapshot *snapshot)
{
    uint64_t spent = snapshot->reserve_kib + snapshot->claimed_kib;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        spent += promised_to(&snapshot->domains[i]);
    }
    return units_less(snapshot->free_kib, spent);
}

static void lower(const struct snapshot_domain *domain, uint64_t target_kib,
                  struct decide_step *step)
{
    uint64_t limit = units_max(limit_for(target_kib), domain->current_kib);

    step->target_kib = target_kib;
    if (domain->limit_kib >= limit + POLICY_LIMIT_STEP_KIB ||
        (domain->current_kib <= target_kib && limit < domain->limit_kib)) {
        step->limit_kib = limit;
    }
}

static void raise(const struct snapshot_domain *domain, uint64_t target_kib,
                  uint64_t part_kib, struct decide_step *step)
{
    uint64_t limit =
        units_max(domain->limit_kib, domain->current_kib) + part_kib;
    uint64_t reached =
        units_min(target_kib, units_less(limit, SNAPSHOT_SLACK_KIB));

    reached = units_whole_pages(reached);
    if (reached > domain->target_kib) {
        step->target_kib = reached;
        step->limit_kib = units_max(limit_for(reached), domain->limit_kib);
    }
}

static bool is_at_rest(const struct snapshot_domain *domain,
                       const struct decide_step *step, uint64_t goal_kib)
{
    return !may_be_moved(domain) ||
           (step->target_kib == goal_kib && domain->target_kib == goal_kib &&
            domain->current_kib == goal_kib &&
            domain->limit_kib == limit_for(goal_kib));
}

static uint64_t goal_of(const struct snapshot_domain *domain,
                        uint64_t target_kib)
{
    return units_whole_pages(
        units_clamp(target_kib, domain->floor_kib, domain->ceiling_kib));
}

static uint64_t cost_of_all(const struct snapshot *snapshot,
                            const uint64_t *targets_kib)
{
    uint64_t cost = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];

        if (may_be_moved(domain)) {
            cost += cost_of(domain, goal_of(domain, targets_kib[i]));
        }
    }
    return cost;
}

/* Up as far as spendable, of what all cost, carries; down at once. */
static void step_toward(const struct snapshot_domain *domain, uint64_t goal_kib,
                        uint64_t spendable, uint64_t cost,
                        struct decide_step *step)
{
    uint64_t part = cost_of(domain, goal_kib);

    step->state = DECIDE_MANAGED;
    step->goal_kib = goal_kib;
    if (goal_kib <= domain->target_kib) {
        lower(domain, goal_kib, step);
    } else {
        raise(domain, goal_kib,
              cost > spendable ? units_scale(part, spendable, cost) : part,
              step);
    }
}

void policy_toward(const struct snapshot *snapshot, const uint64_t *targets_kib,
                   struct plan *plan)
{
    uint64_t spendable = spendable_of(snapshot);
    uint64_t cost = cost_of_all(snapshot, targets_kib);
    unsigned int i;

    plan->next_ms = snapshot->now_ms + POLICY_RESTING_MS;
    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];
        uint64_t goal = goal_of(domain, targets_kib[i]);

        *step = (struct decide_step){
            .domid = domain->domid,
            .state = DECIDE_STATIC,
            .target_kib = domain->target_kib,
            .limit_kib = domain->limit_kib,
        };
        if (may_be_moved(domain)) {
            step_toward(domain, goal, spendable, cost, step);
        }
        if (!is_at_rest(domain, step, goal)) {
            plan->next_ms = snapshot->now_ms + POLICY_MOVING_MS;
        }
    }
    plan->spendable_kib = spendable;
    plan->wanted_kib = cost;
    plan->promised_kib = 0;
    plan->spare_kib = 0;
}

/* ---- demand: the backend's own ------------------------------------------ */

struct demand {
    struct decide_host host;
    struct decide_memory *memories; /* in the order of the last snapshot */
    struct decide_memory *scratch;
    unsigned int *domains_of; /* as they were then */
    unsigned int count;
};

static void demand_done(void *state)
{
    struct demand *demand = state;

    if (demand == NULL) {
        return;
    }
    free(demand->memories);
    free(demand->scratch);
    free(demand->domains_of);
    free(demand);
}

/* Hands each domain its memory when some have come or gone. */
static void hand_over(struct demand *demand, const unsigned int *domains_of,
                      unsigned int count)
{
    struct decide_memory *before = demand->memories;
    unsigned int i, j = 0;

    if (count == demand->count && memcmp(domains_of, demand->domains_of,
                                         count * sizeof(*domains_of)) == 0) {
        return;
    }
    for (i = 0; i < count; i++) {
        while (j < demand->count && demand->domains_of[j] < domains_of[i]) {
            j++;
        }
        demand->scratch[i] =
            j < demand->count && demand->domains_of[j] == domains_of[i]
                ? before[j]
                : (struct decide_memory){0};
    }
    demand->memories = demand->scratch;
    demand->scratch = before;
    memcpy(demand->domains_of, domains_of, count * sizeof(*domains_of));
    demand->count = count;
}

static int demand_plan(void *state, const struct snapshot *snapshot,
                       const unsigned int *domains_of, struct plan *plan)
{
    struct demand *demand = state;

    hand_over(demand, domains_of, snapshot->count);
    decide(snapshot, &demand->host, demand->memories, plan);
    return 0;
}

static void *demand_new(unsigned int domains)
{
    struct demand *demand = calloc(1, sizeof(*demand));
    size_t room = (size_t)domains + 1;

    if (demand == NULL) {
        return NULL;
    }
    demand->memories = calloc(room, sizeof(*demand->memories));
    demand->scratch = calloc(room, sizeof(*demand->scratch));
    demand->domains_of = calloc(room, sizeof(*demand->domains_of));
    if (demand->memories == NULL || demand->scratch == NULL ||
        demand->domains_of == NULL) {
        demand_done(demand);
        return NULL;
    }
    return demand;
}

/* ---- The others: everybody's part of the host at one level -------------- */

/*
 * What a domain holds at a level: rises with it, from the floor to the ceiling.
 * The level at which all of them fill the host is the one to be found.
 */
typedef uint64_t part_fn(const struct snapshot *snapshot,
                         const struct snapshot_domain *domain, uint64_t level);

#define LEVEL_ONE (UINT64_C(1) << 20)
#define LEVEL_MAX (UINT64_C(1) << 60)

struct levelled {
    part_fn *part;
    uint64_t every_ms; /* it changes with what guests need; 0: with who lives */
    uint64_t balance_ms; /* the next time */
    uint64_t *targets_kib;
    unsigned int *domains_of;
    unsigned int count;
};

/* In proportion to the ceilings. */
static uint64_t static_part(const struct snapshot *snapshot,
                            const struct snapshot_domain *domain,
                            uint64_t level)
{
    (void)snapshot;
    return units_scale(domain->ceiling_kib, level, LEVEL_ONE);
}

/* From floor to ceiling, the same part of that way for each but for weights. */
static uint64_t proportional_part(const struct snapshot *snapshot,
                                  const struct snapshot_domain *domain,
                                  uint64_t level)
{
    (void)snapshot;
    return units_add(
        domain->floor_kib,
        units_scale(units_scale(domain->ceiling_kib - domain->floor_kib, level,
                                LEVEL_ONE),
                    domain->weight, SETTINGS_WEIGHT_DEFAULT));
}

/*
 * ESX's price of a page is S / (P * (f + k * (1 - f))), with S the weight, P
 * what is held, f the part of it that is active and k = 1 / (1 - tax).  With A
 * the active memory, P * f is A as long as P is above it: at the price 1 / L,
 * P = (S * L + (k - 1) * A) / k, and S * L below A.
 */
static uint64_t tax_part(const struct snapshot *snapshot,
                         const struct snapshot_domain *domain, uint64_t level)
{
    uint64_t untaxed = 10000 - units_min(snapshot->idle_tax_permyriad, 10000);
    uint64_t active =
        units_less(domain->current_kib, domain->report.available_kib);
    uint64_t share = units_scale(level, domain->weight, LEVEL_ONE);

    if (share <= active) {
        return share;
    }
    return active + units_scale(share - active, untaxed, 10000);
}

static uint64_t bill_at(const struct levelled *levelled,
                        const struct snapshot *snapshot, uint64_t level,
                        uint64_t *targets_kib)
{
    uint64_t sum = 0;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];

        if (may_be_moved(domain)) {
            targets_kib[i] =
                goal_of(domain, levelled->part(snapshot, domain, level));
            sum = units_add(sum, limit_for(targets_kib[i]));
        }
    }
    return sum;
}

/* What there is for those that can be moved, slack included. */
static uint64_t pool_of(const struct snapshot *snapshot)
{
    uint64_t taken = snapshot->reserve_kib;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];

        if (!may_be_moved(domain)) {
            taken += units_max(domain->current_kib, domain->limit_kib);
        }
    }
    return units_less(snapshot->total_kib, taken);
}

static void find_level(struct levelled *levelled,
                       const struct snapshot *snapshot)
{
    uint64_t pool = pool_of(snapshot);
    uint64_t low = 0;
    uint64_t high = LEVEL_MAX;

    while (high - low > 1) {
        uint64_t level = low + (high - low) / 2;

        if (bill_at(levelled, snapshot, level, levelled->targets_kib) <= pool) {
            low = level;
        } else {
            high = level;
        }
    }
    (void)bill_at(levelled, snapshot, low, levelled->targets_kib);
}

static bool is_to_be_found_again(const struct levelled *levelled,
                                 const struct snapshot *snapshot,
                                 const unsigned int *domains_of)
{
    return levelled->count != snapshot->count ||
           memcmp(domains_of, levelled->domains_of,
                  snapshot->count * sizeof(*domains_of)) != 0 ||
           (levelled->every_ms > 0 && snapshot->now_ms >= levelled->balance_ms);
}

static int levelled_plan(void *state, const struct snapshot *snapshot,
                         const unsigned int *domains_of, struct plan *plan)
{
    struct levelled *levelled = state;

    if (is_to_be_found_again(levelled, snapshot, domains_of)) {
        find_level(levelled, snapshot);
        memcpy(levelled->domains_of, domains_of,
               snapshot->count * sizeof(*domains_of));
        levelled->count = snapshot->count;
        levelled->balance_ms = snapshot->now_ms + levelled->every_ms;
    }
    policy_toward(snapshot, levelled->targets_kib, plan);
    if (levelled->every_ms > 0) {
        plan->next_ms = units_min(plan->next_ms, levelled->balance_ms);
    }
    return 0;
}

static void levelled_done(void *state)
{
    struct levelled *levelled = state;

    if (levelled == NULL) {
        return;
    }
    free(levelled->targets_kib);
    free(levelled->domains_of);
    free(levelled);
}

static void *levelled_new(unsigned int domains, part_fn *part,
                          uint64_t every_ms)
{
    struct levelled *levelled = calloc(1, sizeof(*levelled));
    size_t room = (size_t)domains + 1;

    if (levelled == NULL) {
        return NULL;
    }
    levelled->part = part;
    levelled->every_ms = every_ms;
    levelled->targets_kib = calloc(room, sizeof(*levelled->targets_kib));
    levelled->domains_of = calloc(room, sizeof(*levelled->domains_of));
    if (levelled->targets_kib == NULL || levelled->domains_of == NULL) {
        levelled_done(levelled);
        return NULL;
    }
    return levelled;
}

/* ---- By name ------------------------------------------------------------ */

static const struct {
    const char *name;
    part_fn *part; /* NULL: demand */
    uint64_t every_ms;
} policies[] = {
    {"demand", NULL, 0},
    {"static", static_part, 0},
    {"proportional", proportional_part, 0},
    {"tax", tax_part, POLICY_BALANCE_MS},
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

const char *policy_name(unsigned int index)
{
    return index < POLICIES ? policies[index].name : NULL;
}

static int init(unsigned int index, unsigned int domains,
                struct run_policy *ret_policy)
{
    bool is_demand = policies[index].part == NULL;
    void *state = is_demand ? demand_new(domains)
                            : levelled_new(domains, policies[index].part,
                                           policies[index].every_ms);

    if (state == NULL) {
        return -ENOMEM;
    }
    *ret_policy = (struct run_policy){
        .name = policies[index].name,
        .plan = is_demand ? demand_plan : levelled_plan,
        .state = state,
        .done = is_demand ? demand_done : levelled_done,
    };
    return 0;
}

int policy_init(const char *name, unsigned int domains,
                struct run_policy *ret_policy)
{
    unsigned int i;

    for (i = 0; i < POLICIES; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return init(i, domains, ret_policy);
        }
    }
    return -EINVAL;
}

void policy_done(struct run_policy *policy)
{
    if (policy != NULL && policy->done != NULL) {
        policy->done(policy->state);
    }
    if (policy != NULL) {
        *policy = (struct run_policy){0};
    }
}
