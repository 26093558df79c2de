/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/balancer.h"
#include "backend/end.h"
#include "backend/making.h"
#include "backend/saying.h"
#include "backend/sweep.h"
#include "backend/voice.h"
#include "common/log.h"
#include "common/units.h"

/* ---- Making ------------------------------------------------------------- */

static int make(struct balancer *balancer, struct balancer_domain *domain)
{
    struct device *device = &domain->device;
    struct making making = {.domid = domain->domid,
                            .has_page = balancer->can_copy_pages,
                            .has_bell = balancer->can_bind_bells &&
                                        !domain->bell.is_refused};
    int r;

    r = making_run(balancer->bus, &making);
    if (r < 0) {
        return r;
    }
    balancer->writes++;
    device->state = PROTOCOL_INIT_WAIT;
    device->allowance_kib = making.allowance_kib;
    memset(&device->announcement, 0, sizeof(device->announcement));
    device->sequence = 0;
    memset(&device->offer, 0, sizeof(device->offer));
    domain->voice = making.found == PROTOCOL_INITIALISED ||
                            making.found == PROTOCOL_CONNECTED
                        ? SNAPSHOT_VOICE_SILENT
                        : SNAPSHOT_VOICE_NONE;
    return 0;
}

/* ---- The handshake ------------------------------------------------------ */

struct meeting {
    uint32_t domid;
    enum protocol_state before; /* our own state, and */
    enum protocol_state after;  /* what it becomes */
    enum protocol_state peer;
    struct offer offer;
    const char *what; /* is not understood of it; NULL: nothing */
    char report[BUS_VALUE_MAX + 1];
    int report_len; /* -ENOENT: there is none */
};

/*
 * Whether the frontend wants to be connected.  One that says it is, while we
 * are not, has yet to see that we have begun anew.
 */
static bool wants_connection(const struct meeting *meeting)
{
    return meeting->peer == PROTOCOL_INITIALISED ||
           (meeting->peer == PROTOCOL_CONNECTED &&
            meeting->before == PROTOCOL_CONNECTED);
}

/*
 * A frontend at Initialised waits for our word, and knows it by our state being
 * written, if only with what it was.
 */
static bool is_answer_due(const struct meeting *meeting)
{
    return meeting->after != meeting->before ||
           meeting->peer == PROTOCOL_INITIALISED;
}

static int read_record(const struct bus *bus, bus_transaction t, uint32_t domid,
                       char value[BUS_VALUE_MAX + 1])
{
    char path[BUS_PATH_MAX];

    offer_path(path, domid, PROTOCOL_NODE_REPORT);
    return bus_read(bus, t, path, value, BUS_VALUE_MAX + 1);
}

/* A report that cannot be had is not the bus's failure. */
static bool is_report(int len)
{
    return len >= 0 || len == -ENOENT || len == -E2BIG;
}

static int meet(const struct bus *bus, bus_transaction t, void *arg)
{
    struct meeting *meeting = arg;
    int r;

    meeting->after = PROTOCOL_INIT_WAIT;
    meeting->what = NULL;
    meeting->report_len = -ENOENT;
    memset(&meeting->offer, 0, sizeof(meeting->offer));
    r = end_check_alive(bus, t, meeting->domid);
    if (r == 0) {
        r = offer_read_state(bus, t, meeting->domid, &meeting->peer);
    }
    if (r == 0 && wants_connection(meeting)) {
        r = offer_read(bus, t, meeting->domid, &meeting->offer, &meeting->what);
    }
    if (r < 0) {
        return r;
    }
    if (meeting->offer.transport == OFFER_RECORD) {
        meeting->report_len =
            read_record(bus, t, meeting->domid, meeting->report);
        if (!is_report(meeting->report_len)) {
            return meeting->report_len;
        }
    }
    if (meeting->offer.transport != OFFER_NONE) {
        meeting->after = PROTOCOL_CONNECTED;
    }
    return is_answer_due(meeting)
               ? end_write_state(bus, t, meeting->domid, meeting->after)
               : 0;
}

