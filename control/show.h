/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of the backend as people read them.  What is missing in an answer,
 * or of another kind than expected, is shown as "-".
 */
#ifndef BALLOON_CONTROL_SHOW_H
#define BALLOON_CONTROL_SHOW_H

#include <stddef.h>

#include <jansson.h>

/* malloc()ed text with newlines, NULL when out of memory. */
char *show_list(const json_t *answer, size_t width);
char *show_status(const json_t *answer);

#endif
