/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replay: a recording is decided once more, and each field of each plan is
 * held against what was recorded.  Also the way to read a recording for any
 * other purpose: line by line, as moments.
 */
#ifndef BALLOON_BACKEND_REPLAY_H
#define BALLOON_BACKEND_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/moment.h"
#include "common/lines.h"

#define REPLAY_ERROR_MAX 640

/* ---- A recording, moment by moment ---- */

struct replay_reader {
    const char *name; /* for messages */
    struct lines lines;
    struct moment now;
    uint64_t cut_line; /* the last one that was found cut short, 0: none */
};

/* name and file are the caller's. */
void replay_reader_init(struct replay_reader *reader, const char *name,
                        FILE *file);
void replay_reader_done(struct replay_reader *reader);

/*
 * Goes on to the next moment.  1; 0 at the end; or a negative errno and one
 * line of text in error: "record:7: ...".  A line that was cut short, by
 * kill -9 or a full disk, is left out and its number kept.
 */
int replay_reader_next(struct replay_reader *reader,
                       char error[REPLAY_ERROR_MAX]);

/* ---- Deciding again ---- */

/* What is printed of differences; all of them are counted. */
#define REPLAY_SHOWN_MAX 20

struct replay_tally {
    uint64_t ticks;
    uint64_t changes; /* of targets and limits, as recorded */
    uint64_t different_ticks;
    uint64_t different_fields;
};

/*
 * Decides again what is in file, and prints differences, notes and a summary
 * to out.  0, whether or not anything differed; or a negative errno and error
 * as above, with what was printed until then.
 */
int replay_stream(const char *name, FILE *file, FILE *out,
                  struct replay_tally *ret_tally, char error[REPLAY_ERROR_MAX]);

/* The same for a file of that name. */
int replay_file(const char *path, FILE *out, struct replay_tally *ret_tally,
                char error[REPLAY_ERROR_MAX]);

#endif
