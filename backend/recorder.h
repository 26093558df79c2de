/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: looks on while the balancer decides, and writes what it saw
 * and what it planned to the file that the settings name.  Each line of it is
 * a moment (moment.h).
 *
 * It never disturbs: what it cannot write is told once, left out, and tried
 * again later.  It begins anew wherever it was interrupted, so that what is
 * there can be replayed.
 */
#ifndef BALLOON_BACKEND_RECORDER_H
#define BALLOON_BACKEND_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/balancer.h"
#include "backend/moment.h"
#include "backend/settings.h"

/* After a failure, nothing is tried for this long. */
#define RECORDER_RETRY_MS 60000

struct recorder {
    int fd; /* -1: no file is open */
    char path[SETTINGS_PATH_MAX];
    uint64_t len;    /* of the file */
    char *beginning; /* to be written before the next moment */
    struct moment now;
    struct moment before; /* the last one that was written */
    bool has_failed;      /* since something was last written */
    uint64_t retry_ms;    /* while it has: not before this */
};

void recorder_init(struct recorder *recorder);
void recorder_done(struct recorder *recorder);

/* To be made the balancer's.  The recorder must outlive it. */
struct balancer_witness recorder_witness(struct recorder *recorder);

#endif
