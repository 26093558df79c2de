/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rig: dom0's end of the device on the simulated host, against a guest that
 * the test plays by hand.
 */
#ifndef BALLOON_TESTS_RIG_H
#define BALLOON_TESTS_RIG_H

#include <stdio.h>
#include <string.h>

#include "common/page.h"
#include "common/protocol.h"
#include "tests/steps.h"

#define OURS PROTOCOL_BACKEND_DIR "/1/0/"
#define THEIRS "/local/domain/1/" PROTOCOL_FRONTEND "/"

#define REPORT(heartbeat_ms)                                                   \
    "version=1 state=running balloon=idle heartbeat_ms=" heartbeat_ms          \
    " current_kib=409600 balloon_target_kib=409600 target_kib=409600"          \
    " total_kib=400000 available_kib=300000 free_kib=300000"

/* Domain 1; domain 2 is another, without a frontend either. */
struct rig {
    struct scenario scenario;
    struct bus guest;
    struct bus other;
    void *page;
    uint32_t reference;
};

static inline void rig_prepare(struct rig *rig)
{
    struct character *one;

    memset(rig, 0, sizeof(*rig));
    scenario_init(&rig->scenario, (512 + 800 + 140) * MIB);
    one = scenario_add(&rig->scenario, "guest", 400 * MIB, 800 * MIB, 0);
    one->config.frontend_ms = DOMU_NEVER;
    one = scenario_add(&rig->scenario, "other", 400 * MIB, 800 * MIB, 0);
    one->config.frontend_ms = DOMU_NEVER;
}

static inline void rig_begin(struct rig *rig)
{
    start(&rig->scenario);
    store_connect(rig->scenario.world.store, 1, "guest", &rig->guest);
    store_connect(rig->scenario.world.store, 2, "other", &rig->other);
    rig->page = ledger_share(&rig->scenario.world.ledger, 1, &rig->reference);
    page_init(rig->page);
}

static inline void rig_start(struct rig *rig)
{
    rig_prepare(rig);
    rig_begin(rig);
}

static inline void rig_done(struct rig *rig)
{
    store_disconnect(&rig->guest);
    store_disconnect(&rig->other);
    scenario_done(&rig->scenario);
}

static inline int put(const struct bus *bus, const char *path,
                      const char *value)
{
    return bus_write(bus, BUS_NO_TRANSACTION, path, value, strlen(value));
}

static inline void say(const struct rig *rig, const char *node,
                       const char *value)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", PROTOCOL_FRONTEND, node);
    assert_int_equal(put(&rig->guest, path, value), 0);
}

static inline void write_page(struct rig *rig, const char *report)
{
    assert_true(page_write(rig->page, report, strlen(report)) > 0);
}

/* The handshake's first half; the backend has not run yet. */
static inline void offer_record(struct rig *rig, const char *report)
{
    say(rig, PROTOCOL_NODE_VERSION, "1");
    say(rig, PROTOCOL_NODE_TRANSPORT, PROTOCOL_TRANSPORT_RECORD);
    say(rig, PROTOCOL_NODE_REPORT, report);
    say(rig, PROTOCOL_NODE_STATE, "3");
}

static inline void offer_page(struct rig *rig, const char *report)
{
    char reference[16];

    write_page(rig, report);
    (void)snprintf(reference, sizeof(reference), "%u", rig->reference);
    say(rig, PROTOCOL_NODE_VERSION, "1");
    say(rig, PROTOCOL_NODE_TRANSPORT, PROTOCOL_TRANSPORT_PAGE);
    say(rig, PROTOCOL_NODE_PAGE_REF, reference);
    say(rig, PROTOCOL_NODE_STATE, "3");
}

/* A tick for what was just done, and those that it asks for. */
static inline void soon(struct rig *rig)
{
    run(&rig->scenario, 2 * BALANCER_REPORT_MIN_MS);
}

static inline void expect(const struct rig *rig, const char *path,
                          const char *value)
{
    const char *found = store_peek(rig->scenario.world.store, path);

    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

static inline const struct balancer_domain *seen(struct rig *rig)
{
    const struct balancer_domain *domain =
        scenario_seen(&rig->scenario, "guest");

    assert_non_null(domain);
    return domain;
}

static inline void expect_voice(struct rig *rig, enum snapshot_voice voice)
{
    assert_int_equal(seen(rig)->seen.voice, voice);
}

static inline unsigned int writes_of(const struct rig *rig, uint64_t since_ms,
                                     const char *path)
{
    return writes_since(&rig->scenario, since_ms, path);
}

static inline void restart_backend(struct rig *rig)
{
    daemon_start(&rig->scenario.world.daemon, rig->scenario.world.now_ms);
    run(&rig->scenario, 1);
}

static inline void ring(struct rig *rig)
{
    say(rig, PROTOCOL_NODE_DOORBELL, "2");
}

#endif
