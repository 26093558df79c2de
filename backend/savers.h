/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The savers: who copies a domain's memory away, to save or to migrate it.
 * Neither Xen nor the store tells, but libxl does it in a process of its own,
 * libxl-save-helper, for as long as it takes.  That its file is opened or closed
 * wakes us; what it is at stands in its command line.
 *
 * A domain that runs on and grows meanwhile no longer fits into the copy, which
 * was made by the target that it had: its migration fails.
 */
#ifndef BALLOON_BACKEND_SAVERS_H
#define BALLOON_BACKEND_SAVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct savers;

/* Where libxl may have its helper, for savers_open(); glob(7)s, NULL at the end. */
extern const char *const savers_folders[];

/*
 * Finds who is at it already.  0, or a negative errno: -ENOENT when there is
 * none of the folders.  proc_dir must outlive it.
 */
int savers_open(const char *const *folders, const char *proc_dir,
                struct savers **ret_savers);

/* Accepts NULL. */
void savers_close(struct savers *savers);

/* Readable when one may have begun or ended. */
int savers_fd(const struct savers *savers);

/*
 * Takes what made the descriptor readable.  Returns 1 to look at once, 0, or a
 * negative errno: from then on nobody is heard to begin.
 */
int savers_take(struct savers *savers, uint64_t now_ms);

/*
 * Looks who is at it, if there is reason to.  Returns when to look again;
 * UINT64_MAX: not before somebody begins.
 */
uint64_t savers_look(struct savers *savers, uint64_t now_ms);

/* As of the last look.  NULL: nobody knows, so no. */
bool savers_save(const struct savers *savers, uint32_t domid);

/*
 * Whom the process saves whose arguments are command, each with a NUL behind it,
 * and a NUL behind all.  False: nobody.
 */
bool savers_parse(const char *command, size_t len, uint32_t *ret_domid);

#endif
