/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of the simulated host; see domu.h.  The one file that sees the
 * frontend, as the other end is seen by daemon.c alone.
 */
#include "tests/world/domu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/protocol.h"
#include "common/units.h"
#include "frontend/act.h"
#include "frontend/frontend.h"
#include "tests/world/memory.h"

/* From unpausing to the kernel's balloon driver. */
#define BOOT_MS 500

/* Before it tries a new connection. */
#define RECONNECT_MS 1000

#define OWN(name) PROTOCOL_FRONTEND "/" name

/* Between two writes of what writes garbage. */
#define GARBAGE_MS 230

static bool is_booted(const struct domu *domu)
{
    return domu->kernel_bus.ops != NULL;
}

static bool is_started(const struct domu *domu)
{
    return domu->frontend_bus.ops != NULL;
}

static uint64_t boot_ms(const struct domu *domu)
{
    return domu->unpaused_ms + BOOT_MS;
}

static uint64_t start_ms(const struct domu *domu)
{
    return domu->config.frontend_ms == DOMU_NEVER
               ? UINT64_MAX
               : domu->unpaused_ms + BOOT_MS + domu->config.frontend_ms;
}

bool domu_is_hung(const struct domu *domu, uint64_t now_ms)
{
    return domu->config.hangs_ms != 0 &&
           now_ms >= domu->unpaused_ms + domu->config.hangs_ms;
}

uint64_t domu_reflex_kib(const struct domu *domu)
{
    return domu->frontend != NULL ? domu->frontend->decider.reflex.taken_kib
                                  : 0;
}

/* One that has crashed will not live, so it does not end either. */
static uint64_t end_ms(const struct domu *domu)
{
    return domu->config.life_ms == 0 ? UINT64_MAX
                                     : domu->unpaused_ms + domu->config.life_ms;
}

bool domu_has_ended(const struct domu *domu, uint64_t now_ms)
{
    return now_ms >= end_ms(domu);
}

void domu_start_frontend(struct domu *domu, struct store *store,
                         uint64_t now_ms)
{
    domu_stop_frontend(domu);
    store_connect(store, domu->domid, domu->name, &domu->frontend_bus);
    domu->guest = model_guest(&domu->model);
    if (domu->frontend == NULL) {
        domu->frontend = memory_zeroed(sizeof(*domu->frontend));
    }
    frontend_init(domu->frontend, &domu->frontend_bus, &domu->guest,
                  domu->config.heartbeat_ms);
    domu->frontend->has_alarm = !domu->config.nature->has_no_pressure;
    domu->frontend->bell.is_wanted = domu->config.has_bell;
    domu->alarm = (struct alarm){0};
    if (domu->config.nature->has_no_reflex) {
        domu->frontend->offered &= ~(unsigned int)ACT_REFLEX;
    }
    domu->frontend_next_ms = now_ms;
    domu->config.frontend_ms = 0;
    domu->due_ms = 0;
}

void domu_stop_frontend(struct domu *domu)
{
    if (is_started(domu) && !domu->config.writes_garbage) {
        (void)frontend_stop(domu->frontend);
    }
    domu_kill_frontend(domu);
}

void domu_kill_frontend(struct domu *domu)
{
    store_disconnect(&domu->frontend_bus);
    model_frontend_ended(&domu->model);
    domu->config.frontend_ms = DOMU_NEVER;
    domu->due_ms = 0;
}

void domu_halt(struct domu *domu)
{
    store_disconnect(&domu->kernel_bus);
    store_disconnect(&domu->frontend_bus);
    model_frontend_ended(&domu->model);
    free(domu->frontend);
    domu->frontend = NULL;
    domu->waited_us = 0;
    domu->fired_ms = 0;
    domu->due_ms = 0;
}

void domu_move(struct domu *domu, uint32_t domid, uint64_t now_ms)
{
    domu->domid = domid;
    domu->due_ms = 0;
    if (is_booted(domu)) {
        model_move(&domu->model, domid, now_ms);
        store_move(&domu->kernel_bus, domid);
    }
    if (is_started(domu)) {
        store_move(&domu->frontend_bus, domid);
        domu->frontend_next_ms = now_ms;
    }
}