static void hear_record(struct balancer_domain *domain, const char *text,
                        int len, uint64_t now_ms)
{
    if (len == -ENOENT) {
        domain->voice = SNAPSHOT_VOICE_NONE;
    } else if (len < 0) {
        voice_garbled(domain, now_ms);
    } else {
        voice_hear(domain, text, (size_t)len, domain->device.is_fresh, now_ms);
    }
}

static void connect(struct balancer_domain *domain,
                    const struct meeting *meeting, uint64_t now_ms)
{
    struct device *device = &domain->device;
    char detail[SAYING_DETAIL_MAX];

    /* What it has answered so far was to somebody else. */
    memset(&device->answer, 0, sizeof(device->answer));
    domain->stale &= ~(unsigned int)BALANCER_ANSWER;
    device->offer = meeting->offer;
    device->sequence = 0; /* it may be another page under the same name */
    domain->bell.is_outdated = true; /* and another port */
    if (meeting->offer.transport == OFFER_RECORD) {
        hear_record(domain, meeting->report, meeting->report_len, now_ms);
        domain->stale &= ~(unsigned int)BALANCER_REPORT;
    } else {
        device->copied_ms = 0; /* pages.c will, in this tick */
    }
    (void)snprintf(detail, sizeof(detail), "transport=%s",
                   offer_transport_word(meeting->offer.transport));
    saying_say(domain, SAYING_CONNECTED, "frontend connected", detail, now_ms);
}

static void disconnect(struct balancer_domain *domain,
                       const struct meeting *meeting, uint64_t now_ms)
{
    struct device *device = &domain->device;
    bool was_connected = meeting->before == PROTOCOL_CONNECTED;
    char detail[SAYING_DETAIL_MAX];

    memset(&device->offer, 0, sizeof(device->offer));
    memset(&device->answer, 0, sizeof(device->answer));
    if (meeting->what != NULL || meeting->peer == PROTOCOL_UNKNOWN) {
        voice_garbled(domain, now_ms);
        (void)snprintf(detail, sizeof(detail), "because=\"%s\"",
                       meeting->what != NULL ? meeting->what
                                             : "its state is none");
        saying_say(domain, SAYING_UNKNOWN, "frontend is not understood", detail,
                   now_ms);
    } else if (meeting->peer == PROTOCOL_CLOSING ||
               meeting->peer == PROTOCOL_CLOSED) {
        domain->voice = SNAPSHOT_VOICE_STOPPED;
    } else if (was_connected) {
        domain->voice = SNAPSHOT_VOICE_SILENT;
    }
    if (was_connected && meeting->what == NULL) {
        saying_say(domain, SAYING_LEFT, "frontend left", "", now_ms);
    }
}

static bool is_same_offer(const struct offer *a, const struct offer *b)
{
    return a->transport == b->transport && a->reference == b->reference &&
           a->has_bell == b->has_bell && a->port == b->port &&
           a->has_reflex == b->has_reflex && a->has_intent == b->has_intent;
}

static int refresh_device(struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t now_ms)
{
    struct device *device = &domain->device;
    struct meeting meeting = {.domid = domain->domid, .before = device->state};
    int r;

    r = bus_transact(balancer->bus, meet, &meeting);
    if (r == -ENOENT) {
        /* Its state, and the directory with it perhaps: all begins anew. */
        device->state = PROTOCOL_UNKNOWN;
        device->peer = PROTOCOL_UNKNOWN;
        memset(&device->offer, 0, sizeof(device->offer));
        domain->voice = SNAPSHOT_VOICE_NONE;
        return 0;
    }
    if (r < 0) {
        return r;
    }
    balancer->writes += is_answer_due(&meeting) ? 1 : 0;
    device->state = meeting.after;
    device->peer = meeting.peer;
    if (!is_answer_due(&meeting) && meeting.after == PROTOCOL_CONNECTED &&
        is_same_offer(&meeting.offer, &device->offer)) {
        return 0; /* it has seen our answer */
    }
    if (meeting.after == PROTOCOL_CONNECTED) {
        connect(domain, &meeting, now_ms);
    } else {
        disconnect(domain, &meeting, now_ms);
    }
    return 0;
}

