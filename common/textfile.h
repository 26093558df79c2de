/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small file, whole, into memory.
 */
#ifndef BALLOON_COMMON_TEXTFILE_H
#define BALLOON_COMMON_TEXTFILE_H

#include <stddef.h>

/*
 * 0, *ret_text (malloc()ed, with a NUL behind the text, which may hold others)
 * and *ret_len.  Of a longer file the first max bytes: a caller who minds asks
 * for one more than it allows.  Or a negative errno: -EISDIR, and -EINVAL for
 * a pipe or a socket, on which reading could wait.
 */
int textfile_read(const char *path, size_t max, char **ret_text,
                  size_t *ret_len);

#endif
