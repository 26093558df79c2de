/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much the guest takes by itself, and gives back.  Pure. */
#include "frontend/reflex.h"

#include "common/units.h"
#include "frontend/balloon.h"

/* What the kernel makes of memory/target by itself. */
static uint64_t base_kib(const struct reflex *reflex,
                         const struct reflex_input *input)
{
    return units_less(input->target_kib, reflex->offset_kib);
}

static bool is_at_base(const struct reflex *reflex,
                       const struct reflex_input *input)
{
    return units_distance(input->kernel_target_kib, base_kib(reflex, input)) <
           UNITS_KIB_PER_PAGE;
}

static uint64_t taken_kib(const struct reflex *reflex,
                          const struct reflex_input *input)
{
    return units_less(reflex->held_kib, base_kib(reflex, input));
}

static uint64_t outstanding_kib(const struct reflex_input *input)
{
    return units_less(input->kernel_target_kib, input->current_kib);
}

/* --- What is so ---------------------------------------------------------- */

static void note_change(struct reflex *reflex, const struct reflex_input *input)
{
    if (input->target_kib != reflex->target_kib ||
        input->kernel_target_kib != reflex->kernel_target_kib) {
        reflex->same_ms = input->now_ms;
    }
}

static bool has_settled(const struct reflex *reflex,
                        const struct reflex_input *input)
{
    return units_distance(input->current_kib, input->kernel_target_kib) <=
               BALLOON_ARRIVED_KIB &&
           input->now_ms >= units_add(reflex->same_ms, REFLEX_SETTLED_MS);
}

/* Once only: then it is measured whenever somebody looks. */
static uint64_t time_to_measure_ms(const struct reflex *reflex,
                                   const struct reflex_input *input)
{
    uint64_t settled_ms = units_add(reflex->same_ms, REFLEX_SETTLED_MS);

    return settled_ms > input->now_ms ? settled_ms : UINT64_MAX;
}

/*
 * Above memory/target the kernel is only by somebody's hand: perhaps that of
 * a frontend that was killed.  Then the next memory/target puts it right.
 */
static void measure_offset(struct reflex *reflex,
                           const struct reflex_input *input)
{
    if (reflex->held_kib == 0 && has_settled(reflex, input) &&
        input->kernel_target_kib <= input->target_kib) {
        reflex->knows_offset = true;
        reflex->offset_kib = input->target_kib - input->kernel_target_kib;
    }
}

/*
 * Returns by how much the reflex was still above a memory/target for which the
 * kernel forgot it, if that is a higher one: that much is not made good yet.
 */
static uint64_t notice_end(struct reflex *reflex,
                           const struct reflex_input *input)
{
    uint64_t left_kib = taken_kib(reflex, input);

    if (reflex->held_kib == 0 ||
        (input->kernel_target_kib == reflex->held_kib && left_kib > 0)) {
        return 0;
    }
    if (input->kernel_target_kib == reflex->held_kib &&
        !is_at_base(reflex, input)) {
        return 0; /* it has not heard of the new one */
    }
    reflex->held_kib = 0;
    if (input->target_kib == reflex->held_for_kib) {
        /* It was not written at all, or somebody took it back. */
        backoff_failed(&reflex->refused, input->now_ms);
    }
    return input->target_kib > reflex->held_for_kib ? left_kib : 0;
}

static void note_progress(struct reflex *reflex,
                          const struct reflex_input *input)
{
    if (input->current_kib >=
        units_add(reflex->come_kib, BALLOON_PROGRESS_KIB)) {
        reflex->come_kib = input->current_kib;
        reflex->come_ms = input->now_ms;
        backoff_clear(&reflex->refused);
    }
}

/* What it could do without, in the first step at least. */
static uint64_t surplus_kib(const struct reflex *reflex,
                            const struct reflex_input *input)
{
    uint64_t taken = taken_kib(reflex, input);
    uint64_t surplus = units_less(input->available_kib, input->plenty_kib);

    return surplus >= units_min(taken, REFLEX_BACK_KIB)
               ? units_min(surplus, taken)
               : 0;
}

static void note_plenty(struct reflex *reflex, const struct reflex_input *input)
{
    if (input->is_pressed || surplus_kib(reflex, input) == 0) {
        reflex->plenty_ms = 0;
    } else if (reflex->plenty_ms == 0) {
        reflex->plenty_ms = input->now_ms;
    }
}

/* --- What to do ---------------------------------------------------------- */

static void write_target(struct reflex *reflex,
                         const struct reflex_input *input, uint64_t target_kib,
                         struct reflex_step *step)
{
    uint64_t base = base_kib(reflex, input);

    target_kib = units_whole_pages(target_kib);
    step->write_target = true;
    step->target_kib = units_max(target_kib, base);
    reflex->held_kib = target_kib > base ? target_kib : 0;
    reflex->held_for_kib = input->target_kib;
}

/* Where raising begins, and may end. */
static uint64_t top_kib(const struct reflex *reflex,
                        const struct reflex_input *input)
{
    return units_max(reflex->held_kib, base_kib(reflex, input));
}

static uint64_t most_kib(const struct reflex *reflex,
                         const struct reflex_input *input)
{
    return units_whole_pages(
        units_add(base_kib(reflex, input), input->allowance_kib));
}

/*
 * A kernel that may not yet have heard of the last memory/target would forget
 * what it is told now.
 */
static bool kernel_listens(const struct reflex *reflex,
                           const struct reflex_input *input)
{
    return reflex->held_kib != 0 ? reflex->held_for_kib == input->target_kib
                                 : is_at_base(reflex, input);
}