/* ---- Looking ------------------------------------------------------------ */

/* What of a guest is read from the store; reports in pages are not. */
static unsigned int stored_parts(const struct device *device)
{
    unsigned int parts = BALANCER_DEVICE | BALANCER_ANSWER;

    return device->offer.transport == OFFER_PAGE ? parts
                                                 : parts | BALANCER_REPORT;
}

bool device_is_live(const struct device *device)
{
    return device->state == PROTOCOL_CONNECTED;
}

unsigned int device_note(struct device *device, const char *child)
{
    static const struct {
        const char *node;
        unsigned int parts;
        bool is_proof; /* the frontend alone writes it, and now */
    } nodes[] = {
        {"", BALANCER_DEVICE | BALANCER_REPORT, false},
        {PROTOCOL_NODE_STATE, BALANCER_DEVICE, true},
        {PROTOCOL_NODE_VERSION, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_TRANSPORT, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_PAGE_REF, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_EVENT_CHANNEL, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_FEATURE_REFLEX, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_FEATURE_INTENT, BALANCER_DEVICE, false},
        {PROTOCOL_NODE_REPORT, BALANCER_REPORT, true},
        {PROTOCOL_NODE_DOORBELL, BALANCER_REPORT, true},
        {PROTOCOL_NODE_ANSWER, BALANCER_ANSWER, false},
    };
    unsigned int i;

    for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        if (strcmp(nodes[i].node, child) == 0) {
            device->is_fresh = device->is_fresh || nodes[i].is_proof;
            return nodes[i].parts;
        }
    }
    return 0;
}

static int refresh_report(const struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t now_ms)
{
    char value[BUS_VALUE_MAX + 1];
    int len;

    len = read_record(balancer->bus, BUS_NO_TRANSACTION, domain->domid, value);
    if (!is_report(len)) {
        return len;
    }
    hear_record(domain, value, len, now_ms);
    return 0;
}

/* What could not be read stays stale. */
static int look(struct balancer *balancer, struct balancer_domain *domain,
                uint64_t now_ms)
{
    struct device *device = &domain->device;
    int r = 0;

    device->look_ms = now_ms > 0 ? now_ms : 1;
    if (domain->stale & BALANCER_DEVICE) {
        r = refresh_device(balancer, domain, now_ms);
        if (r < 0) {
            return r;
        }
        domain->stale &= ~(unsigned int)BALANCER_DEVICE;
    }
    if (!device_is_live(device)) {
        domain->stale &= ~(unsigned int)(BALANCER_REPORT | BALANCER_ANSWER);
        return 0;
    }
    if ((domain->stale & BALANCER_ANSWER) != 0) {
        r = offer_read_answer(balancer->bus, domain->domid, &device->answer);
        if (r < 0) {
            return r;
        }
        domain->stale &= ~(unsigned int)BALANCER_ANSWER;
    }
    if ((domain->stale & BALANCER_REPORT) != 0 &&
        device->offer.transport == OFFER_RECORD) {
        r = refresh_report(balancer, domain, now_ms);
        if (r < 0) {
            return r;
        }
        domain->stale &= ~(unsigned int)BALANCER_REPORT;
    }
    return 0;
}

