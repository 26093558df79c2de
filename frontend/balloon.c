/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the driver at rest, on its way, or stuck?  Pure. */
#include "frontend/balloon.h"

#include "common/units.h"

static uint64_t kicked_target(const struct balloon *balloon)
{
    return units_less(balloon->target_kib, BALLOON_KICK_KIB);
}

static void start_over(struct balloon *balloon,
                       const struct guest_sample *sample, uint64_t now_ms)
{
    balloon->known = true;
    balloon->kicked = false;
    balloon->target_kib = sample->balloon_target_kib;
    balloon->distance_kib =
        units_distance(sample->balloon_current_kib, sample->balloon_target_kib);
    balloon->progress_ms = now_ms;
    balloon->state = REPORT_BALLOON_MOVING;
    backoff_clear(&balloon->kick);
}

/* True when somebody else gave the kernel another target. */
static bool target_has_changed(struct balloon *balloon,
                               const struct guest_sample *sample)
{
    if (!balloon->known) {
        return true;
    }
    if (sample->balloon_target_kib == balloon->target_kib) {
        balloon->kicked = false; /* also when it was rewritten over our kick */
        return false;
    }
    return !balloon->kicked ||
           sample->balloon_target_kib != kicked_target(balloon);
}

static bool has_progressed(const struct balloon *balloon, uint64_t distance_kib)
{
    return units_less(balloon->distance_kib, distance_kib) >=
           BALLOON_PROGRESS_KIB;
}

static enum report_balloon judge(struct balloon *balloon,
                                 const struct guest_sample *sample,
                                 uint64_t now_ms)
{
    uint64_t distance_kib =
        units_distance(sample->balloon_current_kib, balloon->target_kib);

    if (distance_kib <= BALLOON_ARRIVED_KIB) {
        balloon->distance_kib = distance_kib;
        balloon->progress_ms = now_ms;
        return REPORT_BALLOON_IDLE;
    }
    if (balloon->state == REPORT_BALLOON_IDLE ||
        has_progressed(balloon, distance_kib)) {
        balloon->distance_kib = distance_kib;
        balloon->progress_ms = now_ms;
        return REPORT_BALLOON_MOVING;
    }
    if (units_less(now_ms, balloon->progress_ms) >= BALLOON_STUCK_MS) {
        return REPORT_BALLOON_STUCK;
    }
    return REPORT_BALLOON_MOVING;
}

static void write_target(struct balloon *balloon, bool kicked,
                         struct balloon_step *step)
{
    balloon->kicked = kicked;
    step->write_target = true;
    step->target_kib = kicked ? kicked_target(balloon) : balloon->target_kib;
}

/* Growing costs the guest nothing; shrinking what it may not have. */
static bool kick_does_no_harm(const struct balloon *balloon,
                              const struct guest_sample *sample)
{
    return sample->available_kib >=
           units_less(sample->balloon_current_kib, balloon->target_kib);
}

static void kick(struct balloon *balloon, const struct guest_sample *sample,
                 uint64_t now_ms, struct balloon_step *step)
{
    if (!kick_does_no_harm(balloon, sample)) {
        return;
    }
    if (backoff_is_due(&balloon->kick, now_ms)) {
        write_target(balloon, !balloon->kicked, step);
        backoff_failed(&balloon->kick, now_ms); /* until it helps */
    }
    step->next_ms = backoff_next_ms(&balloon->kick, now_ms);
}

void balloon_watch(struct balloon *balloon, const struct guest_sample *sample,
                   uint64_t now_ms, struct balloon_step *ret_step)
{
    struct balloon_step step = {.next_ms = UINT64_MAX};

    if (!sample->has_balloon) {
        *balloon = (struct balloon){.state = REPORT_BALLOON_ABSENT};
        step.state = REPORT_BALLOON_ABSENT;
        *ret_step = step;
        return;
    }
    if (target_has_changed(balloon, sample)) {
        start_over(balloon, sample, now_ms);
    }
    balloon->state = judge(balloon, sample, now_ms);
    step.state = balloon->state;
    switch (balloon->state) {
    case REPORT_BALLOON_STUCK:
        kick(balloon, sample, now_ms, &step);
        break;
    case REPORT_BALLOON_MOVING:
        step.next_ms = units_add(balloon->progress_ms, BALLOON_STUCK_MS);
        backoff_clear(&balloon->kick);
        break;
    case REPORT_BALLOON_IDLE:
    case REPORT_BALLOON_ABSENT:
        backoff_clear(&balloon->kick);
        /* The page that the kick took off is given back. */
        if (balloon->kicked) {
            write_target(balloon, false, &step);
        }
        break;
    }
    *ret_step = step;
}
