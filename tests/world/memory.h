/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation for the simulation: it succeeds or ends the program, because a
 * simulation that is out of memory has nothing true to say any more.
 */
#ifndef BALLOON_TESTS_WORLD_MEMORY_H
#define BALLOON_TESTS_WORLD_MEMORY_H

#include <stddef.h>

void *memory_zeroed(size_t size);

/* array resized to count elements; what is new in it is not set. */
void *memory_array(void *array, size_t count, size_t size);

/* len bytes and a NUL behind them. */
char *memory_copy(const char *bytes, size_t len);

#endif
