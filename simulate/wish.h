/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line asks for: the values of options, read and checked.
 */
#ifndef BALLOON_SIMULATE_WISH_H
#define BALLOON_SIMULATE_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "simulate/course.h"

/* Texts are those of the command line. */
struct wish {
    const char *file;
    const char *trace;
    const char *policy;
    const char *command;      /* in place of one of our policies; NULL */
    char shown[128];          /* the same, printable */
    const char *html;         /* the page's file, NULL: none is written */
    uint64_t host_memory_kib; /* 0: not said */
    uint64_t reserve_kib;     /* UINT64_MAX: not said, as are those with 0: */
    uint64_t floor_kib;
    uint64_t grow_kib_s;
    uint64_t shrink_kib_s;
    uint64_t ramp_ms; /* UINT64_MAX: not said */
    bool finds;
    bool has_unmet;
    uint64_t unmet_milli; /* permyriad, times 1000 */
    bool is_json;
};

/* Of an empty command line. */
void wish_init(struct wish *wish);

/*
 * One option by its letter, and all of them together at the end: SIMULATE_OK,
 * or SIMULATE_USAGE, of which it has said what was expected (failure.h).
 */
int wish_take(struct wish *wish, int option, const char *value);
int wish_check(const struct wish *wish);

/* What the command line says counts before what is in a file. */
void wish_override(const struct wish *wish, struct course *course);

/* The policy, for a reader. */
const char *wish_policy(const struct wish *wish);

#endif
