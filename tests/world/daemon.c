/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend of the simulated host; see daemon.h.
 */
#include "tests/world/daemon.h"

#include <string.h>

#include "backend/bell.h"
#include "common/units.h"

/* The process is gone: its connection with it, its memory, its knowledge. */
static void end(struct daemon *daemon)
{
    balancer_done(&daemon->balancer);
    recorder_done(&daemon->recorder);
    store_disconnect(&daemon->fault.bus);
    ledger_unbind_all(daemon->ledger);
    memset(&daemon->fault, 0, sizeof(daemon->fault));
    daemon->is_running = false;
}

void daemon_start(struct daemon *daemon, uint64_t now_ms)
{
    daemon_kill(daemon);
    store_connect(daemon->store, 0, DAEMON_NAME, &daemon->fault.bus);
    daemon->fault.hypervisor = ledger_hypervisor(daemon->ledger);
    fault_wrap(&daemon->fault, &daemon->bus, &daemon->hypervisor);
    (void)balancer_init(&daemon->balancer, &daemon->bus, &daemon->hypervisor,
                        daemon->settings);
    recorder_init(&daemon->recorder);
    daemon->balancer.witness = recorder_witness(&daemon->recorder);
    daemon->is_running = true;
    daemon->is_halted = false;
    daemon->has_ticked = false;
    daemon->next_ms = now_ms;
    daemon->starts++;
    daemon->started_ms = now_ms;
}

void daemon_kill(struct daemon *daemon)
{
    if (daemon->is_running) {
        end(daemon);
        daemon->error = 0;
    }
    daemon->is_halted = true;
}

/* As its main.c does. */
static void hear_bells(struct daemon *daemon)
{
    uint32_t bell;

    while ((bell = ledger_next_bell(daemon->ledger)) != 0) {
        ledger_take_bell(daemon->ledger, bell);
        bell_rang(&daemon->balancer, bell);
    }
}

void daemon_run(struct daemon *daemon, uint64_t now_ms)
{
    int r;

    if (now_ms < daemon_next_ms(daemon, now_ms)) {
        return;
    }
    if (!daemon->is_running) {
        daemon_start(daemon, now_ms);
    }
    daemon->ticks++;
    daemon->has_ticked = true;
    daemon->last_ms = now_ms;
    hear_bells(daemon);
    r = balancer_tick(&daemon->balancer, now_ms, &daemon->next_ms);
    if (r < 0 || daemon->fault.is_dead) {
        daemon->error = daemon->fault.is_dead ? 0 : r;
        end(daemon);
        daemon->next_ms = now_ms + DAEMON_RESTART_MS;
    }
}

uint64_t daemon_next_ms(const struct daemon *daemon, uint64_t now_ms)
{
    uint64_t next_ms = daemon->next_ms;

    if (!daemon->is_running) {
        return daemon->is_halted ? UINT64_MAX : next_ms;
    }
    if (!daemon->has_ticked) {
        return next_ms;
    }
    if (store_waiting(&daemon->fault.bus) > 0 ||
        ledger_next_bell(daemon->ledger) != 0) {
        next_ms = now_ms;
    }
    next_ms = units_max(next_ms, daemon->last_ms + DAEMON_TICK_MIN_MS);
    return units_min(next_ms, daemon->last_ms + DAEMON_TICK_MAX_MS);
}
