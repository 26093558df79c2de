/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frontend/room.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/units.h"
#include "frontend/act.h"

static bool is_new(const struct room *room, const struct intent_input *seen)
{
    return seen->announcement.number != 0 &&
           seen->announcement.number != room->intent.announcement.number;
}

/* What there is may change from one announcement to the next. */
static void look(const struct room *room, const struct guest *guest,
                 struct intent_input *seen)
{
    bool is_wanted = seen->announcement.number != 0 &&
                     (is_new(room, seen) || room->intent.phase != INTENT_READY);
    unsigned int ways = is_wanted ? guest_ways(guest) : 0;

    seen->has_hooks = is_new(room, seen) && (ways & GUEST_HAS_HOOKS) != 0;
    seen->can_reclaim = (ways & GUEST_CAN_RECLAIM) != 0;
    seen->is_at_work = guest_is_at_work(guest, seen->now_ms);
}

/* What cannot be begun is done without: the next round finds nobody at work. */
static void work(const struct guest *guest, const struct intent_input *seen,
                 const struct intent_step *step)
{
    const struct guest_shrink shrink = {
        .shrink_kib = step->shrink_kib,
        .target_kib = seen->announcement.target_kib,
        .left_ms = step->left_ms,
        .now_ms = seen->now_ms,
    };
    int r = 0;

    if (step->stop_work) {
        guest_stop_work(guest);
    }
    if (step->run_hooks) {
        r = guest_run_hooks(guest, &shrink);
    } else if (step->reclaim_kib > 0) {
        r = guest_reclaim(guest, step->reclaim_kib);
    }
    if (r < 0) {
        log_warning("cannot make room error=\"%s\"", strerror(-r));
    }
}

static bool is_same(const struct answer *a, const struct answer *b)
{
    return a->number == b->number && a->is_ready == b->is_ready &&
           a->can_give_kib == b->can_give_kib;
}

static int tell(struct room *room, const struct bus *bus,
                const struct answer *answer, uint64_t now_ms)
{
    int r;

    if (answer->number == 0 || is_same(answer, &room->told) ||
        !backoff_is_due(&room->tell_retry, now_ms)) {
        return 0;
    }
    r = act_answer(bus, answer);
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        if (r != room->tell_error) {
            log_warning("answering the announcement: failed, trying again "
                        "error=\"%s\"",
                        strerror(-r));
        }
        backoff_failed(&room->tell_retry, now_ms);
    } else {
        room->told = *answer;
        backoff_clear(&room->tell_retry);
        log_debug("answered number=%" PRIu64 " state=%s can_give_kib=%" PRIu64,
                  answer->number, answer->is_ready ? "ready" : "working",
                  answer->can_give_kib);
    }
    room->tell_error = r;
    return 0;
}

int room_make(struct room *room, const struct bus *bus,
              const struct guest *guest, struct intent_input *seen,
              uint64_t *next_ms)
{
    struct intent_step step;
    int r;

    look(room, guest, seen);
    if (is_new(room, seen)) {
        log_info("a shrink is announced number=%" PRIu64 " target_kib=%" PRIu64
                 " wait_ms=%" PRIu64,
                 seen->announcement.number, seen->announcement.target_kib,
                 seen->announcement.wait_ms);
    }
    intent_round(&room->intent, seen, &step);
    work(guest, seen, &step);
    if (seen->announcement.number == 0) {
        room->told = (struct answer){.number = 0};
        backoff_clear(&room->tell_retry);
    }
    r = tell(room, bus, &step.answer, seen->now_ms);
    *next_ms = units_min(*next_ms, step.next_ms);
    *next_ms =
        units_min(*next_ms, backoff_next_ms(&room->tell_retry, seen->now_ms));
    return r;
}
