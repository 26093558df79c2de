/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a request on the control socket: separated by single spaces;
 * a word that holds a space, a quote or a backslash stands in double quotes,
 * with a backslash before each quote and backslash in it.
 */
#ifndef BALLOON_COMMON_WORDS_H
#define BALLOON_COMMON_WORDS_H

#include <stddef.h>

/*
 * Splits line in place; words point into it.  Returns how many, or -EINVAL for
 * an empty word, an open quote or text right behind a closing one, or -E2BIG
 * for more than max words.
 */
int words_split(char *line, char **words, int max);

/*
 * Appends word, after a space when text holds something already, to the
 * NUL-terminated text of size bytes.  0, or -ENOSPC, or -EINVAL for a word that
 * cannot be sent: an empty one, or one with control bytes.
 */
int words_append(char *text, size_t size, const char *word);

#endif
