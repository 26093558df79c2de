/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that the status stands in: whole at any moment, for everybody to
 * read, written when something in it is another, and not too often.
 */
#ifndef BALLOON_FRONTEND_STATUSFILE_H
#define BALLOON_FRONTEND_STATUSFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/status.h"

/* A balloon that moves changes something all the time: people read it. */
#define STATUSFILE_GAP_MS 1000U

/* All zero but for the path: nothing was written yet. */
struct statusfile {
    const char *path; /* the caller's */
    bool was_tried;
    uint64_t tried_ms;
    char text[STATUS_TEXT_MAX]; /* that was written, or could not be */
    int error;                  /* of the last attempt, 0 or negative errno */
};

/*
 * Makes the file hold text.  Returns when to do this again; UINT64_MAX: there
 * is no need.  What cannot be written is named once in the log, and tried again
 * when there is another text.
 */
uint64_t statusfile_keep(struct statusfile *file, const char *text,
                         uint64_t now_ms);

/* If it is ours. */
void statusfile_remove(struct statusfile *file);

#endif
