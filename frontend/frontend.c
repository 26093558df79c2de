/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe, decide, act.  Whatever fails is tried again, later and later, and
 * named once in the log: a guest must not suffer for its reporter, nor its
 * log for a store that is full.
 */
#include "frontend/frontend.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/units.h"
#include "frontend/act.h"

void frontend_init(struct frontend *frontend, const struct bus *bus,
                   const struct guest *guest, uint64_t heartbeat_ms)
{
    *frontend = (struct frontend){
        .bus = bus,
        .guest = guest,
        .heartbeat_ms = units_clamp(heartbeat_ms, REPORT_HEARTBEAT_MIN_MS,
                                    REPORT_HEARTBEAT_MAX_MS),
    };
}

/* One line when a result becomes another; good ones follow bad ones only. */
static void note(int *last, int r, const char *what)
{
    if (r == *last) {
        return;
    }
    if (r < 0) {
        log_warning("%s: failed, going on without for now error=\"%s\"", what,
                    strerror(-r));
    } else {
        log_info("%s: works again", what);
    }
    *last = r;
}

static int observe(struct frontend *frontend, uint64_t now_ms,
                   struct decide_input *input)
{
    struct observer *observer = &frontend->observer;
    int r;

    r = observe_bus(observer, frontend->bus, now_ms, input);
    if (r < 0) {
        return r;
    }
    note(&frontend->watch_error, observer->watch_error, "watching the target");
    note(&frontend->target_error, observer->target_error, "reading the target");

    r = observe_guest(frontend->guest, input);
    note(&frontend->sample_error, r, "asking the kernel for its memory");
    if (r < 0) {
        backoff_failed(&frontend->sample_retry, now_ms);
        /* The bus alone may say that it is gone. */
        return r == -ENOTCONN ? -EIO : r;
    }
    backoff_clear(&frontend->sample_retry);
    return 0;
}

static void note_balloon(struct frontend *frontend,
                         const struct decision *decision)
{
    const struct report *report = &decision->report;
    bool was_stuck = frontend->balloon == REPORT_BALLOON_STUCK;
    bool is_stuck = report->balloon == REPORT_BALLOON_STUCK;

    if (is_stuck && !was_stuck) {
        log_warning("balloon driver is stuck, reporting it "
                    "current_kib=%" PRIu64 " target_kib=%" PRIu64
                    " retries=%" PRIu64,
                    report->current_kib, report->balloon_target_kib,
                    frontend->decider.sample.balloon_retries);
    } else if (was_stuck && !is_stuck) {
        log_info("balloon driver is no longer stuck state=%s",
                 report_balloon_name(report->balloon));
    }
    frontend->balloon = report->balloon;
}

static void note_alarm(struct frontend *frontend,
                       const struct decision *decision)
{
    frontend->woken_in_vain = decision->woken_in_vain;
    if (frontend->woken_by != ALARM_NONE) {
        log_debug("woken by=%s in_vain=%s", alarm_kind_name(frontend->woken_by),
                  decision->woken_in_vain ? "yes" : "no");
    }
}

static void wake_driver(struct frontend *frontend,
                        const struct decision *decision)
{
    int r;

    if (!decision->write_target) {
        return;
    }
    log_debug("writing the kernel's target target_kib=%" PRIu64,
              decision->kernel_target_kib);
    r = act_wake_driver(frontend->guest, decision);
    note(&frontend->wake_error, r, "waking the balloon driver");
}

static int publish(struct frontend *frontend, const struct decision *decision,
                   uint64_t now_ms)
{
    int r;

    if (decision->news == DECIDE_NOTHING ||
        !backoff_is_due(&frontend->publish_retry, now_ms)) {
        return 0;
    }
    r = act_publish(frontend->bus, &decision->report);
    if (r == -ENOTCONN) {
        return r;
    }
    note(&frontend->publish_error, r, "writing the report");
    if (r < 0) {
        backoff_failed(&frontend->publish_retry, now_ms);
        return 0;
    }
    log_debug("reported news=%s available_kib=%" PRIu64 " current_kib=%" PRIu64,
              decide_news_name(decision->news), decision->report.available_kib,
              decision->report.current_kib);
    backoff_clear(&frontend->publish_retry);
    frontend->observer.report_lost = false;
    decide_published(&frontend->decider, &decision->report, now_ms);
    return 0;
}

static int act(struct frontend *frontend, const struct decision *decision,
               uint64_t now_ms)
{
    note_balloon(frontend, decision);
    wake_driver(frontend, decision);
    return publish(frontend, decision, now_ms);
}

int frontend_tick(struct frontend *frontend, uint64_t now_ms,
                  uint64_t *ret_next_ms)
{
    struct decide_input input = {.woken_by = frontend->woken_by,
                                 .heartbeat_ms = frontend->heartbeat_ms,
                                 .now_ms = now_ms};
    struct decision decision;
    uint64_t next_ms;
    int r;

    frontend->woken_in_vain = true; /* unless something is seen */
    r = observe(frontend, now_ms, &input);
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        *ret_next_ms = backoff_next_ms(&frontend->sample_retry, now_ms);
        return 0;
    }
    decide_round(&frontend->decider, &input, &decision);
    note_alarm(frontend, &decision);
    r = act(frontend, &decision, now_ms);
    if (r == -ENOTCONN) {
        return r;
    }
    next_ms = units_min(decision.next_ms,
                        observe_next_ms(&frontend->observer, now_ms));
    next_ms =
        units_min(next_ms, backoff_next_ms(&frontend->publish_retry, now_ms));
    *ret_next_ms = units_max(next_ms, units_add(now_ms, 1));
    return 0;
}

void frontend_rejoin(struct frontend *frontend)
{
    frontend->observer = (struct observer){0};
    frontend->decider.published_any = false;
    backoff_clear(&frontend->publish_retry);
}

int frontend_stop(struct frontend *frontend)
{
    return act_publish_stopped(frontend->bus);
}