int device_refresh(struct balancer *balancer, struct balancer_domain *domain,
                   uint64_t now_ms, uint64_t *next_ms)
{
    struct device *device = &domain->device;
    uint64_t due_ms;
    int r;

    if (domain->domid == 0 || !domain->has_target) {
        return 0;
    }
    if (device->state == PROTOCOL_UNKNOWN) {
        due_ms = device->made_ms + DEVICE_MAKE_MS;
        if (device->made_ms != 0 && now_ms < due_ms) {
            *next_ms = units_min(*next_ms, due_ms);
            return 0;
        }
        device->made_ms = now_ms > 0 ? now_ms : 1;
        r = make(balancer, domain);
        if (r < 0) {
            *next_ms = units_min(*next_ms, now_ms + DEVICE_MAKE_MS);
            return r == -ESRCH ? 0 : r;
        }
        domain->stale |= BALANCER_DEVICE | BALANCER_REPORT;
    }
    if ((domain->stale & stored_parts(device)) == 0) {
        return 0;
    }
    due_ms = device->look_ms + BALANCER_REPORT_MIN_MS;
    if (device->look_ms != 0 && now_ms < due_ms) {
        *next_ms = units_min(*next_ms, due_ms);
        return 0;
    }
    r = look(balancer, domain, now_ms);
    if (device->state == PROTOCOL_UNKNOWN) {
        *next_ms = units_min(
            *next_ms, units_max(now_ms + 1, device->made_ms + DEVICE_MAKE_MS));
    }
    return r == -ESRCH ? 0 : r;
}

/* ---- Telling ------------------------------------------------------------ */

struct telling {
    uint32_t domid;
    uint64_t allowance_kib;
};

static int tell_allowance(const struct bus *bus, bus_transaction t, void *arg)
{
    const struct telling *telling = arg;
    char path[BUS_PATH_MAX];
    int r = end_check_alive(bus, t, telling->domid);

    end_path(path, telling->domid, PROTOCOL_NODE_ALLOWANCE);
    return r < 0 ? r : bus_write_kib(bus, t, path, telling->allowance_kib);
}

int device_tell_allowance(struct balancer *balancer,
                          struct balancer_domain *domain,
                          uint64_t allowance_kib)
{
    struct telling telling = {domain->domid, allowance_kib};
    int r;

    if (domain->device.state == PROTOCOL_UNKNOWN) {
        return 0;
    }
    r = bus_transact(balancer->bus, tell_allowance, &telling);
    if (r == 0) {
        balancer->writes++;
        domain->device.allowance_kib = allowance_kib;
    }
    return r;
}

struct announcing {
    uint32_t domid;
    const struct announcement *announcement;
};

static int announce(const struct bus *bus, bus_transaction t, void *arg)
{
    const struct announcing *announcing = arg;
    char path[BUS_PATH_MAX];
    char text[ANNOUNCEMENT_TEXT_MAX];
    int r = end_check_alive(bus, t, announcing->domid);

    if (r < 0) {
        return r;
    }
    if (announcing->announcement->number == 0) {
        end_path(path, announcing->domid, PROTOCOL_NODE_ANNOUNCEMENT);
        return bus_remove(bus, t, path);
    }
    (void)announcement_format(announcing->announcement, text);
    return end_write(bus, t, announcing->domid, PROTOCOL_NODE_ANNOUNCEMENT,
                     text);
}

int device_announce(struct balancer *balancer, struct balancer_domain *domain,
                    const struct announcement *announcement)
{
    struct announcing announcing = {domain->domid, announcement};
    const struct announcement *told = &domain->device.announcement;
    int r;

    if (domain->device.state == PROTOCOL_UNKNOWN ||
        (announcement->number == told->number &&
         announcement->target_kib == told->target_kib &&
         announcement->wait_ms == told->wait_ms)) {
        return 0;
    }
    r = bus_transact(balancer->bus, announce, &announcing);
    if (r == 0) {
        balancer->writes++;
        domain->device.announcement = *announcement;
    }
    return r;
}

int device_tell_reason(const struct bus *bus, bus_transaction t,
                       const struct balancer_domain *domain, const char *why)
{
    return domain->device.state == PROTOCOL_UNKNOWN
               ? 0
               : end_write(bus, t, domain->domid, PROTOCOL_NODE_REASON, why);
}

/* ---- Removing ----------------------------------------------------------- */

int device_remove(struct balancer *balancer,
                  const struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];

    if (domain->device.made_ms == 0) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/%u", PROTOCOL_BACKEND_DIR,
                   domain->domid);
    balancer->writes++;
    return bus_remove(balancer->bus, BUS_NO_TRANSACTION, path);
}

int device_sweep(struct balancer *balancer)
{
    return sweep(balancer, PROTOCOL_BACKEND_DIR);
}
