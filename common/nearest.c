/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edit distance, with neighbours swapped counted as one edit, for words short
 * enough that the plain table does.
 */
#include "common/nearest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    /* d[i][j]: from the first i letters of a to the first j of b. */
    size_t d[NEAREST_WORD_MAX + 1][NEAREST_WORD_MAX + 1];

    for (size_t i = 0; i <= a_len; i++) {
        d[i][0] = i;
    }
    for (size_t j = 0; j <= b_len; j++) {
        d[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            d[i][j] = least(changed, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a_len][b_len];
}

/* Two edits make another word out of a short one. */
static size_t tolerance(size_t len)
{
    return len < 4 ? 1 : 2;
}

const char *nearest_word(const char *word, size_t len, const char *const *known,
                         size_t count)
{
    const char *best = NULL;
    size_t best_distance = tolerance(len) + 1;

    if (len == 0 || len > NEAREST_WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t known_len = strnlen(known[i], NEAREST_WORD_MAX);
        size_t edits = distance(word, len, known[i], known_len);

        if (edits < best_distance) {
            best = known[i];
            best_distance = edits;
        }
    }
    return best;
}
