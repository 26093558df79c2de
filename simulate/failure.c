/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/failure.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 1, 0))) static void print(const char *format,
                                                        va_list arguments)
{
    (void)fputs(SIMULATE_PROGRAM ": ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

int failure(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    return status;
}

int failure_hint(void)
{
    (void)fputs("Try '" SIMULATE_PROGRAM " --help'.\n", stderr);
    return SIMULATE_USAGE;
}

int failure_of_usage(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    return failure_hint();
}
