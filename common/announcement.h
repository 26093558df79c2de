/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two short texts of a shrink with warning: the backend's announcement and
 * the frontend's answer; see protocol.h.  Either reader takes the other's text
 * for hostile.
 */
#ifndef BALLOON_COMMON_ANNOUNCEMENT_H
#define BALLOON_COMMON_ANNOUNCEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Three numbers or a word in place of one; longer ones are refused. */
#define ANNOUNCEMENT_TEXT_MAX 72

/* After the largest, numbers begin anew with 1. */
#define ANNOUNCEMENT_NUMBER_MAX UINT32_MAX

/* No longer wait is believed: an hour. */
#define ANNOUNCEMENT_WAIT_MAX_MS UINT64_C(3600000)

struct announcement {
    uint64_t number; /* 0: there is none */
    uint64_t target_kib;
    uint64_t wait_ms;
};

struct answer {
    uint64_t number; /* of the announcement; 0: there is none */
    bool is_ready;   /* "ready"; otherwise "working" */
    uint64_t can_give_kib;
};

/* The length without the NUL. */
int announcement_format(const struct announcement *announcement,
                        char text[ANNOUNCEMENT_TEXT_MAX]);
int answer_format(const struct answer *answer,
                  char text[ANNOUNCEMENT_TEXT_MAX]);

/*
 * The len bytes at untrusted, which need not end in NUL.  0, or -EINVAL for
 * whatever is no such text, amounts above UNITS_KIB_MAX and numbers that are 0
 * or too large included; nothing is written then.
 */
int announcement_parse(const char *untrusted, size_t len,
                       struct announcement *ret_announcement);
int answer_parse(const char *untrusted, size_t len, struct answer *ret_answer);

#endif
