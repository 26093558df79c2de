/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/reading.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"

int reading_fail(const struct reading *reading, unsigned int line,
                 const char *key, const char *format, ...)
{
    char shown[READ_ERROR_MAX / 2];
    va_list arguments;
    int used = snprintf(
        reading->error, READ_ERROR_MAX, "%s:%u: %s: ",
        escape_text(shown, sizeof(shown), reading->name, strlen(reading->name)),
        line, key);

    if (used > 0 && used < READ_ERROR_MAX) {
        va_start(arguments, format);
        (void)vsnprintf(reading->error + used, READ_ERROR_MAX - (size_t)used,
                        format, arguments);
        va_end(arguments);
    }
    return -EINVAL;
}

const char *reading_shown(char text[READING_SHOWN_MAX], const char *word)
{
    return escape_text(text, READING_SHOWN_MAX, word, strlen(word));
}