/* More is of no use to a driver that has not yet brought half of the last. */
static bool may_raise(const struct reflex *reflex,
                      const struct reflex_input *input)
{
    return input->allowance_stands && kernel_listens(reflex, input) &&
           top_kib(reflex, input) < most_kib(reflex, input) &&
           outstanding_kib(input) <=
               units_max(reflex->step_kib / 2, BALLOON_ARRIVED_KIB) &&
           backoff_is_due(&reflex->refused, input->now_ms);
}

static uint64_t next_step_kib(const struct reflex *reflex,
                              const struct reflex_input *input)
{
    uint64_t first =
        units_max(REFLEX_STEP_KIB, input->current_kib / REFLEX_STEP_SHARE);
    bool lasts = reflex->step_kib != 0 &&
                 input->now_ms < units_add(reflex->raised_ms, REFLEX_LASTS_MS);

    return lasts ? units_add(reflex->step_kib, reflex->step_kib) : first;
}

static void raise(struct reflex *reflex, const struct reflex_input *input,
                  uint64_t by_kib, struct reflex_step *step)
{
    uint64_t top = top_kib(reflex, input);

    by_kib = units_min(by_kib, most_kib(reflex, input) - top);
    reflex->step_kib = by_kib;
    reflex->raised_ms = input->now_ms;
    reflex->come_kib = input->current_kib;
    reflex->come_ms = input->now_ms;
    write_target(reflex, input, top + by_kib, step);
    step->next_ms = units_add(input->now_ms, REFLEX_LOOK_MS);
}

static bool is_refused(const struct reflex *reflex,
                       const struct reflex_input *input)
{
    return outstanding_kib(input) > BALLOON_ARRIVED_KIB &&
           input->now_ms >= units_add(reflex->come_ms, REFLEX_REFUSED_MS);
}

/* What came is kept; it is not the driver that is stuck. */
static void settle_for_less(struct reflex *reflex,
                            const struct reflex_input *input,
                            struct reflex_step *step)
{
    backoff_failed(&reflex->refused, input->now_ms);
    write_target(reflex, input,
                 units_max(input->current_kib, base_kib(reflex, input)), step);
}

/* How much is to go back now: what is asked for, or what is not needed. */
static uint64_t excess_kib(const struct reflex *reflex,
                           const struct reflex_input *input)
{
    uint64_t asked =
        input->allowance_stands
            ? units_less(taken_kib(reflex, input), input->allowance_kib)
            : 0;

    if (reflex->plenty_ms != 0 &&
        input->now_ms >= units_add(reflex->plenty_ms, REFLEX_PLENTY_MS)) {
        return units_max(asked, surplus_kib(reflex, input));
    }
    return asked;
}

/* The available part bounds it, too: asking must not hurt. */
static void give_back(struct reflex *reflex, const struct reflex_input *input,
                      struct reflex_step *step)
{
    uint64_t excess = excess_kib(reflex, input);
    uint64_t due_ms = units_add(reflex->gave_ms, REFLEX_BACK_MS);
    uint64_t part = units_max(REFLEX_BACK_KIB, excess / REFLEX_BACK_SHARE);

    if (excess == 0) {
        if (reflex->plenty_ms != 0) {
            step->next_ms = units_add(input->now_ms, REFLEX_PLENTY_LOOK_MS);
        }
        return;
    }
    if (reflex->gave_ms != 0 && input->now_ms < due_ms) {
        step->next_ms = due_ms;
        return;
    }
    part = units_min(units_min(part, excess), input->available_kib / 2);
    reflex->gave_ms = input->now_ms;
    step->next_ms = units_add(input->now_ms, REFLEX_BACK_MS);
    if (part >= UNITS_KIB_PER_PAGE) {
        write_target(reflex, input, reflex->held_kib - part, step);
    }
}

static void decide(struct reflex *reflex, const struct reflex_input *input,
                   uint64_t left_kib, struct reflex_step *step)
{
    if (left_kib > 0 && input->available_kib < input->plenty_kib &&
        may_raise(reflex, input)) {
        raise(reflex, input, left_kib, step);
    } else if (input->is_pressed && may_raise(reflex, input)) {
        raise(reflex, input, next_step_kib(reflex, input), step);
    } else if (taken_kib(reflex, input) == 0) {
        return;
    } else if (is_refused(reflex, input)) {
        settle_for_less(reflex, input, step);
    } else if (!input->is_pressed) {
        give_back(reflex, input, step);
    }
}

void reflex_look(struct reflex *reflex, const struct reflex_input *input,
                 struct reflex_step *ret_step)
{
    struct reflex_step step = {.next_ms = UINT64_MAX};
    uint64_t left_kib;

    if (!input->has_balloon || input->is_moved) {
        *reflex = (struct reflex){0};
        *ret_step = step;
        return;
    }
    if (input->target_kib == 0) { /* another time */
        *ret_step = step;
        return;
    }
    left_kib = notice_end(reflex, input);
    note_change(reflex, input);
    measure_offset(reflex, input);
    if (reflex->knows_offset) {
        note_progress(reflex, input);
        note_plenty(reflex, input);
        decide(reflex, input, left_kib, &step);
        step.taken_kib = taken_kib(reflex, input);
    }
    reflex->taken_kib = step.taken_kib;
    reflex->target_kib = input->target_kib;
    reflex->kernel_target_kib = input->kernel_target_kib;
    if (!reflex->knows_offset && input->allowance_stands &&
        input->allowance_kib > 0) {
        step.next_ms = time_to_measure_ms(reflex, input);
    }
    *ret_step = step;
}
