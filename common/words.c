/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of domains may hold nearly anything, so the line that carries them
 * needs quotes; nothing else does.
 */
#include "common/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/*
 * Moves the word at *from to *to (which never overtakes it), unquoted, and
 * leaves both behind it.
 */
static int take_plain(const char **from, char **to)
{
    while (**from && **from != ' ') {
        if (**from == '"' || **from == '\\') {
            return -EINVAL;
        }
        *(*to)++ = *(*from)++;
    }
    return 0;
}

static int take_quoted(const char **from, char **to)
{
    (*from)++;
    while (**from && **from != '"') {
        if (**from == '\\') {
            (*from)++;
        }
        if (!**from) {
            return -EINVAL;
        }
        *(*to)++ = *(*from)++;
    }
    if (**from != '"') {
        return -EINVAL;
    }
    (*from)++;
    return 0;
}

int words_split(char *line, char **words, int max)
{
    const char *from = line;
    int count = 0;
    bool is_last = line[0] == '\0';

    while (!is_last) {
        char *word = line + (from - line);
        char *to = word;
        int r = *from == '"' ? take_quoted(&from, &to) : take_plain(&from, &to);

        if (r < 0 || to == word || (*from && *from != ' ')) {
            return -EINVAL;
        }
        if (count == max) {
            return -E2BIG;
        }
        words[count++] = word;
        is_last = *from++ == '\0'; /* before its place is written to */
        *to = '\0';
    }
    return count;
}

static bool is_sendable(const char *word)
{
    for (const char *at = word; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return false;
        }
    }
    return word[0] != '\0';
}

int words_append(char *text, size_t size, const char *word)
{
    bool needs_quotes = strpbrk(word, " \"\\") != NULL;
    size_t used = strlen(text);
    size_t len = used;

    if (!is_sendable(word)) {
        return -EINVAL;
    }
    /* At most a space, two quotes, a backslash for each byte, and the NUL. */
    if (size < used || (size - used) / 2 < strlen(word) + 2) {
        return -ENOSPC;
    }
    if (used > 0) {
        text[len++] = ' ';
    }
    if (needs_quotes) {
        text[len++] = '"';
    }
    for (const char *at = word; *at; at++) {
        if (*at == '"' || *at == '\\') {
            text[len++] = '\\';
        }
        text[len++] = *at;
    }
    if (needs_quotes) {
        text[len++] = '"';
    }
    text[len] = '\0';
    return 0;
}
