/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How closely to look.  Pure. */
#include "frontend/attention.h"

#include "common/units.h"
#include "frontend/sample.h"

#define MS_PER_S 1000
#define US_PER_MS 1000
#define WINDOW_MS (SAMPLE_STALL_WINDOW_US / US_PER_MS)

static uint64_t used(const struct attention_input *input)
{
    return units_less(input->total_kib, input->available_kib);
}

static uint64_t short_kib(const struct attention_input *input)
{
    uint64_t least_kib =
        units_min(ATTENTION_SHORT_LEAST_KIB,
                  input->total_kib / ATTENTION_SHORT_LEAST_SHARE);

    return units_clamp(input->total_kib / ATTENTION_SHORT_SHARE, least_kib,
                       ATTENTION_SHORT_MOST_KIB);
}

static bool is_short(const struct attention_input *input)
{
    return input->available_kib < short_kib(input);
}

static bool has_plenty(const struct attention_input *input)
{
    return input->available_kib >= 2 * short_kib(input);
}

/* --- Growth -------------------------------------------------------------- */

/*
 * The fastest growth of use lately.  Use, not availability: when the balloon
 * takes memory away, nobody has grown.
 */
static void measure_growth(struct attention *attention,
                           const struct attention_input *input)
{
    uint64_t elapsed_ms = units_less(input->now_ms, attention->used_ms);

    if (attention->started && elapsed_ms < ATTENTION_GROWTH_WINDOW_MS) {
        return;
    }
    if (attention->started) {
        attention->rate_kib_per_s = units_scale(
            units_less(used(input), attention->used_kib), MS_PER_S, elapsed_ms);
        attention->growth_kib_per_s -=
            units_scale(attention->growth_kib_per_s,
                        units_min(elapsed_ms, ATTENTION_GROWTH_FADES_MS),
                        ATTENTION_GROWTH_FADES_MS);
        attention->growth_kib_per_s =
            units_max(attention->growth_kib_per_s, attention->rate_kib_per_s);
    }
    attention->is_average =
        attention->started && elapsed_ms > ATTENTION_GROWTH_AVERAGE_MS;
    attention->used_kib = used(input);
    attention->used_ms = input->now_ms;
}

/* However slowly: by more than noise since it was last seen to. */
static bool has_grown(struct attention *attention,
                      const struct attention_input *input)
{
    uint64_t least_kib = units_max(ATTENTION_GROWN_KIB,
                                   input->total_kib / ATTENTION_GROWN_SHARE);
    bool grown = units_less(used(input), attention->level_kib) > least_kib;

    if (grown || used(input) < attention->level_kib) {
        attention->level_kib = used(input);
    }
    return grown;
}

static bool grows_fast(const struct attention *attention)
{
    return attention->rate_kib_per_s > ATTENTION_GROWTH_KIB_PER_S;
}

/* --- Pressure ------------------------------------------------------------ */

/* An alarm speaks once, whatever happens in the window after that. */
static bool has_heard_pressure(const struct attention *attention,
                               const struct attention_input *input)
{
    return attention->heard_ms != 0 &&
           input->now_ms < units_add(attention->heard_ms, WINDOW_MS);
}

/*
 * Tasks that stall while plenty is available do so at a limit of their own, or
 * read files that would not fit anyway.  What a victim held is available, until
 * it is started again.
 */
static bool is_pressed(const struct attention *attention,
                       const struct attention_input *input)
{
    return (is_short(input) &&
            (input->stalls || has_heard_pressure(attention, input))) ||
           input->kills ||
           input->available_kib < units_scale(attention->rate_kib_per_s,
                                              ATTENTION_ANSWER_MS, MS_PER_S);
}

/* --- Sleep --------------------------------------------------------------- */

static bool is_within(uint64_t now_ms, uint64_t since_ms, uint64_t span_ms)
{
    return since_ms != 0 && now_ms < units_add(since_ms, span_ms);
}

/*
 * As long as the growth to be ready for takes to eat half of what is
 * available: the other half is left for the answer to arrive.
 */
static uint64_t sleep_by_available(const struct attention *attention,
                                   const struct attention_input *input)
{
    uint64_t growth =
        units_max(attention->growth_kib_per_s, ATTENTION_GROWTH_KIB_PER_S);
    uint64_t least_ms = grows_fast(attention) ? ATTENTION_SLEEP_GROWING_MS
                                              : ATTENTION_SLEEP_MIN_MS;

    return units_max(units_scale(input->available_kib / 2, MS_PER_S, growth),
                     least_ms);
}

static uint64_t sleep_ms(const struct attention *attention,
                         const struct attention_input *input, bool grown)
{
    uint64_t most_ms = input->heartbeat_ms;

    if (input->has_alarm &&
        !is_within(input->now_ms, attention->roused_ms, ATTENTION_CALM_MS)) {
        return input->heartbeat_ms;
    }
    if (is_within(input->now_ms, attention->pressed_ms, ATTENTION_CALM_MS) ||
        (grown && attention->is_average)) {
        most_ms = ATTENTION_SLEEP_MIN_MS;
    } else if (input->moves || (input->stalls && !input->has_alarm)) {
        most_ms = ATTENTION_SLEEP_BUSY_MS;
    }
    return units_min(sleep_by_available(attention, input), most_ms);
}

/* --- All together -------------------------------------------------------- */

static bool shows_life(const struct attention *attention,
                       const struct attention_input *input, bool grown,
                       bool pressed)
{
    return grown || pressed || input->moves || !attention->started ||
           (!has_plenty(input) && (input->stalls || input->is_alarmed));
}

void attention_pay(struct attention *attention,
                   const struct attention_input *input,
                   struct attention_verdict *ret_verdict)
{
    struct attention_verdict verdict = {0};
    bool grown;

    measure_growth(attention, input);
    if (input->is_alarmed) {
        attention->heard_ms = input->now_ms;
    }
    verdict.is_pressed = is_pressed(attention, input);
    grown = has_grown(attention, input);
    if (shows_life(attention, input, grown, verdict.is_pressed)) {
        attention->roused_ms = input->now_ms;
    }
    if (verdict.is_pressed) {
        attention->pressed_ms = input->now_ms;
    }
    verdict.plenty_kib = 2 * short_kib(input);
    verdict.next_ms =
        units_add(input->now_ms, sleep_ms(attention, input, grown));
    attention->started = true;
    *ret_verdict = verdict;
}
