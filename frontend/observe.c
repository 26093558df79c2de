/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events say where to look again, never what has happened. */
#include "frontend/observe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/protocol.h"
#include "common/units.h"

#define NODE(name) PROTOCOL_FRONTEND "/" name

/*
 * As many as one look takes off the queue: a store that produces events
 * without end must not keep us from everything else.
 */
#define EVENTS_MAX 64

/* Domain ids end below this (DOMID_FIRST_RESERVED). */
#define DOMIDS 0x7ff0

static const char *const tokens[OBSERVE_WATCHES] = {
    [OBSERVE_TARGET] = "target",
    [OBSERVE_DEVICE] = "device",
    [OBSERVE_BACKEND] = "backend",
};

/* --- Watches ------------------------------------------------------------- */

static const char *watched_path(const struct observer *observer,
                                enum observe_what what)
{
    switch (what) {
    case OBSERVE_TARGET:
        return PROTOCOL_TARGET;
    case OBSERVE_DEVICE:
        return NODE(PROTOCOL_NODE_BACKEND);
    case OBSERVE_BACKEND:
    case OBSERVE_WATCHES:
        break;
    }
    return observer->backend;
}

static int start_watch(struct observer *observer, const struct bus *bus,
                       enum observe_what what, uint64_t now_ms)
{
    struct observe_watch *watch = &observer->watches[what];
    const char *path = watched_path(observer, what);
    int r;

    if (path[0] == '\0' || watch->is_set ||
        !backoff_is_due(&watch->retry, now_ms)) {
        return 0;
    }
    r = bus_watch(bus, path, tokens[what]);
    if (r == -EEXIST) {
        r = 0;
    }
    watch->error = r;
    if (r == 0) {
        watch->is_set = true;
        watch->is_current = false;
        backoff_clear(&watch->retry);
    } else {
        backoff_failed(&watch->retry, now_ms);
    }
    return r == -ENOTCONN ? r : 0;
}

static int start_watching(struct observer *observer, const struct bus *bus,
                          uint64_t now_ms)
{
    int r = 0;

    for (int i = 0; i < OBSERVE_WATCHES && r == 0; i++) {
        r = start_watch(observer, bus, (enum observe_what)i, now_ms);
    }
    return r;
}

/* The backend wrote its state, and not merely something beside it. */
static bool is_of_backend_state(const struct observer *observer,
                                const char *path)
{
    size_t len = strlen(observer->backend);

    return len > 0 && strncmp(path, observer->backend, len) == 0 &&
           strcmp(path + len, "/" PROTOCOL_NODE_STATE) == 0;
}

static void take_event(struct observer *observer, const struct bus_event *event)
{
    for (int i = 0; i < OBSERVE_WATCHES; i++) {
        if (strcmp(event->token, tokens[i]) == 0) {
            observer->watches[i].is_current = false;
        }
    }
    if (is_of_backend_state(observer, event->path)) {
        observer->device.backend_spoke = true;
    }
}

static int drain_events(struct observer *observer, const struct bus *bus)
{
    struct bus_event event;
    int r = 1;

    observer->device.backend_spoke = false;
    for (int i = 0; i < EVENTS_MAX && r == 1; i++) {
        r = bus_next_event(bus, &event);
        if (r == 1) {
            take_event(observer, &event);
        }
    }
    return r < 0 ? -ENOTCONN : 0;
}

/* --- Nodes --------------------------------------------------------------- */

/*
 * A node that is not there, or no good, will be announced when it is another;
 * anything else that goes wrong is asked for again next time.  xenstored says
 * EACCES of what is not there when we may not read the folder around it.
 */
static bool is_definite(int r)
{
    return r >= 0 || r == -ENOENT || r == -EACCES || r == -EINVAL ||
           r == -E2BIG;
}

static int read_target(struct observer *observer, const struct bus *bus)
{
    struct observe_watch *watch = &observer->watches[OBSERVE_TARGET];
    uint64_t target_kib = 0;
    int r;

    if (watch->is_current) {
        return 0;
    }
    r = bus_read_kib(bus, BUS_NO_TRANSACTION, PROTOCOL_TARGET, &target_kib);
    if (r == -ENOTCONN) {
        return r;
    }
    observer->target_error = r;
    watch->is_current = watch->is_set && is_definite(r);
    observer->target_kib = target_kib;
    return 0;
}

/* What is not there, or no state, is unknown. */
static int read_state(const struct bus *bus, const char *path,
                      enum protocol_state *ret_state)
{
    char text[4];
    int r;

