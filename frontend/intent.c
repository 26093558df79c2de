/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From phase to phase; a phase that has nothing to do is passed through. */
#include "frontend/intent.h"

#include "common/units.h"
#include "frontend/floor.h"

/* ---- Amounts -------------------------------------------------------------- */

/* In the kernel's own count. */
static uint64_t held_kib(const struct guest_sample *sample)
{
    return sample->has_balloon ? sample->balloon_current_kib
                               : sample->total_kib;
}

/*
 * The kernel counts its balloon by a constant less than the store's targets do;
 * the two targets give the constant.
 */
static uint64_t asked_kib(const struct intent_input *input)
{
    uint64_t uncounted =
        units_less(input->target_kib, input->sample.balloon_target_kib);

    if (!input->sample.has_balloon) {
        uncounted = 0;
    }
    return units_less(units_add(held_kib(&input->sample), uncounted),
                      input->announcement.target_kib);
}

/* What it can do without. */
static uint64_t can_give_kib(const struct guest_sample *sample)
{
    return units_less(held_kib(sample), floor_of(sample));
}

/* And without anything having to go to swap. */
static uint64_t available_kib(const struct guest_sample *sample)
{
    struct guest_sample swapless = *sample;

    swapless.swap_free_kib = 0;
    return can_give_kib(&swapless);
}

/* ---- Phases --------------------------------------------------------------- */

static uint64_t last_ms(const struct intent *intent)
{
    uint64_t margin =
        units_min(INTENT_MARGIN_MS, intent->announcement.wait_ms / 2);

    return units_less(intent->deadline_ms, margin);
}

static void answer(struct intent *intent, const struct intent_input *input,
                   bool is_ready)
{
    intent->answer = (struct answer){
        .number = intent->announcement.number,
        .is_ready = is_ready,
        .can_give_kib = can_give_kib(&input->sample),
    };
}

static void become_ready(struct intent *intent,
                         const struct intent_input *input,
                         struct intent_step *step)
{
    step->stop_work = input->is_at_work;
    step->run_hooks = false;
    intent->phase = INTENT_READY;
    answer(intent, input, true);
}

static void begin(struct intent *intent, const struct intent_input *input,
                  struct intent_step *step)
{
    step->stop_work = input->is_at_work;
    step->run_hooks = input->has_hooks;
    step->shrink_kib = asked_kib(input);
    step->left_ms = units_less(last_ms(intent), input->now_ms);
    intent->phase = input->has_hooks ? INTENT_HOOKS : INTENT_RECLAIM;
    intent->before_kib = UINT64_MAX;
    intent->futile = 0;
}

/* The same number again: it has been given longer. */
static void hear(struct intent *intent, const struct intent_input *input,
                 struct intent_step *step)
{
    const struct announcement *heard = &input->announcement;
    bool is_new = heard->number != intent->announcement.number;

    if (is_new || heard->wait_ms != intent->announcement.wait_ms) {
        intent->announcement = *heard;
        intent->deadline_ms = units_add(input->now_ms, heard->wait_ms);
    }
    if (is_new) {
        begin(intent, input, step);
    }
}

/* Whether the slice before this brought next to nothing. */
static void judge_slice(struct intent *intent, uint64_t available)
{
    if (intent->before_kib == UINT64_MAX) {
        return;
    }
    if (units_less(available, intent->before_kib) <
        INTENT_SLICE_KIB / INTENT_FUTILE_SHARE) {
        intent->futile++;
    } else {
        intent->futile = 0;
    }
    intent->before_kib = UINT64_MAX;
}

static void reclaim(struct intent *intent, const struct intent_input *input,
                    struct intent_step *step)
{
    uint64_t available = available_kib(&input->sample);
    uint64_t lacking = units_less(asked_kib(input), available);

    if (lacking > 0 && input->is_at_work) {
        return;
    }
    judge_slice(intent, available);
    if (lacking == 0 || !input->can_reclaim ||
        intent->futile >= INTENT_FUTILE_MAX) {
        become_ready(intent, input, step);
        return;
    }
    step->reclaim_kib = units_min(lacking, INTENT_SLICE_KIB);
    intent->before_kib = available;
}

static void work(struct intent *intent, const struct intent_input *input,
                 struct intent_step *step)
{
    if (input->now_ms >= last_ms(intent)) {
        become_ready(intent, input, step);
        return;
    }
    if (intent->phase == INTENT_HOOKS && !step->run_hooks &&
        !input->is_at_work) {
        intent->phase = INTENT_RECLAIM;
    }
    if (intent->phase == INTENT_RECLAIM) {
        reclaim(intent, input, step);
    }
}

void intent_round(struct intent *intent, const struct intent_input *input,
                  struct intent_step *ret_step)
{
    struct intent_step step = {.next_ms = UINT64_MAX};

    if (input->announcement.number == 0) {
        step.stop_work = input->is_at_work;
        *intent = (struct intent){.phase = INTENT_NONE};
        *ret_step = step;
        return;
    }
    hear(intent, input, &step);
    if (intent->phase != INTENT_READY) {
        work(intent, input, &step);
    }
    if (intent->phase != INTENT_READY) {
        if (intent->answer.number != intent->announcement.number) {
            answer(intent, input, false);
        }
        step.next_ms = units_min(units_add(input->now_ms, INTENT_LOOK_MS),
                                 units_max(last_ms(intent), input->now_ms + 1));
    }
    step.answer = intent->answer;
    *ret_step = step;
}
