/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend's judgement, all of it.  It does not judge what the guest
 * needs: that is the backend's part.  It judges what is news.
 */
#include "frontend/decide.h"

#include "common/units.h"
#include "frontend/floor.h"

#define US_PER_MS 1000

/* --- The report ---------------------------------------------------------- */

static uint64_t amount(uint64_t kib)
{
    return units_min(kib, UNITS_KIB_MAX);
}

/*
 * The kernel's numbers are read one after the other and may not quite agree;
 * a report must (report.h).
 */
static struct report report_from(const struct decide_input *input,
                                 enum report_balloon balloon)
{
    const struct guest_sample *sample = &input->sample;
    uint64_t total_kib = amount(sample->total_kib);
    uint64_t swap_total_kib = amount(sample->swap_total_kib);

    return (struct report){
        .state = REPORT_RUNNING,
        .balloon = balloon,
        .heartbeat_ms =
            units_clamp(input->heartbeat_ms, REPORT_HEARTBEAT_MIN_MS,
                        REPORT_HEARTBEAT_MAX_MS),
        .current_kib = amount(sample->balloon_current_kib),
        .balloon_target_kib = amount(sample->balloon_target_kib),
        .target_kib = amount(input->target_kib),
        .total_kib = total_kib,
        .available_kib = units_min(sample->available_kib, total_kib),
        .free_kib = units_min(sample->free_kib, total_kib),
        .anonymous_kib = amount(sample->anonymous_kib),
        .file_active_kib = amount(sample->file_active_kib),
        .file_inactive_kib = amount(sample->file_inactive_kib),
        .committed_kib = amount(sample->committed_kib),
        .swap_total_kib = swap_total_kib,
        .swap_free_kib = units_min(sample->swap_free_kib, swap_total_kib),
        .swapped_in_kib = sample->swapped_in_kib,
        .swapped_out_kib = sample->swapped_out_kib,
        .refaults = sample->refaults,
        .major_faults = sample->major_faults,
        .allocation_stalls = sample->allocation_stalls,
        .oom_kills = sample->oom_kills,
        .has_pressure = sample->has_pressure,
        .pressure_some_us = sample->has_pressure ? sample->pressure_some_us : 0,
        .pressure_full_us = sample->has_pressure ? sample->pressure_full_us : 0,
        .floor_kib = amount(floor_of(sample)),
    };
}

/* --- Pain ---------------------------------------------------------------- */

/* Since the sample before this one. */
static bool tasks_stall(const struct decide_state *state,
                        const struct decide_input *input)
{
    const struct guest_sample *before = &state->sample;
    const struct guest_sample *sample = &input->sample;
    uint64_t elapsed_us, waited_us;

    if (!state->sampled_any) {
        return false;
    }
    if (sample->allocation_stalls > before->allocation_stalls ||
        sample->oom_kills > before->oom_kills) {
        return true;
    }
    elapsed_us =
        units_scale(units_less(input->now_ms, state->sample_ms), US_PER_MS, 1);
    waited_us = units_less(sample->pressure_some_us, before->pressure_some_us);
    return sample->has_pressure && before->has_pressure && waited_us > 0 &&
           waited_us >=
               units_scale(elapsed_us, SAMPLE_STALL_US, SAMPLE_STALL_WINDOW_US);
}

/*
 * The alarm comes before the kernel has counted the stall, and we may be woken
 * in the place of the task that was about to count it.
 */
static bool begins_to_stall(const struct decide_input *input,
                            const struct decision *decision)
{
    return input->woken_by == ALARM_RECLAIM && !decision->woken_in_vain;
}

/* --- News ---------------------------------------------------------------- */

static bool has_moved(uint64_t a_kib, uint64_t b_kib, uint64_t least_kib)
{
    return units_distance(a_kib, b_kib) > least_kib;
}

static bool available_has_moved(const struct report *last,
                                const struct report *now)
{
    uint64_t least_kib = units_max(DECIDE_AVAILABLE_KIB,
                                   now->total_kib / DECIDE_AVAILABLE_SHARE);

    return has_moved(last->available_kib, now->available_kib, least_kib);
}

/* On a large guest a 64th may be all that is left. */
static bool available_has_halved(const struct report *last,
                                 const struct report *now)
{
    return now->available_kib < last->available_kib / 2 &&
           has_moved(last->available_kib, now->available_kib,
                     DECIDE_AVAILABLE_KIB);
}

