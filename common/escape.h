/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign text made safe to show: names of domains, words from a file, a
 * socket or the store.  Whoever wrote them must not be able to steer the
 * terminal or forge a second line of a log.
 */
#ifndef BALLOON_COMMON_ESCAPE_H
#define BALLOON_COMMON_ESCAPE_H

#include <stddef.h>

/*
 * Writes the len bytes at text into out: printable ASCII as it is, a backslash
 * doubled, every other byte as \xNN.  Cut between two such units and marked
 * with "..." when size, which counts the NUL and is at least 8, does not do.
 * Returns out.
 */
char *escape_text(char *out, size_t size, const char *text, size_t len);

#endif
