/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A moment of a recording: one line of JSON in a record file.
 *
 * A beginning says who wrote it and what the decision remembered; it is the
 * first line of each file, and may come again where a daemon was started anew.
 *
 *     {"xenballoon_record":1,"version":"0.1.0","host":{...},
 *      "domains":[{"domid":3,"memory":{...}},...]}
 *
 * Each other line is a tick: what was seen and what was planned.  Of each
 * struct it has the fields (fields.h) that are not what they were in the line
 * before; all domains that there were are named.  "is_new" tells that nothing
 * was remembered of one, so that a domid used again is no confusion.
 *
 *     {"snapshot":{"now_ms":1000,...},"plan":{"next_ms":1100,...},
 *      "domains":[{"domid":3,"is_new":true,"name":"web","seen":{...},
 *                  "step":{...}},...]}
 */
#ifndef BALLOON_BACKEND_MOMENT_H
#define BALLOON_BACKEND_MOMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/decide.h"
#include "backend/settings.h"
#include "backend/snapshot.h"

#define MOMENT_FORMAT 1

/* Of a host with BALANCER_DOMAINS_MAX domains, each line whole: 32 MiB. */
#define MOMENT_LINE_MAX (64U * 1024 * 1024)

#define MOMENT_VERSION_MAX 32

struct moment_domain {
    char name[SETTINGS_NAME_MAX];
    bool is_new;                 /* of a tick */
    struct decide_memory memory; /* of a beginning */
};

struct moment {
    bool is_beginning;                /* has version, host, memories */
    char version[MOMENT_VERSION_MAX]; /* of the program that wrote it */
    struct decide_host host;
    /* The arrays are owned, and of one length. */
    struct snapshot snapshot;
    struct plan plan;
    struct moment_domain *domains;
};

/* Zeroed it is empty.  Room for count domains, zeroed; 0 or -ENOMEM. */
int moment_resize(struct moment *moment, unsigned int count);
void moment_done(struct moment *moment);

/*
 * The lines, with a newline at the end, malloc()ed; NULL: out of memory.
 * before is the moment of the line before.
 */
char *moment_write_beginning(const struct snapshot *snapshot,
                             const struct decide_host *host,
                             const struct decide_memory *memories);
char *moment_write(const struct moment *now, const struct moment *before);

/*
 * Reads an untrusted line without its newline; before is the moment of the
 * line before, zeroed for the first line of a file.  0 and *ret_now, to be
 * freed with moment_done(); or -ENOMEM; or -EINVAL, with what was found and
 * what was expected in error.  A tick is then good for decide().
 */
#define MOMENT_ERROR_MAX 400
int moment_read(const char *untrusted_line, size_t len,
                const struct moment *before, struct moment *ret_now,
                char error[MOMENT_ERROR_MAX]);

#endif
