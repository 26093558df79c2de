/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the frontend of this guest has written for its owner (frontend/status.h
 * is the other end), read as if somebody else had.
 */
#ifndef BALLOON_CONTROL_GUESTSTATUS_H
#define BALLOON_CONTROL_GUESTSTATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/announcement.h"

/* Longer than any that the frontend writes, with room for what is to come. */
#define GUESTSTATUS_FILE_MAX 8192

#define GUESTSTATUS_WORD_MAX 32

/* Amounts are at most UNITS_KIB_MAX, words of [a-z0-9-], times in ms since
 * 1970. */
struct gueststatus {
    uint64_t pid;
    uint64_t started_at_ms;
    char dom0[GUESTSTATUS_WORD_MAX];
    uint64_t dom0_at_ms;
    char transport[GUESTSTATUS_WORD_MAX]; /* "": none */
    uint64_t could_have_kib;
    uint64_t holds_kib;
    uint64_t target_kib;               /* 0: not known */
    uint64_t target_at_ms;             /* 0: not since it was started */
    char reason[GUESTSTATUS_WORD_MAX]; /* "": none */
    uint64_t allowance_kib;
    uint64_t taken_kib;

    bool is_announced; /* ever */
    bool stands;       /* and still */
    uint64_t announced_at_ms;
    uint64_t announced_kib;
    uint64_t announced_wait_ms;
    bool is_answered;
    bool is_ready;
    uint64_t can_give_kib;
};

/* The len bytes at untrusted.  0, or -EINVAL; nothing is written then. */
int gueststatus_parse(const char *untrusted, size_t len,
                      struct gueststatus *ret_status);

/* How much of what it could have is away. */
uint64_t gueststatus_ballooned_kib(const struct gueststatus *status);

/* Why the guest has what it has, for its owner; the word itself if unknown. */
const char *gueststatus_reason_text(const struct gueststatus *status);

/* For people, malloc()ed with newlines; NULL when out of memory. */
char *gueststatus_text(const struct gueststatus *status);

/* For programs, with what the two above say; NULL when out of memory. */
json_t *gueststatus_json(const struct gueststatus *status);

#endif