/* ---- What writes in the frontend's place ------------------------------- */

static size_t garbage(struct domu *domu, char *text, size_t size)
{
    static const char *const shapes[] = {
        "",
        "version=1 state=running",
        "version=1 state=running heartbeat_ms=10000 total_kib=0 "
        "available_kib=0",
        "version=1 state=running balloon=idle heartbeat_ms=0 "
        "current_kib=18446744073709551615 total_kib=1099511627776 "
        "available_kib=1099511627776",
        "version=1 state=running balloon=idle heartbeat_ms=60000 "
        "current_kib=1099511627776 balloon_target_kib=0 "
        "target_kib=1099511627776 total_kib=1099511627776 available_kib=0 "
        "free_kib=0 committed_kib=1099511627776",
        "version=1 state=running balloon=stuck heartbeat_ms=1000 "
        "current_kib=0 balloon_target_kib=1099511627776 total_kib=4 "
        "available_kib=4",
        "version=1 state=stopped",
        "1",
        "2",
        "3",
        "4",
        "6",
        "page",
        "record",
        "4294967295",
        "version=2 state=running",
        "\n\n%s%n\033[2J",
    };
    size_t count = sizeof(shapes) / sizeof(shapes[0]);
    uint64_t which = dice_between(&domu->dice, 0, count);
    size_t len = 0;

    if (which < count) {
        len = strlen(shapes[which]);
        memcpy(text, shapes[which], len);
        return len;
    }
    len = (size_t)dice_between(&domu->dice, 0, size);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)dice_between(&domu->dice, 0, 255);
    }
    return len;
}

static void write_garbage(struct domu *domu, uint64_t now_ms)
{
    static const char *const nodes[] = {
        OWN(PROTOCOL_NODE_REPORT),
        OWN(PROTOCOL_NODE_REPORT),
        OWN(PROTOCOL_NODE_REPORT),
        OWN(PROTOCOL_NODE_STATE),
        OWN(PROTOCOL_NODE_TRANSPORT),
        OWN(PROTOCOL_NODE_PAGE_REF),
        OWN(PROTOCOL_NODE_EVENT_CHANNEL),
        OWN(PROTOCOL_NODE_DOORBELL),
        OWN(PROTOCOL_NODE_ANSWER),
        OWN(PROTOCOL_NODE_BACKEND),
        OWN(PROTOCOL_NODE_REPORT) "/below",
        PROTOCOL_FRONTEND,
        PROTOCOL_TARGET,
        "name",
        PROTOCOL_BACKEND_DIR "/1/0/" PROTOCOL_NODE_ALLOWANCE,
        PROTOCOL_RECORD_DIR "/1/operator",
    };
    char text[2000];
    size_t len = garbage(domu, text, sizeof(text));
    const char *node = nodes[dice_between(
        &domu->dice, 0, sizeof(nodes) / sizeof(nodes[0]) - 1)];

    /* What it is not permitted, it is refused. */
    if (dice_chance(&domu->dice, 10)) {
        (void)bus_remove(&domu->frontend_bus, BUS_NO_TRANSACTION, node);
    } else {
        (void)bus_write(&domu->frontend_bus, BUS_NO_TRANSACTION, node, text,
                        len);
    }
    domu->frontend_next_ms = now_ms + GARBAGE_MS;
}

/* ---- Time -------------------------------------------------------------- */

/*
 * Who rings: the tracepoint of direct reclaim at once, the kernel's pressure
 * trigger at most once in its window.
 */
static enum alarm_kind alarm_of(const struct domu *domu, uint64_t now_ms)
{
    uint64_t waited_us = domu->model.waited_us - domu->waited_us;

