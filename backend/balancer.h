/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balancer: observe, decide, act.  balancer_tick() is the function to
 * read first.
 *
 * Time comes in as data and the next wake-up goes out as data; the caller
 * sleeps until then or until the bus has an event.
 */
#ifndef BALLOON_BACKEND_BALANCER_H
#define BALLOON_BACKEND_BALANCER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/bell.h"
#include "backend/decide.h"
#include "backend/device.h"
#include "backend/hypervisor.h"
#include "backend/retry.h"
#include "backend/settings.h"
#include "backend/snapshot.h"
#include "common/bus.h"

/* More domains than this are not looked at; Xen itself stops at 32752. */
#define BALANCER_DOMAINS_MAX 16384

/* A guest's report is read at most this often, however often it writes. */
#define BALANCER_REPORT_MIN_MS 100

/* Heartbeats that may be missed before a frontend counts as silent. */
#define BALANCER_HEARTBEATS 3

/*
 * The parts of a domain that can be stale.  Those up to BALANCER_VM are watched
 * each by itself, the rest by the watch on the device.
 */
enum balancer_part {
    BALANCER_NAME = 1 << 0,
    BALANCER_MEMORY = 1 << 1, /* target, static-max, videoram */
    BALANCER_DEVICE = 1 << 2, /* the frontend's end of the handshake */
    BALANCER_VM = 1 << 3,     /* /vm/<uuid>/memory: xl mem-set has run */
    BALANCER_REPORT = 1 << 4,
    BALANCER_ANSWER = 1 << 5,
};

/* What a step does to its domain. */
enum balancer_move {
    BALANCER_RESTS,
    BALANCER_LOWERS, /* the target, and perhaps the limit */
    BALANCER_RAISES,
    BALANCER_LOWERS_LIMIT,
    BALANCER_RAISES_LIMIT,
};

/* One domain, as long as it lives. */
struct balancer_domain {
    uint32_t domid;
    char uuid[HYPERVISOR_UUID_TEXT];
    char name[SETTINGS_NAME_MAX]; /* "" while it has none */
    unsigned int stale; /* parts to be read again, of enum balancer_part */
    /*
     * Parts whose watch has not yet fired for its registration: that event
     * says nothing of a change.
     */
    unsigned int unfired;
    bool is_watched;

    bool has_target; /* target and static-max have been read */
    uint64_t target_kib;
    uint64_t static_max_kib;
    uint64_t videoram_kib;
    bool is_operators;
    uint64_t our_limit_kib; /* the last one that we set, 0 if none */

    /* The record in PROTOCOL_RECORD_DIR */
    bool has_record;
    bool is_record_due; /* must be written: the operator took over */
    struct retry record_retry;
    struct settings_domain given; /* by "xenballoon set" */

    struct device device;
    struct bell bell;
    enum snapshot_voice voice;
    struct report report;    /* the last good one */
    uint64_t report_read_ms; /* 0: none was read yet */

    struct decide_memory memory;

    /* The last change that was carried out, 0 ms if there was none. */
    struct reason last_reason;
    uint64_t last_change_ms;
    uint64_t changes;
    int step_error;             /* why the last step failed, 0: it did not */
    enum balancer_move refused; /* what that step did */
    struct retry step_retry;
    struct retry allowance_retry; /* of what the guest is to be told */
    struct retry announce_retry;

    struct snapshot_domain seen; /* as of the last tick */
    struct decide_step step;     /* of the last tick */
};

struct balancer;

/*
 * Who looks on, without a say: called when all is seen and nothing decided,
 * with what is remembered in memories, and when the plan is made and nothing
 * done.  Zeroed: nobody does.
 */
struct balancer_witness {
    void (*before)(void *arg, const struct balancer *balancer);
    void (*after)(void *arg, const struct balancer *balancer);
    void *arg;
};

struct balancer {
    const struct bus *bus;
    const struct hypervisor *hypervisor;
    const struct settings *settings; /* may be replaced between ticks */
    struct balancer_witness witness; /* may be set after balancer_init() */

    struct balancer_domain *domains; /* ascending by domid */
    unsigned int count;
    unsigned int room;

    struct snapshot snapshot; /* of the last tick; arrays owned here */
    struct plan plan;
    struct decide_host host;          /* what the decision remembers of it */
    uint64_t stored_learned_kib;      /* of that, what the store knows */
    struct retry learned_retry;       /* until it does */
    struct decide_memory *memories;   /* scratch of the tick */
    struct hypervisor_domain *listed; /* scratch of observe */
    struct pages *pages;              /* scratch of pages.c */
    bool can_copy_pages;              /* reports in pages can be read here */
    bool can_bind_bells;              /* event channels, too */
    bool has_lost_bells;              /* and will not hear any again */

    bool is_started;   /* host watches are set */
    bool is_sweep_due; /* domains that are gone have left something */
    struct retry sweep_retry;
    uint64_t started_ms; /* when the first tick began */
    uint64_t ticks;
    /* Of targets, limits, records and ends of devices, since the start */
    uint64_t writes;
    uint64_t last_write_ms;

    /* Xen said by itself that memory runs low; main.c's to set. */
    bool is_low_bound; /* it would tell us */
    uint64_t lows;
    uint64_t last_low_ms; /* 0: never */
};

/* The pointers must outlive the balancer.  0 or -ENOMEM. */
int balancer_init(struct balancer *balancer, const struct bus *bus,
                  const struct hypervisor *hypervisor,
                  const struct settings *settings);
void balancer_done(struct balancer *balancer);

/*
 * Observes, decides and acts once.  Returns 0 and the time of the next tick
 * in *ret_next_ms (an event of the bus may come before), or a negative errno
 * when the host cannot be observed; -ENOTCONN means that the bus is gone for
 * good.
 */
int balancer_tick(struct balancer *balancer, uint64_t now_ms,
                  uint64_t *ret_next_ms);

/* NULL when there is none.  By name or by domid in decimal. */
struct balancer_domain *balancer_find(struct balancer *balancer,
                                      const char *name_or_domid);

/*
 * Changes what the fields in entry->has say of a living domain, for its
 * life, and remembers it in the store.  0 or a negative errno; -EINVAL when
 * the result would have its floor above its ceiling.
 */
int balancer_set(struct balancer *balancer, struct balancer_domain *domain,
                 const struct settings_domain *entry);

/* Takes the domain back from the operator.  0 or a negative errno. */
int balancer_release(struct balancer *balancer, struct balancer_domain *domain);

#endif
