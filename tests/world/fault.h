/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: a decorator over the bus and the hypervisor of one daemon.  At one
 * chosen call it fails, dies, or lets somebody else act first.
 *
 * A daemon that has died cannot act any more: its calls have no effect and
 * fail, so that it returns; its caller then throws it away.  To die before a
 * call is to die after the one before it.
 */
#ifndef BALLOON_TESTS_WORLD_FAULT_H
#define BALLOON_TESTS_WORLD_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/hypervisor.h"
#include "common/bus.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_FAIL,   /* that call alone; a commit is then not done */
    FAULT_DIE,    /* before that call */
    FAULT_MEDDLE, /* meddle() is called before that call */
};

typedef void fault_meddle_fn(void *arg);

struct fault {
    struct bus bus; /* the real ones */
    struct hypervisor hypervisor;

    enum fault_kind kind;
    uint64_t at;        /* which call, counted from 1 */
    bool changes_alone; /* calls that can change nothing are not counted */
    int error;          /* for FAULT_FAIL */
    fault_meddle_fn *meddle;
    void *arg;

    uint64_t calls;   /* so far, all of them */
    uint64_t changes; /* those that can change something */
    bool has_struck;
    bool is_dead;
};

/*
 * Zeroed, with bus and hypervisor set, it passes everything on.  The two
 * outputs speak through it.
 */
void fault_wrap(struct fault *fault, struct bus *ret_bus,
                struct hypervisor *ret_hypervisor);

#endif