static bool balloon_has_moved(const struct report *last,
                              const struct report *now)
{
    return has_moved(
        last->current_kib, now->current_kib,
        units_max(DECIDE_BALLOON_KIB, now->current_kib / DECIDE_BALLOON_SHARE));
}

/* The page that a kick takes off and gives back is not a new target. */
static bool target_is_another(const struct report *last,
                              const struct report *now)
{
    return last->target_kib != now->target_kib ||
           has_moved(last->balloon_target_kib, now->balloon_target_kib,
                     BALLOON_KICK_KIB);
}

/* Arrived so quickly that no report ever said "moving". */
static bool balloon_has_come_to_rest(const struct report *last,
                                     const struct report *now)
{
    return now->balloon == REPORT_BALLOON_IDLE &&
           has_moved(last->current_kib, now->current_kib, BALLOON_ARRIVED_KIB);
}

static bool has_swapped(const struct report *last, const struct report *now)
{
    return units_less(now->swapped_in_kib, last->swapped_in_kib) +
               units_less(now->swapped_out_kib, last->swapped_out_kib) >=
           DECIDE_SWAP_KIB;
}

/*
 * How soon after the last report each kind of news may follow.  Bad news, and
 * what somebody waits for, quickly; good news can wait, so that a guest which
 * breathes in and out costs the store little.
 */
static const uint64_t news_gap_ms[DECIDE_NEWS_COUNT] = {
    [DECIDE_FIRST] = 0,
    [DECIDE_LOST] = 100,
    [DECIDE_REFLEX] = 50,
    [DECIDE_STALL] = 250,
    [DECIDE_AVAILABLE_FELL] = 100,
    [DECIDE_TARGET] = 100,
    [DECIDE_BALLOON_STATE] = 100,
    [DECIDE_BALLOON_RESTS] = 100,
    [DECIDE_BALLOON_MOVED] = 250,
    [DECIDE_SWAP] = 1000,
    [DECIDE_AVAILABLE_ROSE] = 1000,
    [DECIDE_HEARTBEAT] = 0,
};

/* What there is to tell, the most urgent first. */
static enum decide_news find_news(const struct decide_state *state,
                                  const struct decide_input *input,
                                  const struct report *now, bool stalling)
{
    const struct report *last = &state->published;
    bool fell = now->available_kib < last->available_kib;

    if (!state->published_any) {
        return DECIDE_FIRST;
    }
    if (input->report_lost) {
        return DECIDE_LOST;
    }
    if (last->reflex_kib != now->reflex_kib) {
        return DECIDE_REFLEX;
    }
    if (fell &&
        (available_has_moved(last, now) || available_has_halved(last, now))) {
        return DECIDE_AVAILABLE_FELL;
    }
    if (target_is_another(last, now)) {
        return DECIDE_TARGET;
    }
    if (last->balloon != now->balloon) {
        return DECIDE_BALLOON_STATE;
    }
    if (balloon_has_come_to_rest(last, now)) {
        return DECIDE_BALLOON_RESTS;
    }
    if (stalling || now->oom_kills > last->oom_kills ||
        now->allocation_stalls > last->allocation_stalls) {
        return DECIDE_STALL;
    }
    if (balloon_has_moved(last, now)) {
        return DECIDE_BALLOON_MOVED;
    }
    if (has_swapped(last, now)) {
        return DECIDE_SWAP;
    }
    if (!fell && available_has_moved(last, now)) {
        return DECIDE_AVAILABLE_ROSE;
    }
    /* Last: with a page, a mere heartbeat rings no bell. */
    if (units_less(input->now_ms, state->published_ms) >= now->heartbeat_ms) {
        return DECIDE_HEARTBEAT;
    }
    return DECIDE_NOTHING;
}

/* --- Attention and reflex ------------------------------------------------ */

static void pay_attention(struct decide_state *state,
                          const struct decide_input *input,
                          const struct decision *decision, bool stalling,
                          struct attention_verdict *ret_verdict)
{
    const struct report *report = &decision->report;
    const struct attention_input look = {
        .total_kib = report->total_kib,
        .available_kib = report->available_kib,
        .stalls = stalling,
        .kills = state->sampled_any &&
                 input->sample.oom_kills > state->sample.oom_kills,
        .moves = report->balloon == REPORT_BALLOON_MOVING ||
                 (state->sampled_any && input->target_kib != state->target_kib),
        .has_alarm = input->has_alarm,
        .is_alarmed =
            input->woken_by >= ALARM_PRESSURE && !decision->woken_in_vain,
        .heartbeat_ms = report->heartbeat_ms,
        .now_ms = input->now_ms,
    };

