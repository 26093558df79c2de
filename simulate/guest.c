/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/guest.h"

#include <assert.h>

#include "common/units.h"

#define MS_PER_S 1000
#define US_PER_MS 1000

void guest_init(struct guest *guest, const struct course *course,
                const struct course_domain *domain)
{
    *guest = (struct guest){0};
    walk_begin(&guest->walk, course, domain);
}

/* ---- Along straight lines ----------------------------------------------- */

static uint64_t speed_of(const struct guest *guest)
{
    const struct course_domain *domain = guest->walk.domain;

    return guest->reach_kib > guest->left_kib ? domain->grow_kib_s
                                              : domain->shrink_kib_s;
}

static uint64_t held_at(const struct guest *guest, uint64_t at_ms)
{
    uint64_t way;

    if (at_ms >= guest->arrives_ms) {
        return guest->reach_kib;
    }
    way = units_scale(at_ms - guest->left_ms, speed_of(guest), MS_PER_S);
    return guest->reach_kib > guest->left_kib
               ? units_min(guest->left_kib + way, guest->reach_kib)
               : units_max(units_less(guest->left_kib, way), guest->reach_kib);
}

/* Both ends of something that moves in a straight line, for so long. */
struct line {
    int64_t from;
    int64_t to;
    uint64_t ms;
};

/* How long it is above zero. */
static uint64_t ms_above_zero(struct line line)
{
    int64_t high = line.from > line.to ? line.from : line.to;
    int64_t low = line.from > line.to ? line.to : line.from;

    if (high <= 0) {
        return 0;
    }
    return low >= 0 ? line.ms
                    : units_scale(line.ms, (uint64_t)high,
                                  (uint64_t)high + (uint64_t)-low);
}

/* The area between it and zero, as far as it is above. */
static uint64_t area_above_zero(struct line line)
{
    int64_t high = line.from > line.to ? line.from : line.to;
    int64_t low = line.from > line.to ? line.to : line.from;

    if (high <= 0) {
        return 0;
    }
    if (low >= 0) {
        return units_scale((uint64_t)high + (uint64_t)low, line.ms, 2);
    }
    return units_scale(units_scale((uint64_t)high, line.ms, 2), (uint64_t)high,
                       (uint64_t)high + (uint64_t)-low);
}

/* ---- Life --------------------------------------------------------------- */

static void count_swap(struct guest *guest, struct line lack, uint64_t grown)
{
    uint64_t before = lack.from > 0 ? (uint64_t)lack.from : 0;
    uint64_t after = lack.to > 0 ? (uint64_t)lack.to : 0;

    guest->swapped_out_kib += units_less(after, before);
    /* What is no longer needed is dropped where it is. */
    guest->swapped_in_kib += units_min(units_less(before, after), grown);
}

/* Up to at_ms, without a bend in between. */
static void live_straight(struct guest *guest, uint64_t at_ms)
{
    struct outcome_figures *figures = &guest->figures;
    uint64_t needs = walk_kib(&guest->walk, at_ms);
    uint64_t holds = held_at(guest, at_ms);
    struct line need = {(int64_t)guest->working_set_kib, (int64_t)needs,
                        at_ms - guest->at_ms};
    struct line lack = {need.from - (int64_t)guest->current_kib,
                        need.to - (int64_t)holds, need.ms};
    struct line shortage = {
        10000 * lack.from - OUTCOME_SHORT_PERMYRIAD * need.from,
        10000 * lack.to - OUTCOME_SHORT_PERMYRIAD * need.to, need.ms};
    uint64_t grown = units_less(holds, guest->current_kib);

    figures->lived_ms += need.ms;
    figures->needed_kib_ms =
        units_add(figures->needed_kib_ms, area_above_zero(need));
    figures->rises_kib += units_less(needs, guest->working_set_kib);
    figures->moved_kib += grown;
    if (lack.from > 0 || lack.to > 0) {
        figures->lacked_kib_ms =
            units_add(figures->lacked_kib_ms, area_above_zero(lack));
        figures->short_ms += ms_above_zero(shortage);
        guest->stalled_ms += ms_above_zero(lack);
        count_swap(guest, lack, grown);
    }
    guest->working_set_kib = needs;
    guest->current_kib = holds;
    guest->at_ms = at_ms;
}

void guest_advance(struct guest *guest, uint64_t at_ms)
{
    assert(at_ms >= guest->at_ms && at_ms <= guest->walk.due_ms);
    if (guest->at_ms < guest->arrives_ms && guest->arrives_ms < at_ms) {
        live_straight(guest, guest->arrives_ms);
    }
    if (guest->at_ms < at_ms) {
        live_straight(guest, at_ms);
    }
}

static void count_need(struct guest *guest)
{
    guest->figures.peak_demand_kib = units_max(
        guest->figures.peak_demand_kib,
        units_max(guest->walk.domain->floor_kib, guest->working_set_kib));
}

void guest_step(struct guest *guest)
{
    uint64_t lacked, needed;

    guest_advance(guest, guest->walk.due_ms);
    count_need(guest);
    lacked = guest_lacks_kib(guest);
    needed = guest->working_set_kib;
    walk_step(&guest->walk);
    /* The first point is a jump, and one without a ramp, too. */
    guest->working_set_kib = walk_kib(&guest->walk, guest->at_ms);
    guest->figures.rises_kib += units_less(guest->working_set_kib, needed);
    guest->swapped_out_kib += units_less(guest_lacks_kib(guest), lacked);
    count_need(guest);
}

