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
        .offered = ACT_REFLEX | ACT_INTENT,
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

/* Of the watches, the one that fails. */
static int watch_error(const struct observer *observer)
{
    int r = 0;

    for (int i = 0; i < OBSERVE_WATCHES && r == 0; i++) {
        r = observer->watches[i].error;
    }
    return r;
}

static int observe_store(struct frontend *frontend, uint64_t now_ms,
                         struct decide_input *input)
{
    struct observer *observer = &frontend->observer;
    int r;

    r = observe_bus(observer, frontend->bus, now_ms, input);
    if (r < 0) {
        return r;
    }
    note(&frontend->watch_error, watch_error(observer), "watching the store");
    note(&frontend->target_error, observer->target_error, "reading the target");
    return 0;
}

static int observe_kernel(struct frontend *frontend, uint64_t now_ms,
                          struct decide_input *input)
{
    int r;

    r = observe_guest(frontend->guest, input);
    note(&frontend->sample_error, r, "asking the kernel for its memory");
    if (r < 0) {
        backoff_failed(&frontend->sample_retry, now_ms);
        return r;
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

static void set_target(struct frontend *frontend,
                       const struct decision *decision)
{
    int r;

    if (!decision->write_target) {
        return;
    }
    log_debug("writing the kernel's target target_kib=%" PRIu64,
              decision->kernel_target_kib);
    r = act_set_target(frontend->guest, decision);
    note(&frontend->wake_error, r, "setting the kernel's target");
}

/* --- The device ---------------------------------------------------------- */

static bool is_connected(const struct frontend *frontend)
{
    return device_is_connected(&frontend->device, &frontend->observer.device);
}

static bool allowance_stands(const struct frontend *frontend)
{
    return device_allowance_stands(&frontend->observer.device);
}

/* It may take memory by itself. */
static bool has_allowance(const struct frontend *frontend)
{
    return allowance_stands(frontend) && frontend->observer.allowance_kib > 0;
}

static void note_phase(struct frontend *frontend)
{
    enum frontend_phase phase = FRONTEND_WAITING;

    if (is_connected(frontend)) {
        phase = FRONTEND_CONNECTED;
    } else if (!frontend->observer.device.is_there) {
        phase = FRONTEND_ALONE;
    }
    if (phase == frontend->phase) {
        return;
    }
    if (phase == FRONTEND_CONNECTED) {
        log_info("connected to the backend transport=%s%s",
                 transport_name(&frontend->transport),
                 frontend->transport.port != 0 ? " bell=event-channel" : "");
    } else if (phase == FRONTEND_ALONE) {
        log_info("no device for this guest, waiting for the backend");
    } else if (frontend->phase == FRONTEND_CONNECTED) {
        log_info("backend is not connected any more, waiting for it");
    }
    frontend->phase = phase;
}

static void open_transport(struct frontend *frontend)
{
    int r;

    r = transport_open(&frontend->transport, frontend->guest,
                       frontend->observer.has_page);
    /* Without gntalloc a record is what is wanted. */
    note(&frontend->share_error, r == -EOPNOTSUPP ? 0 : r,
         "sharing a page with the backend");
}

/*
 * The device in which our state is the one that the backend made it with was
 * not there when we began before.
 */
static bool is_another_device(const struct frontend *frontend)
{
    return frontend->observer.device.own == PROTOCOL_INITIALISING;
}

static void open_bell(struct frontend *frontend)
{
    struct transport *transport = &frontend->transport;
    bool is_offered = transport->page != NULL && frontend->observer.has_bell;
    int r;

    r = bell_open(&frontend->bell, frontend->guest, is_offered,
                  is_another_device(frontend), &transport->port);
    note(&frontend->bell_error, r, "opening an event channel");
}

/* What the device was is not what it is: it will be looked at again. */
static int forget_stale(struct frontend *frontend, int r)
{
    if (r == -ESTALE) {
        observe_device_again(&frontend->observer);
    }
    return r;
}

static int begin(struct frontend *frontend, const struct decision *decision)
{
    int r;

    r = observe_ceiling(&frontend->observer, frontend->bus);
    if (r < 0) {
        return r;
    }
    open_transport(frontend);
    open_bell(frontend);
    r = act_begin(frontend->bus, frontend->observer.backend,
                  &frontend->transport, frontend->offered, &decision->report);
    if (r == 0) {
        device_begun(&frontend->device);
        observe_own_state(&frontend->observer, frontend->device.state);
    }
    return forget_stale(frontend, r);
}

static int confirm(struct frontend *frontend)
{
    int r;

    r = act_change_state(frontend->bus, PROTOCOL_INITIALISED,
                         PROTOCOL_CONNECTED);
    if (r == 0) {
        device_confirmed(&frontend->device);
        observe_own_state(&frontend->observer, frontend->device.state);
    }
    return forget_stale(frontend, r);
}

/* --- Act ----------------------------------------------------------------- */

/* It offers bells no more: it could not bind ours. */
static void hear_refusal(struct frontend *frontend)
{
    if (frontend->transport.port != 0 && !frontend->observer.has_bell) {
        log_warning("backend cannot bind the event channel, writing the "
                    "doorbell instead");
        frontend->transport.port = 0;
    }
}

/* The report, in the handshake or after it. */
static int tell(struct frontend *frontend, enum device_step step,
                const struct decision *decision)
{
    if (step == DEVICE_BEGIN) {
        return begin(frontend, decision);
    }
    hear_refusal(frontend);
    return transport_publish(&frontend->transport, frontend->bus,
                             frontend->guest, &decision->report,
                             decision->news != DECIDE_HEARTBEAT);
}

static int publish(struct frontend *frontend, enum device_step step,
                   const struct decision *decision, uint64_t now_ms)
{
    int r;

    if (decision->news == DECIDE_NOTHING ||
        (step != DEVICE_BEGIN && !is_connected(frontend))) {
        return 0;
    }
    r = tell(frontend, step, decision);
    if (r == -ENOTCONN || r == -ESTALE) {
        return r;
    }
    note(&frontend->publish_error, r, "writing the report");
    if (r < 0) {
        return r;
    }
    log_debug("reported news=%s available_kib=%" PRIu64 " current_kib=%" PRIu64,
              decide_news_name(decision->news), decision->report.available_kib,
              decision->report.current_kib);
    decide_published(&frontend->decider, &decision->report, now_ms);
    return 0;
}

static int write_store(struct frontend *frontend, enum device_step step,
                       const struct decision *decision, uint64_t now_ms)
{
    int r = 0;

    if (step == DEVICE_CONFIRM) {
        r = confirm(frontend);
    }
    return r < 0 ? r : publish(frontend, step, decision, now_ms);
}

static int act(struct frontend *frontend, enum device_step step,
               const struct decision *decision, uint64_t now_ms)
{
    int r;

    note_balloon(frontend, decision);
    set_target(frontend, decision);
    if (!backoff_is_due(&frontend->publish_retry, now_ms)) {
        return 0;
    }
    r = write_store(frontend, step, decision, now_ms);
    if (r == -ENOTCONN) {
        return r;
    }
    if (r < 0) {
        backoff_failed(&frontend->publish_retry, now_ms);
    } else {
        backoff_clear(&frontend->publish_retry);
    }
    return 0;
}

/* --- One round ----------------------------------------------------------- */

/*
 * Nobody listens, and there is nothing that it could do: looks no more often
 * than the heartbeat.  Returns when to look next; now_ms or less: now.
 */
static uint64_t rest_until_ms(const struct frontend *frontend,
                              enum device_step step)
{
    if (step != DEVICE_WAIT || is_connected(frontend) ||
        has_allowance(frontend) || !frontend->decider.sampled_any) {
        return 0;
    }
    return units_add(frontend->decider.sample_ms, frontend->heartbeat_ms);
}

/* For the shrink that is announced; *next_ms comes forward. */
static int make_room(struct frontend *frontend,
                     const struct decide_input *input, uint64_t *next_ms)
{
    struct intent_input seen = {
        .sample = input->sample,
        .target_kib = input->target_kib,
        .now_ms = input->now_ms,
    };

    if (is_connected(frontend)) {
        seen.announcement = frontend->observer.announcement;
    }
    return room_make(&frontend->room, frontend->bus, frontend->guest, &seen,
                     next_ms);
}

/* Looks at the guest, and does what is to be done. */
static int look(struct frontend *frontend, enum device_step step,
                struct decide_input *input, uint64_t *ret_next_ms)
{
    const uint64_t now_ms = input->now_ms;
    struct decision decision;
    int r;

    if (!backoff_is_due(&frontend->sample_retry, now_ms) ||
        observe_kernel(frontend, now_ms, input) < 0) {
        *ret_next_ms = backoff_next_ms(&frontend->sample_retry, now_ms);
        return 0;
    }
    input->allowance_stands = allowance_stands(frontend);
    /* Nothing that was told before a handshake counts after it. */
    input->report_lost = step == DEVICE_BEGIN;
    input->is_moved = input->report_lost && is_another_device(frontend);
    decide_round(&frontend->decider, input, &decision);
    note_alarm(frontend, &decision);
    r = act(frontend, step, &decision, now_ms);
    if (r < 0) {
        return r;
    }
    *ret_next_ms = units_min(decision.next_ms,
                             backoff_next_ms(&frontend->publish_retry, now_ms));
    return make_room(frontend, input, ret_next_ms);
}

int frontend_tick(struct frontend *frontend, uint64_t now_ms,
                  uint64_t *ret_next_ms)
{
    struct decide_input input = {
        .has_alarm = frontend->has_alarm,
        .woken_by = frontend->woken_by,
        .heartbeat_ms = frontend->heartbeat_ms,
        .now_ms = now_ms,
    };
    uint64_t next_ms = UINT64_MAX, rest_ms;
    enum device_step step;
    int r;

    frontend->woken_in_vain = true; /* unless something is seen */
    r = observe_store(frontend, now_ms, &input);
    if (r < 0) {
        return r;
    }
    step = device_round(&frontend->device, &frontend->observer.device, now_ms);
    rest_ms = rest_until_ms(frontend, step);
    if (now_ms >= rest_ms) {
        r = look(frontend, step, &input, &next_ms);
        if (r < 0) {
            return r;
        }
        rest_ms = rest_until_ms(frontend, step);
    }
    if (now_ms < rest_ms) {
        next_ms = rest_ms;
    }
    frontend->woken_by = ALARM_NONE;
    note_phase(frontend);
    next_ms = units_min(next_ms, observe_next_ms(&frontend->observer, now_ms));
    next_ms = units_min(next_ms, device_next_ms(&frontend->device, now_ms));
    *ret_next_ms = units_max(next_ms, units_add(now_ms, 1));
    return 0;
}

void frontend_rejoin(struct frontend *frontend)
{
    frontend->observer = (struct observer){0};
    frontend->device = (struct device){0};
    frontend->decider.published_any = false;
    backoff_clear(&frontend->publish_retry);
}

int frontend_stop(struct frontend *frontend)
{
    enum protocol_state state = frontend->device.state;

    frontend->device = (struct device){0};
    return state == PROTOCOL_UNKNOWN
               ? 0
               : act_change_state(frontend->bus, state, PROTOCOL_CLOSED);
}

void frontend_done(struct frontend *frontend)
{
    if (frontend != NULL && frontend->guest != NULL) {
        transport_close(&frontend->transport, frontend->guest);
    }
}