    attention_pay(&state->attention, &look, ret_verdict);
}

/* What it does is in the report, as if it were done already. */
static void act_by_reflex(struct decide_state *state,
                          const struct decide_input *input,
                          const struct attention_verdict *verdict,
                          struct decision *decision)
{
    struct report *report = &decision->report;
    const struct reflex_input look = {
        .has_balloon = input->sample.has_balloon,
        .is_moved = input->is_moved,
        .allowance_stands = input->allowance_stands,
        .is_pressed = verdict->is_pressed,
        .current_kib = report->current_kib,
        .kernel_target_kib = amount(state->balloon.target_kib),
        .target_kib = report->target_kib,
        .allowance_kib = amount(input->allowance_kib),
        .available_kib = report->available_kib,
        .plenty_kib = verdict->plenty_kib,
        .now_ms = input->now_ms,
    };
    struct reflex_step step;

    reflex_look(&state->reflex, &look, &step);
    decision->next_ms = units_min(decision->next_ms, step.next_ms);
    report->reflex_kib = amount(step.taken_kib);
    if (step.write_target) {
        decision->write_target = true;
        decision->kernel_target_kib = step.target_kib;
        report->balloon_target_kib = amount(step.target_kib);
        report->balloon = REPORT_BALLOON_MOVING;
    }
}

/* --- All together -------------------------------------------------------- */

void decide_round(struct decide_state *state, const struct decide_input *input,
                  struct decision *ret_decision)
{
    struct decision decision = {.news = DECIDE_NOTHING};
    struct attention_verdict verdict;
    struct balloon_step step;
    uint64_t earliest_ms, heartbeat_ms;
    bool stalling;

    balloon_watch(&state->balloon, &input->sample, input->now_ms, &step);
    decision.write_target = step.write_target;
    decision.kernel_target_kib = step.target_kib;
    decision.report = report_from(input, step.state);

    decision.woken_in_vain =
        alarm_is_in_vain(&state->alarms, &input->sample, input->now_ms);
    stalling = tasks_stall(state, input) || begins_to_stall(input, &decision);
    pay_attention(state, input, &decision, stalling, &verdict);
    decision.next_ms = units_min(verdict.next_ms, step.next_ms);
    act_by_reflex(state, input, &verdict, &decision);

    decision.news = find_news(state, input, &decision.report, stalling);
    earliest_ms = units_add(state->published_ms, news_gap_ms[decision.news]);
    if (decision.news != DECIDE_NOTHING && input->now_ms < earliest_ms) {
        decision.news = DECIDE_NOTHING; /* too soon after the last */
        decision.next_ms = units_min(decision.next_ms, earliest_ms);
    }

    heartbeat_ms = units_add(
        decision.news == DECIDE_NOTHING ? state->published_ms : input->now_ms,
        decision.report.heartbeat_ms);
    decision.next_ms = units_min(decision.next_ms, heartbeat_ms);
    /* A report that could not be written must not keep us awake. */
    decision.next_ms = units_max(decision.next_ms, input->now_ms + 1);

    state->sample = input->sample;
    state->sample_ms = input->now_ms;
    state->target_kib = input->target_kib;
    state->sampled_any = true;
    *ret_decision = decision;
}

void decide_published(struct decide_state *state, const struct report *report,
                      uint64_t now_ms)
{
    state->published_any = true;
    state->published = *report;
    state->published_ms = now_ms;
}

const char *decide_news_name(enum decide_news news)
{
    static const char *const names[DECIDE_NEWS_COUNT] = {
        [DECIDE_NOTHING] = "nothing",
        [DECIDE_FIRST] = "first",
        [DECIDE_LOST] = "lost",
        [DECIDE_REFLEX] = "reflex",
        [DECIDE_STALL] = "stall",
        [DECIDE_AVAILABLE_FELL] = "available-fell",
        [DECIDE_TARGET] = "target",
        [DECIDE_BALLOON_STATE] = "balloon-state",
        [DECIDE_BALLOON_RESTS] = "balloon-rests",
        [DECIDE_BALLOON_MOVED] = "balloon-moved",
        [DECIDE_SWAP] = "swap",
        [DECIDE_AVAILABLE_ROSE] = "available-rose",
        [DECIDE_HEARTBEAT] = "heartbeat",
    };

    return names[news];
}