void guest_start(struct guest *guest, uint64_t at_ms, uint64_t held_kib)
{
    guest->at_ms = at_ms;
    walk_step(&guest->walk);
    guest->working_set_kib = walk_kib(&guest->walk, at_ms);
    guest->current_kib = held_kib;
    guest->target_kib = held_kib;
    guest_move(guest, held_kib);
    count_need(guest);
}

/* Rounded up to whole milliseconds. */
static uint64_t way_ms(uint64_t way_kib, uint64_t kib_s)
{
    uint64_t ms = units_scale(way_kib, MS_PER_S, kib_s);

    if (kib_s == 0) {
        return way_kib == 0 ? 0 : UINT64_MAX;
    }
    return units_scale(ms, kib_s, MS_PER_S) < way_kib ? ms + 1 : ms;
}

void guest_move(struct guest *guest, uint64_t reach_kib)
{
    uint64_t way = units_distance(guest->current_kib, reach_kib);

    guest->left_ms = guest->at_ms;
    guest->left_kib = guest->current_kib;
    guest->reach_kib = reach_kib;
    guest->arrives_ms = units_add(guest->at_ms, way_ms(way, speed_of(guest)));
}

/* See OUTCOME_REVERSAL_MS. */
static void count_step(struct guest *guest, int64_t step_kib)
{
    int64_t before = guest->step_kib;

    if ((step_kib > 0) != (before > 0) && before != 0 &&
        guest->at_ms - guest->stepped_ms <= OUTCOME_REVERSAL_MS &&
        2 * (step_kib > 0 ? step_kib : -step_kib) >=
            (before > 0 ? before : -before)) {
        guest->figures.reversals++;
    }
    guest->step_kib = step_kib;
    guest->stepped_ms = guest->at_ms;
}

void guest_retarget(struct guest *guest, uint64_t target_kib)
{
    /* Raised from below it, on its way there, is another matter. */
    if (target_kib < guest->walk.domain->floor_kib &&
        target_kib < guest->target_kib) {
        guest->figures.floor_violations++;
    }
    count_step(guest, (int64_t)target_kib - (int64_t)guest->target_kib);
    guest->target_kib = target_kib;
    guest->figures.writes++;
}

/* ---- What it says ------------------------------------------------------- */

static bool lacks_at(const struct guest *guest, uint64_t at_ms)
{
    return walk_kib(&guest->walk, at_ms) > held_at(guest, at_ms);
}

/* The first time after low at which it lacks memory, as it does at high. */
static uint64_t find_lack(const struct guest *guest, uint64_t low,
                          uint64_t high)
{
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (lacks_at(guest, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

uint64_t guest_lack_ms(const struct guest *guest)
{
    uint64_t due_ms = guest->walk.due_ms;
    uint64_t ramp_ms = units_min(guest->walk.end_ms, due_ms);
    uint64_t arrives_ms = units_min(guest->arrives_ms, due_ms);
    uint64_t bends_ms[] = {units_min(ramp_ms, arrives_ms),
                           units_max(ramp_ms, arrives_ms)};
    uint64_t from_ms = guest->at_ms;
    unsigned int i;

    if (guest_lacks_kib(guest) > 0 || !walk_lives(&guest->walk)) {
        return UINT64_MAX;
    }
    for (i = 0; i < 2; i++) {
        if (bends_ms[i] > from_ms && lacks_at(guest, bends_ms[i])) {
            return find_lack(guest, from_ms, bends_ms[i]);
        }
        from_ms = units_max(from_ms, bends_ms[i]);
    }
    return UINT64_MAX;
}

/*
 * One that has only just begun has pushed nothing out: what was in swap before
 * its first word would be taken for what nobody touches.
 */
static uint64_t swapped_kib(const struct guest *guest)
{
    return guest->at_ms == guest->walk.domain->start_ms
               ? 0
               : guest_lacks_kib(guest);
}

/*
 * A plain guest: what it needs is anonymous, what it holds beyond that is free,
 * what it lacks is in its swap.  It counts as Xen does.
 */
void guest_sample(const struct guest *guest, struct guest_sample *ret_sample)
{
    const struct course_domain *domain = guest->walk.domain;
    uint64_t used = units_min(guest->working_set_kib, guest->current_kib);
    uint64_t swap_kib = units_min(domain->swap_kib, domain->ceiling_kib);

    *ret_sample = (struct guest_sample){
        .total_kib = guest->current_kib,
        .available_kib = guest->current_kib - used,
        .free_kib = guest->current_kib - used,
        .anonymous_kib = used,
        .committed_kib = guest->working_set_kib,
        .swap_total_kib = swap_kib,
        .swap_free_kib = units_less(swap_kib, swapped_kib(guest)),
        .swapped_in_kib = guest->swapped_in_kib,
        .swapped_out_kib = guest->swapped_out_kib,
        .has_pressure = true,
        .pressure_some_us = guest->stalled_ms * US_PER_MS,
        .has_balloon = true,
        .balloon_current_kib = guest->current_kib,
        .balloon_target_kib = guest->target_kib,
    };
}
