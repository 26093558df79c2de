/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Did you mean ...?": the known word that a mistyped one was meant to be.
 */
#ifndef BALLOON_COMMON_NEAREST_H
#define BALLOON_COMMON_NEAREST_H

#include <stddef.h>

/* Longer words are nobody's slip. */
#define NEAREST_WORD_MAX 32

/*
 * The one of the count known words that the len bytes at word differ from
 * least, by one or two letters left out, added, changed or swapped with their
 * neighbour.  NULL when none is that near.
 */
const char *nearest_word(const char *word, size_t len, const char *const *known,
                         size_t count);

#endif
