/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Donors: who is asked to give, how much, and down to where.  Part of the
 * decision, and as pure.
 *
 * Goals must be set: the demands in plenty, the shares otherwise.
 */
#ifndef BALLOON_BACKEND_DONORS_H
#define BALLOON_BACKEND_DONORS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/decide.h"

struct sharing;

/* Down to where a donor gives. */
enum donors_level {
    DONORS_LENT,            /* what it was granted, once it has no use for it */
    DONORS_NOT_NEEDED_LONG, /* what it ever needed */
    DONORS_DEMAND,
    DONORS_SHARE
};

/* What is held above both levels of what is asked. */
struct donors_spare {
    uint64_t upper_kib;
    uint64_t lower_kib; /* that of upper_kib included */
};

/*
 * What donors are asked for: readily_kib of what they hold above one level, and
 * what that leaves of needed_kib of what they hold above a lower one.
 */
struct asking {
    enum donors_level upper;
    enum donors_level lower;
    uint64_t readily_kib;
    uint64_t needed_kib;
    uint64_t pressing_kib; /* of that, what is asked of all; the rest, of those
                              who would not want it back in a moment */
    enum reason_code code;
    uint64_t lack_kib; /* that the reason tells */
    bool spares_breathers;
    bool is_for_peril;       /* somebody may be killed who does not get it */
    struct donors_spare sum; /* what all can be asked for without harm, */
    uint64_t upper_part_kib; /* and what is asked for of it: above the upper */
    uint64_t lower_part_kib; /* level, and between the two */
};

/* At most so many askings in one sharing out. */
#define DONORS_ASKINGS_MAX 2

/*
 * Plenty for all: what is lacking is asked for, first what donors have not
 * needed for long; of that, also what is to be free for allowances, and, while
 * somebody lacks something, as much as bursts have wanted lately.
 */
void donors_ask_in_plenty(struct sharing *sharing);

/*
 * At rest what Xen had free for bursts returns to it from those whose burst is
 * over, so that the next one finds it there, whosever it is.
 */
void donors_ask_back(struct sharing *sharing);

/*
 * Not enough head-room for all: what is above anybody's demand goes to who has
 * less, but head-room is taken from one for the other only where that has less
 * than half of what it should.
 */
void donors_ask_carefully(struct sharing *sharing);

/*
 * Plans what one managed domain gives: its part of what is asked for, or, when
 * there is not even what is needed for all, what it holds above its share.
 */
void donors_give(const struct sharing *sharing,
                 const struct snapshot_domain *domain,
                 const struct decide_memory *memory, struct decide_step *step);

#endif