    r = bus_read(bus, BUS_NO_TRANSACTION, path, text, sizeof(text));
    if (!is_definite(r)) {
        return r; /* what is known may still hold */
    }
    *ret_state = r == 1 && text[0] >= '1' && text[0] <= '6'
                     ? (enum protocol_state)(text[0] - '0')
                     : PROTOCOL_UNKNOWN;
    return r;
}

/*
 * Nothing but the backend's directory for some domain's first device will do.
 * Which domain's is not ours to say: our id changes when we are moved.
 */
static bool is_backend(const char *path, size_t len)
{
    const size_t skip = strlen(PROTOCOL_BACKEND_DIR "/");
    char expected[OBSERVE_BACKEND_MAX];
    uint64_t domid;

    if (strlen(path) != len || len >= OBSERVE_BACKEND_MAX ||
        strncmp(path, PROTOCOL_BACKEND_DIR "/", skip) != 0 ||
        number_parse(path + skip, strcspn(path + skip, "/"), DOMIDS - 1,
                     &domid) < 0) {
        return false;
    }
    (void)snprintf(expected, sizeof(expected),
                   PROTOCOL_BACKEND_DIR "/%u/" PROTOCOL_DEVICE,
                   (unsigned int)domid);
    return strcmp(path, expected) == 0;
}

/* Another directory than before: nothing that was known holds any more. */
static int change_backend(struct observer *observer, const struct bus *bus,
                          const char *backend, uint64_t now_ms)
{
    struct observe_watch *watch = &observer->watches[OBSERVE_BACKEND];
    int r = 0;

    if (watch->is_set) {
        /* In another domain it may not be there any more. */
        r = bus_unwatch(bus, observer->backend, tokens[OBSERVE_BACKEND]);
    }
    *watch = (struct observe_watch){0};
    observer->device = (struct device_view){.is_there = backend[0] != '\0'};
    observer->has_page = false;
    observer->has_bell = false;
    observer->allowance_kib = 0;
    observer->announcement = (struct announcement){.number = 0};
    observer->reason[0] = '\0';
    (void)snprintf(observer->backend, sizeof(observer->backend), "%s", backend);
    return r == -ENOTCONN ? r
                          : start_watch(observer, bus, OBSERVE_BACKEND, now_ms);
}

static int read_device(struct observer *observer, const struct bus *bus,
                       uint64_t now_ms)
{
    struct observe_watch *watch = &observer->watches[OBSERVE_DEVICE];
    char path[OBSERVE_BACKEND_MAX]; /* what is longer is not the backend's */
    int r;

    if (watch->is_current) {
        return 0;
    }
    r = bus_read(bus, BUS_NO_TRANSACTION, NODE(PROTOCOL_NODE_BACKEND), path,
                 sizeof(path));
    if (r == -ENOTCONN) {
        return r;
    }
    watch->is_current = watch->is_set && is_definite(r);
    if (r < 0 && !is_definite(r)) {
        return 0; /* what is known may still hold */
    }
    if (r < 0 || !is_backend(path, (size_t)r)) {
        path[0] = '\0';
    }
    /* Made anew by the same name, it holds another state of ours. */
    observer->watches[OBSERVE_BACKEND].is_current = false;
    return strcmp(path, observer->backend) == 0
               ? 0
               : change_backend(observer, bus, path, now_ms);
}

static const char *backend_node(const struct observer *observer,
                                const char *name, char path[BUS_PATH_MAX])
{
    (void)snprintf(path, BUS_PATH_MAX, "%s/%s", observer->backend, name);
    return path;
}

static int read_feature(const struct observer *observer, const struct bus *bus,
                        const char *node, bool *ret_has)
{
    char path[BUS_PATH_MAX], text[4];
    int r;

    r = bus_read(bus, BUS_NO_TRANSACTION, backend_node(observer, node, path),
                 text, sizeof(text));
    *ret_has = r == 1 && text[0] == '1';
    return r;
}

static int read_allowance(struct observer *observer, const struct bus *bus)
{
    char path[BUS_PATH_MAX];
    uint64_t allowance_kib = 0;
    int r;

    r = bus_read_kib(bus, BUS_NO_TRANSACTION,
                     backend_node(observer, PROTOCOL_NODE_ALLOWANCE, path),
                     &allowance_kib);
    observer->allowance_kib = allowance_kib;
    return r;
}

