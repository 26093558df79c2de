/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation that succeeds or ends the program; see memory.h.
 */
#include "tests/world/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("the simulated host is out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *memory_zeroed(size_t size)
{
    return checked(calloc(1, size));
}

void *memory_array(void *array, size_t count, size_t size)
{
    return checked(reallocarray(array, count, size));
}

char *memory_copy(const char *bytes, size_t len)
{
    char *copy = checked(malloc(len + 1));

    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}
