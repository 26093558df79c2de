/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scanner over tokens.  Each is at least one byte long, so it ends.
 */
#include "backend/configlines.h"

#include <string.h>

void configlines_init(struct configlines *lines, const char *text, size_t len)
{
    *lines = (struct configlines){
        .at = text,
        .end = text + len,
        .line = 1,
    };
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_comment(struct configlines *lines)
{
    const char *newline =
        memchr(lines->at, '\n', (size_t)(lines->end - lines->at));

    lines->at = newline ? newline : lines->end;
}

/* A string ends on its line, closed or not; a backslash hides a quote. */
static void skip_string(struct configlines *lines)
{
    char quote = *lines->at++;

    while (lines->at < lines->end && *lines->at != '\n') {
        char c = *lines->at++;

        if (c == quote) {
            return;
        }
        if (c == '\\' && lines->at < lines->end && *lines->at != '\n') {
            lines->at++;
        }
    }
}

static void skip_word(struct configlines *lines)
{
    while (lines->at < lines->end && is_word_byte(*lines->at)) {
        lines->at++;
    }
}

/* Whether what follows makes the word before it a key. */
static bool assignment_follows(const struct configlines *lines,
                               enum configlines_kind *ret_kind)
{
    const char *at = lines->at;

    while (at < lines->end && is_blank(*at)) {
        at++;
    }
    if (at < lines->end && *at == '=') {
        *ret_kind = CONFIGLINES_KEY;
        return true;
    }
    if (lines->end - at >= 2 && at[0] == '+' && at[1] == '=') {
        *ret_kind = CONFIGLINES_ADDITION;
        return true;
    }
    return false;
}

/* Takes one token; true when it is a place to tell of. */
static bool take_token(struct configlines *lines,
                       struct configlines_place *place)
{
    char first = *lines->at;

    place->kind = CONFIGLINES_ITEM;
    place->line = lines->line;
    place->text = lines->at;
    if (first == '"' || first == '\'') {
        skip_string(lines);
        return lines->depth == 1;
    }
    if (is_word_byte(first)) {
        skip_word(lines);
        return lines->depth == 1 ||
               (lines->depth == 0 && assignment_follows(lines, &place->kind));
    }
    if (first == '#') {
        skip_comment(lines);
        return false;
    }
    lines->at++;
    if (first == '\n') {
        lines->line++;
    } else if (first == '[') {
        return lines->depth++ == 1;
    } else if (first == ']' && lines->depth > 0) {
        lines->depth--;
    }
    return false;
}

bool configlines_next(struct configlines *lines,
                      struct configlines_place *ret_place)
{
    struct configlines_place place;

    while (lines->at < lines->end) {
        if (take_token(lines, &place)) {
            place.len = (size_t)(lines->at - place.text);
            *ret_place = place;
            return true;
        }
    }
    return false;
}
