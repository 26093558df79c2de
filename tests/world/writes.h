/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who wrote what and when: the log of the simulated store.
 */
#ifndef BALLOON_TESTS_WORLD_WRITES_H
#define BALLOON_TESTS_WORLD_WRITES_H

#include <stddef.h>
#include <stdint.h>

/* One that has been carried out, as part of a transaction or not. */
struct write {
    uint64_t ms;
    uint32_t domid;   /* who: 0 is dom0 ... */
    const char *name; /* ... and which end there */
    char *path;       /* absolute */
    char *value;      /* NULL: removed, with everything below */
    size_t len;
};

/* Zeroed: nothing written. */
struct writes {
    struct write *writes;
    unsigned int count;
    unsigned int room;
};

/* Returns the entry, whose path and value are copies. */
const struct write *writes_add(struct writes *writes, const struct write *one);

/*
 * How many there were since since_ms by ends called name, to paths that
 * contain part; NULL stands for any.
 */
unsigned int writes_count(const struct writes *writes, uint64_t since_ms,
                          const char *name, const char *part);

/* Prints them to standard error. */
void writes_print(const struct writes *writes, uint64_t since_ms,
                  const char *name, const char *part);

/* Forgets all; the log otherwise grows for ever. */
void writes_clear(struct writes *writes);

#endif
