/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/intent.h"

#include <stdbool.h>

#include "backend/movement.h"
#include "backend/share.h"
#include "common/announcement.h"

/*
 * Numbers begin anew after this many, and with each backend; they are only ever
 * compared with the one before.
 */
#define NUMBERS ANNOUNCEMENT_NUMBER_MAX

static bool stands(const struct decide_memory *memory)
{
    return memory->intent_until_ms != 0;
}

static void withdraw(struct decide_memory *memory)
{
    memory->intent_until_ms = 0;
}

static uint64_t bound_kib(uint64_t held_kib)
{
    return units_max(INTENT_STEP_KIB, held_kib / INTENT_STEP_SHARE);
}

/* ---- Whether to announce ------------------------------------------------- */

/* When the reserve itself is going, nobody waits for words. */
static bool is_warned(const struct snapshot *snapshot, enum decide_mood mood,
                      const struct snapshot_domain *domain,
                      const struct decide_step *step)
{
    return domain->has_intent && step->state == DECIDE_MANAGED &&
           snapshot->intent_wait_ms > 0 && mood != DECIDE_EMERGENCY;
}

/* More than one step, and more than lies idle in it. */
static bool is_large(const struct snapshot_domain *domain,
                     const struct decide_memory *memory,
                     const struct decide_step *step)
{
    uint64_t held = movement_held_kib(domain, memory);
    uint64_t asked =
        units_less(units_min(held, domain->target_kib), step->target_kib);

    return asked > units_max(bound_kib(held), domain->report.free_kib);
}

/* Another number than the guest has ever answered, as far as it shows. */
static uint64_t next_number(const struct snapshot_domain *domain,
                            const struct decide_memory *memory)
{
    return units_max(memory->intent_number, domain->answered) % NUMBERS + 1;
}

static void announce(const struct snapshot *snapshot,
                     const struct snapshot_domain *domain,
                     struct decide_memory *memory,
                     const struct decide_step *step)
{
    memory->intent_number = next_number(domain, memory);
    memory->intent_target_kib = step->target_kib;
    memory->intent_wait_ms = snapshot->intent_wait_ms;
    memory->intent_until_ms =
        units_add(snapshot->now_ms, memory->intent_wait_ms);
    memory->intent_is_extended = false;
    memory->intent_is_answered = false;
}

/* Carried out, not needed any more, or asked so long ago that it must be again. */
static bool is_over(const struct snapshot_domain *domain,
                    const struct decide_memory *memory,
                    const struct decide_step *step, uint64_t now_ms)
{
    if (step->target_kib >= domain->target_kib) {
        return true;
    }
    if (!memory->intent_is_answered) {
        return false;
    }
    return domain->target_kib <=
               units_add(memory->intent_target_kib,
                         share_deadband_kib(domain->target_kib)) ||
           now_ms >= units_add(memory->intent_until_ms, INTENT_REFUSED_MS);
}

/* ---- The answer ---------------------------------------------------------- */

/* Less than was asked for is a refusal of the rest. */
static void note_refusal(const struct snapshot_domain *domain,
                         struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t held = movement_held_kib(domain, memory);
    uint64_t least = units_less(held, domain->can_give_kib);

    memory->refused_until_ms = 0;
    if (least > units_add(memory->intent_target_kib, DECIDE_DEADBAND_KIB)) {
        memory->refused_kib = units_whole_pages(least + UNITS_KIB_PER_PAGE - 1);
        memory->refused_until_ms = units_add(now_ms, INTENT_REFUSED_MS);
    }
}

static void extend(struct decide_memory *memory, uint64_t now_ms)
{
    uint64_t more_ms =
        units_scale(memory->intent_wait_ms, INTENT_PATIENCE - 1, 1);

    memory->intent_is_extended = true;
    memory->intent_until_ms = units_add(memory->intent_until_ms, more_ms);
    memory->intent_wait_ms = memory->intent_until_ms - now_ms;
}

/* Takes the answer in; the deadline is one, too. */
static void hear(const struct snapshot_domain *domain,
                 struct decide_memory *memory, uint64_t now_ms)
{
    bool is_its = domain->answered == memory->intent_number;

    if (memory->intent_is_answered) {
        return;
    }
    if (is_its && domain->is_ready) {
        memory->intent_is_answered = true;
        memory->intent_until_ms = units_max(now_ms, 1);
        note_refusal(domain, memory, now_ms);
    } else if (now_ms >= memory->intent_until_ms) {
        memory->intent_is_answered = true;
    } else if (is_its && !memory->intent_is_extended) {
        extend(memory, now_ms);
    }
}

/* ---- What may be done now ------------------------------------------------ */

static void hold(const struct snapshot_domain *domain, struct decide_step *step,
                 enum reason_code code, uint64_t a_kib, uint64_t b_kib)
{
    step->target_kib = domain->target_kib;
    reason_set(&step->reason, code, a_kib, b_kib);
}

/* As far as was announced and not refused; each step when the last is done. */
static void step_down(const struct snapshot_domain *domain,
                      const struct decide_memory *memory,
                      struct decide_step *step, uint64_t now_ms)
{
    uint64_t held = movement_held_kib(domain, memory);
    uint64_t refused = intent_refused_kib(domain, memory, now_ms);
    uint64_t lowest = units_max(memory->intent_target_kib, refused);
    uint64_t next = units_whole_pages(units_less(held, bound_kib(held)));
    uint64_t target = units_max(units_max(step->target_kib, lowest), next);

    if (units_less(held, domain->target_kib) > DECIDE_ARRIVED_KIB) {
        hold(domain, step, REASON_ON_ITS_WAY, held, domain->target_kib);
    } else if (units_less(domain->target_kib, target) <= DECIDE_DEADBAND_KIB) {
        hold(domain, step, REASON_NONE, 0, 0);
    } else {
        step->target_kib = target;
    }
}

static void tell(const struct decide_memory *memory, struct decide_step *step)
{
    step->announced = memory->intent_number;
    step->announced_kib = memory->intent_target_kib;
    step->announced_wait_ms = memory->intent_wait_ms;
}

void intent_follow(const struct snapshot *snapshot, enum decide_mood mood,
                   const struct snapshot_domain *domain,
                   struct decide_memory *memory, struct decide_step *step)
{
    uint64_t now_ms = snapshot->now_ms;

    if (!is_warned(snapshot, mood, domain, step)) {
        withdraw(memory);
        return;
    }
    if (stands(memory) && is_over(domain, memory, step, now_ms)) {
        withdraw(memory);
    }
    if (!stands(memory) && is_large(domain, memory, step)) {
        announce(snapshot, domain, memory, step);
    }
    if (!stands(memory)) {
        return;
    }
    hear(domain, memory, now_ms);
    if (memory->intent_is_answered) {
        step_down(domain, memory, step, now_ms);
    } else {
        hold(domain, step, REASON_ANNOUNCED, memory->intent_target_kib,
             units_less(domain->target_kib, memory->intent_target_kib));
    }
    tell(memory, step);
}
