/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend of the simulated host: the real balancer, behind seams that can
 * fail, started and killed as a daemon is.
 */
#ifndef BALLOON_TESTS_WORLD_DAEMON_H
#define BALLOON_TESTS_WORLD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/balancer.h"
#include "backend/recorder.h"
#include "tests/world/fault.h"
#include "tests/world/ledger.h"
#include "tests/world/store.h"

/* Its writes are in the log under this name. */
#define DAEMON_NAME "backend"

/* As main.c has them: ticks are at least and at most so far apart. */
#define DAEMON_TICK_MIN_MS 20
#define DAEMON_TICK_MAX_MS 10000

/* After it has ended, a service manager starts it again. */
#define DAEMON_RESTART_MS 1000

struct daemon {
    struct store *store;
    struct ledger *ledger;
    const struct settings *settings;

    bool is_running;
    bool is_halted;     /* not to be started again by itself */
    struct fault fault; /* applies to the daemon that runs now */
    struct bus bus;     /* through fault */
    struct hypervisor hypervisor;
    struct balancer balancer;
    struct recorder recorder; /* at work when settings name a file */
    bool has_ticked;
    uint64_t next_ms;
    uint64_t last_ms;

    uint64_t starts;
    uint64_t started_ms; /* the last of them */
    uint64_t ticks;
    int error; /* what the last one ended with, 0 if it was killed */
};

/* Connects and starts at now_ms; a running one is killed first. */
void daemon_start(struct daemon *daemon, uint64_t now_ms);

/*
 * kill -9.  It is not started again by itself.  Accepts one that does not run.
 */
void daemon_kill(struct daemon *daemon);

/* A tick, or a start, when it is time for one. */
void daemon_run(struct daemon *daemon, uint64_t now_ms);
uint64_t daemon_next_ms(const struct daemon *daemon, uint64_t now_ms);

#endif