/* What is no announcement is none. */
static int read_announcement(struct observer *observer, const struct bus *bus)
{
    char path[BUS_PATH_MAX], text[ANNOUNCEMENT_TEXT_MAX];
    struct announcement announcement = {.number = 0};
    int r;

    r = bus_read(bus, BUS_NO_TRANSACTION,
                 backend_node(observer, PROTOCOL_NODE_ANNOUNCEMENT, path), text,
                 sizeof(text));
    if (!is_definite(r)) {
        return r; /* what is known may still hold */
    }
    if (r >= 0) {
        (void)announcement_parse(text, (size_t)r, &announcement);
    }
    observer->announcement = announcement;
    return r;
}

/* It ends up on terminals: a word, or nothing. */
static int read_reason(struct observer *observer, const struct bus *bus)
{
    char path[BUS_PATH_MAX], text[OBSERVE_REASON_MAX];
    int r;

    r = bus_read(bus, BUS_NO_TRANSACTION,
                 backend_node(observer, PROTOCOL_NODE_REASON, path), text,
                 sizeof(text));
    observer->reason[0] = '\0';
    if (r > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz-") == (size_t)r) {
        (void)snprintf(observer->reason, sizeof(observer->reason), "%s", text);
    }
    return r;
}

/* Both states, and what the backend says. */
static int read_backend(struct observer *observer, const struct bus *bus)
{
    struct observe_watch *watch = &observer->watches[OBSERVE_BACKEND];
    struct device_view *device = &observer->device;
    char path[BUS_PATH_MAX];
    int results[7];

    if (watch->is_current || !device->is_there) {
        return 0;
    }
    results[0] = read_state(bus, NODE(PROTOCOL_NODE_STATE), &device->own);
    results[1] =
        read_state(bus, backend_node(observer, PROTOCOL_NODE_STATE, path),
                   &device->backend);
    results[2] = read_feature(observer, bus, PROTOCOL_NODE_FEATURE_PAGE,
                              &observer->has_page);
    results[3] = read_allowance(observer, bus);
    results[4] = read_announcement(observer, bus);
    results[5] = read_reason(observer, bus);
    results[6] =
        read_feature(observer, bus, PROTOCOL_NODE_FEATURE_EVENT_CHANNEL,
                     &observer->has_bell);

    /* Who cannot hear must take it that it has spoken. */
    device->backend_spoke |= !watch->is_set;
    watch->is_current = watch->is_set;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        if (results[i] == -ENOTCONN) {
            return -ENOTCONN;
        }
        watch->is_current = watch->is_current && is_definite(results[i]);
    }
    return 0;
}

/* Memory of the video card is a part of the maximum, not of the target. */
int observe_ceiling(struct observer *observer, const struct bus *bus)
{
    uint64_t most_kib = 0, video_kib = 0;
    int r;

    r = bus_read_kib(bus, BUS_NO_TRANSACTION, PROTOCOL_STATIC_MAX, &most_kib);
    if (r != -ENOTCONN) {
        r = bus_read_kib(bus, BUS_NO_TRANSACTION, PROTOCOL_VIDEORAM,
                         &video_kib);
    }
    observer->ceiling_kib = units_less(most_kib, video_kib);
    return r == -ENOTCONN ? r : 0;
}

/* --- All together -------------------------------------------------------- */

int observe_bus(struct observer *observer, const struct bus *bus,
                uint64_t now_ms, struct decide_input *input)
{
    int r;

    r = start_watching(observer, bus, now_ms);
    if (r < 0) {
        return r;
    }
    r = drain_events(observer, bus);
    if (r < 0) {
        return r;
    }
    r = read_target(observer, bus);
    if (r < 0) {
        return r;
    }
    r = read_device(observer, bus, now_ms);
    if (r < 0) {
        return r;
    }
    r = read_backend(observer, bus);
    if (r < 0) {
        return r;
    }
    input->target_kib = observer->target_kib;
    input->allowance_kib = observer->allowance_kib;
    return 0;
}

void observe_own_state(struct observer *observer, enum protocol_state state)
{
    observer->device.own = state;
}

void observe_device_again(struct observer *observer)
{
    observer->watches[OBSERVE_DEVICE].is_current = false;
}

int observe_guest(const struct guest *guest, struct decide_input *input)
{
    return guest_sample(guest, &input->sample);
}

uint64_t observe_next_ms(const struct observer *observer, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    for (int i = 0; i < OBSERVE_WATCHES; i++) {
        next_ms = units_min(
            next_ms, backoff_next_ms(&observer->watches[i].retry, now_ms));
    }
    return next_ms;
}
