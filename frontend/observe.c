/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events say where to look again, never what has happened. */
#include "frontend/observe.h"

#include <errno.h>

#include "common/protocol.h"

#define WATCH_TOKEN "target"

/*
 * As many as one look takes off the queue: a store that produces events
 * without end must not keep us from everything else.
 */
#define EVENTS_MAX 64

static int start_watching(struct observer *observer, const struct bus *bus,
                          uint64_t now_ms)
{
    int r;

    if (observer->watching || !backoff_is_due(&observer->watch_retry, now_ms)) {
        return 0;
    }
    r = bus_watch(bus, PROTOCOL_TARGET, WATCH_TOKEN);
    if (r == -EEXIST) {
        r = 0;
    }
    observer->watch_error = r;
    if (r == 0) {
        observer->watching = true;
        observer->target_is_current = false;
        backoff_clear(&observer->watch_retry);
    } else {
        backoff_failed(&observer->watch_retry, now_ms);
    }
    return r == -ENOTCONN ? r : 0;
}

/* 1 when there were events, 0 when not, -ENOTCONN. */
static int drain_events(const struct bus *bus)
{
    struct bus_event event;
    int r = 1, some = 0;

    for (int i = 0; i < EVENTS_MAX && r == 1; i++) {
        r = bus_next_event(bus, &event);
        if (r == 1) {
            some = 1;
        }
    }
    return r < 0 ? -ENOTCONN : some;
}

/*
 * A node that is not there will be announced when it comes; anything else that
 * goes wrong is asked for again next time.
 */
static int read_target(struct observer *observer, const struct bus *bus)
{
    uint64_t target_kib = 0;
    int r;

    r = bus_read_kib(bus, BUS_NO_TRANSACTION, PROTOCOL_TARGET, &target_kib);
    if (r == -ENOTCONN) {
        return r;
    }
    observer->target_error = r;
    observer->target_is_current =
        observer->watching && (r == 0 || r == -ENOENT || r == -EINVAL);
    observer->target_kib = target_kib;
    return 0;
}

/*
 * After restore and migration the kernel registers all watches anew and they
 * fire, but ~/data has stayed behind.  What the node holds does not matter,
 * only whether it is there; a value too long for the buffer is there.
 */
static int look_for_report(struct observer *observer, const struct bus *bus)
{
    char value[1];
    int r;

    r = bus_read(bus, BUS_NO_TRANSACTION, PROTOCOL_REPORT, value,
                 sizeof(value));
    if (r == -ENOENT) {
        observer->report_lost = true;
    }
    return r == -ENOTCONN ? r : 0;
}

int observe_bus(struct observer *observer, const struct bus *bus,
                uint64_t now_ms, struct decide_input *input)
{
    int events, r;

    r = start_watching(observer, bus, now_ms);
    if (r < 0) {
        return r;
    }
    events = drain_events(bus);
    if (events < 0) {
        return events;
    }
    if (events > 0) {
        observer->target_is_current = false;
        r = look_for_report(observer, bus);
        if (r < 0) {
            return r;
        }
    }
    if (!observer->target_is_current) {
        r = read_target(observer, bus);
        if (r < 0) {
            return r;
        }
    }
    input->target_kib = observer->target_kib;
    input->report_lost = observer->report_lost;
    return 0;
}

int observe_guest(const struct guest *guest, struct decide_input *input)
{
    return guest_sample(guest, &input->sample);
}

uint64_t observe_next_ms(const struct observer *observer, uint64_t now_ms)
{
    return backoff_next_ms(&observer->watch_retry, now_ms);
}