    if (domu->frontend == NULL || !domu->frontend->has_alarm ||
        !alarm_is_ready(&domu->alarm, now_ms)) {
        return ALARM_NONE;
    }
    if (domu->model.nature->has_tracepoints && waited_us > 0) {
        return ALARM_RECLAIM;
    }
    return waited_us >= SAMPLE_HINT_US &&
                   now_ms >= domu->fired_ms + SAMPLE_STALL_WINDOW_US / 1000
               ? ALARM_PRESSURE
               : ALARM_NONE;
}

static void run_frontend(struct domu *domu, struct store *store,
                         uint64_t now_ms)
{
    enum alarm_kind alarm = alarm_of(domu, now_ms);

    if (alarm != ALARM_NONE) {
        domu->frontend->woken_by = alarm;
        domu->fired_ms = now_ms;
    }
    domu->frontend_last_ms = now_ms;
    domu->frontend_ticks++;
    domu->waited_us = domu->model.waited_us;
    if (domu->config.writes_garbage) {
        write_garbage(domu, now_ms);
    } else if (frontend_tick(domu->frontend, now_ms, &domu->frontend_next_ms) <
               0) {
        /* As its main.c does: another connection behind the same bus. */
        store_disconnect(&domu->frontend_bus);
        store_connect(store, domu->domid, domu->name, &domu->frontend_bus);
        frontend_rejoin(domu->frontend);
        domu->frontend_next_ms = now_ms + RECONNECT_MS;
    }
    if (alarm != ALARM_NONE) {
        alarm_rang(&domu->alarm, domu->frontend->woken_in_vain, now_ms);
    }
}

static bool is_frontend_due(const struct domu *domu, uint64_t now_ms)
{
    return is_started(domu) && !domu_is_hung(domu, now_ms) &&
           (now_ms >= domu->frontend_next_ms ||
            alarm_of(domu, now_ms) != ALARM_NONE ||
            (store_waiting(&domu->frontend_bus) > 0 &&
             now_ms > domu->frontend_last_ms));
}

/* When it does the next thing by itself. */
static uint64_t due_ms(const struct domu *domu, uint64_t now_ms)
{
    uint64_t next_ms;

    if (!is_booted(domu)) {
        return boot_ms(domu);
    }
    next_ms = model_next_ms(&domu->model);
    if (!is_started(domu)) {
        return units_min(next_ms, start_ms(domu));
    }
    return domu_is_hung(domu, now_ms)
               ? next_ms
               : units_min(next_ms, domu->frontend_next_ms);
}

void domu_run(struct domu *domu, struct store *store, struct ledger *ledger,
              uint64_t now_ms)
{
    if (!is_booted(domu) && now_ms >= boot_ms(domu)) {
        store_connect(store, domu->domid, domu->name, &domu->kernel_bus);
        model_boot(&domu->model, domu->config.nature, ledger, &domu->kernel_bus,
                   domu->domid, now_ms);
    }
    if (is_booted(domu)) {
        model_run(&domu->model, now_ms);
        if (!is_started(domu) && now_ms >= start_ms(domu)) {
            domu_start_frontend(domu, store, now_ms);
        }
        if (is_frontend_due(domu, now_ms)) {
            run_frontend(domu, store, now_ms);
        }
    }
    domu->due_ms = due_ms(domu, now_ms);
}

uint64_t domu_next_ms(const struct domu *domu, uint64_t now_ms)
{
    uint64_t next_ms = units_min(domu->due_ms, end_ms(domu));

    if (is_booted(domu) && store_waiting(&domu->kernel_bus) > 0) {
        next_ms = units_min(next_ms, domu->model.now_ms + 1);
    }
    if (is_started(domu) && store_waiting(&domu->frontend_bus) > 0 &&
        !domu_is_hung(domu, now_ms)) {
        next_ms = units_min(next_ms, domu->frontend_last_ms + 1);
    }
    return next_ms;
}

bool domu_is_content(const struct domu *domu)
{
    return is_booted(domu) &&
           model_has_kib(&domu->model) >= model_wants_kib(&domu->model);
}
