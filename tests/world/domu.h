/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of the simulated host, while it runs: its model, its kernel's end
 * of the store, and the real frontend with another.  xl.c builds and ends it.
 */
#ifndef BALLOON_TESTS_WORLD_DOMU_H
#define BALLOON_TESTS_WORLD_DOMU_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/hypervisor.h"
#include "common/bus.h"
#include "frontend/alarm.h"
#include "tests/world/dice.h"
#include "tests/world/ledger.h"
#include "tests/world/model.h"
#include "tests/world/store.h"

#define DOMU_NAME_MAX 32
#define DOMU_NEVER UINT64_MAX

enum domu_phase {
    DOMU_BUILDING,
    DOMU_RUNNING,
    DOMU_SUSPENDED, /* by its kernel, to be saved; Xen still has it */
    DOMU_SAVED,     /* in a file: there is no domain */
    DOMU_LEAVING,   /* its nodes are gone, Xen still has it as it was */
    DOMU_DYING,     /* Xen takes it apart */
    DOMU_GONE,
};

/* What becomes of a domain by itself. */
enum domu_end {
    DOMU_CRASHES,
    DOMU_POWERS_OFF,
    DOMU_REBOOTS,
    DOMU_MIGRATES, /* and comes back a little later */
};

struct domu_config {
    const char *name;
    bool is_hvm;
    uint64_t memory_kib; /* as in xl's configuration, in KiB */
    uint64_t maxmem_kib;
    uint64_t videoram_kib;             /* part of memory */
    const struct model_nature *nature; /* must stay valid */

    /* Of the frontend; times since the domain was unpaused */
    uint64_t frontend_ms; /* it starts; DOMU_NEVER */
    uint64_t hangs_ms;    /* it hangs; 0: never */
    uint64_t heartbeat_ms;
    bool has_bell;       /* its frontend rings by an event channel */
    bool writes_garbage; /* something else writes in its place */

    uint64_t life_ms; /* since it was unpaused, each time; 0: for ever */
    enum domu_end end;
};

struct frontend;

struct domu {
    struct domu_config config;
    char name[DOMU_NAME_MAX];
    char uuid[HYPERVISOR_UUID_TEXT];
    uint32_t domid;
    enum domu_phase phase;
    uint64_t phase_ms; /* when it began */
    uint64_t unpaused_ms;
    struct dice dice;
    bool is_to_return; /* xl builds it again when it is gone */
    uint64_t copied_ms;  /* while it runs, until then: migrated live; or 0 */
    uint64_t copied_kib; /* what the copy has room for */

    uint64_t due_ms; /* of what it does by itself; 0: to be worked out */

    struct bus kernel_bus; /* with no ops: not booted */
    struct model model;

    struct bus frontend_bus; /* with no ops: not started */
    struct guest guest;
    struct frontend *frontend;
    uint64_t frontend_next_ms;
    uint64_t frontend_last_ms;
    uint64_t frontend_ticks; /* how often it woke up, for whatever reason */
    uint64_t waited_us;      /* the model's, when the frontend was last woken */
    uint64_t fired_ms;  /* when that was by the kernel's pressure trigger */
    struct alarm alarm; /* how it is listened to, as its main.c does */

    uint64_t target_kib; /* memory/target; before the build, what it will be */

    /* What rules.c remembers */
    bool is_operators;  /* xl mem-set has spoken, and it was not released */
    bool is_backends;   /* the backend wrote the target that it has */
    bool is_limit_xls;  /* xl mem-max set it last: it forgets video memory */
    bool has_reported;  /* and not taken leave since */
    uint64_t leave_ms;  /* when it took leave */
    uint64_t heard_ms;  /* when a report was last seen that was new */
    uint32_t sequence;  /* of the page that was last seen */
    uint32_t overheard; /* the same, of what nobody rang for, too */
    bool is_garbled;    /* what stands in its report's place is none */
    uint64_t garbled_ms;
    /* What it says it cannot go below; a higher one counts a little later. */
    uint64_t floor_kib;
    uint64_t next_floor_kib;
    uint64_t next_floor_ms;
};

/* While it runs.  Its kernel boots, and so on; to be called at each time. */
void domu_run(struct domu *domu, struct store *store, struct ledger *ledger,
              uint64_t now_ms);

/* When to call domu_run() again, if nothing happens before. */
uint64_t domu_next_ms(const struct domu *domu, uint64_t now_ms);

/* Stops the frontend in an orderly way; domu_start_frontend() again. */
void domu_stop_frontend(struct domu *domu);
void domu_start_frontend(struct domu *domu, struct store *store,
                         uint64_t now_ms);

/* kill -9: without a word; the kernel takes back what it had open. */
void domu_kill_frontend(struct domu *domu);

/* It wakes up with another domid. */
void domu_move(struct domu *domu, uint32_t domid, uint64_t now_ms);

/* Everything in it ends, without a word. */
void domu_halt(struct domu *domu);

/* What its frontend last said that it has taken by itself. */
uint64_t domu_reflex_kib(const struct domu *domu);

bool domu_is_hung(const struct domu *domu, uint64_t now_ms);

/* Whether its life is over, and what was to become of it has to. */
bool domu_has_ended(const struct domu *domu, uint64_t now_ms);

/* At a point of time in ms, for this long: what its programs want. */
bool domu_is_content(const struct domu *domu);

#endif
