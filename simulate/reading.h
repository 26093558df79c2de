/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario that is being read: what its parts share, and how they say what is
 * wrong with it.
 */
#ifndef BALLOON_SIMULATE_READING_H
#define BALLOON_SIMULATE_READING_H

#include <stdint.h>

#include "backend/xlconf_xen.h"
#include "simulate/course.h"
#include "simulate/read.h"

struct reading {
    const char *name;
    char *error; /* of READ_ERROR_MAX bytes */
    const struct xlconf *conf;
    struct course *course;
    uint64_t last_ms; /* of all that is said */
    /* Where each domain is described, for what is found wrong afterwards. */
    unsigned int *lines; /* owned */
};

/* What is shown of a word from the file. */
#define READING_SHOWN_MAX 64

/* Such a word, printable; returns text. */
const char *reading_shown(char text[READING_SHOWN_MAX], const char *word);

/* Fills the error, one line for the operator; -EINVAL, to be handed on. */
int reading_fail(const struct reading *reading, unsigned int line,
                 const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
