/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reasons: why a domain was moved, or left where it is.  Data (a code and the
 * numbers that decided) until somebody prints them.
 */
#ifndef BALLOON_BACKEND_REASON_H
#define BALLOON_BACKEND_REASON_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers a_kib and b_kib mean stands beside each code. */
enum reason_code {
    REASON_NONE,

    /* Changes of the target */
    REASON_NEEDS,      /* grown: demand a, free for it b */
    REASON_NEEDS_PART, /* grown by what there is: demand a, granted b */
    REASON_GIVES,      /* shrunk: keeps its demand a, others lack b */
    REASON_REFILLS,    /* shrunk: demand a, the reserve lacks b */
    REASON_READIES,    /* shrunk: keeps its demand a, b lacks for bursts */
    REASON_SHARES,     /* shrunk below demand a: fair share b */
    REASON_TRIMS, /* shrunk: demand a, others lack b, no head-room for all */
    REASON_BELOW_FLOOR,   /* grown to its floor a */
    REASON_ABOVE_CEILING, /* shrunk to its ceiling a */
    REASON_GAVE_UP,       /* target taken back to what it holds, a: did not
                             move to b */

    /* Changes of the limit alone */
    REASON_ALLOWANCE,     /* what it may take by itself, from a to b */
    REASON_LIMIT_FOLLOWS, /* limit from a to b: the target was reached */

    /* Left alone */
    REASON_SATISFIED,   /* demand a within dead-band of target b */
    REASON_WAITS,       /* wants a; nothing free, donors are shrinking */
    REASON_SHORT,       /* wants a; host is short, fair share is b */
    REASON_SPARE,       /* holds b above demand a; nobody needs it */
    REASON_HANDS_OFF,   /* could give b above a, but it hurt when asked */
    REASON_ANNOUNCED,   /* was told to come down to a, by b; not yet shrunk */
    REASON_REFUSES,     /* was asked for more, and does not go below a */
    REASON_ON_ITS_WAY,  /* holds a, target b */
    REASON_BUILDING,    /* being built */
    REASON_DYING,       /* going away */
    REASON_SERVICE,     /* a domain of the toolstack's own */
    REASON_SAVING,      /* being saved or migrated */
    REASON_LEAVE_ALONE, /* backend.conf says so */
    REASON_FIXED,       /* floor and ceiling are both a */
    REASON_OPERATOR,    /* held at a by the operator */
    REASON_STATIC,      /* no frontend ever answered */
    REASON_SILENT,      /* its frontend fell silent */
    REASON_STOPPED,     /* its frontend was stopped */
    REASON_GARBLED,     /* its report cannot be read */
    REASON_STUCK,       /* holds a, does not move towards b */
    REASON_NO_BALLOON,  /* its kernel has no balloon driver */

    REASON_CODES
};

struct reason {
    enum reason_code code;
    uint64_t a_kib;
    uint64_t b_kib;
};

#define REASON_TEXT_MAX 160

static inline void reason_set(struct reason *reason, enum reason_code code,
                              uint64_t a_kib, uint64_t b_kib)
{
    reason->code = code;
    reason->a_kib = a_kib;
    reason->b_kib = b_kib;
}

/* A short word for machines: "needs", "operator"; never NULL. */
const char *reason_word(enum reason_code code);

/* A sentence for people, without full stop.  Returns text. */
char *reason_text(const struct reason *reason, char text[REASON_TEXT_MAX]);

#endif
