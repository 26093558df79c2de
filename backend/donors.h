/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Donors: who is asked to give, how much, and down to where.  Part of the
 * decision, and as pure.
 *
 * Goals must be set: the demands in plenty, the shares otherwise.
 */
#ifndef BALLOON_BACKEND_DONORS_H
#define BALLOON_BACKEND_DONORS_H

#include "backend/share.h"

/*
 * Plenty for all: what is lacking is asked for, first what donors have not
 * needed for long; of that, also what is to be free for allowances, and, while
 * somebody lacks something, as much as bursts have wanted lately.
 */
void donors_ask_in_plenty(const struct sharing *sharing);

/*
 * At rest what Xen had free for bursts returns to it from those whose burst is
 * over, so that the next one finds it there, whosever it is.
 */
void donors_ask_back(const struct sharing *sharing);

/*
 * Not enough head-room for all: what is above anybody's demand goes to who has
 * less, but head-room is taken from one for the other only where that has less
 * than half of what it should.
 */
void donors_ask_carefully(const struct sharing *sharing);

/* Not even what is needed for all: whoever holds more than its share gives it. */
void donors_take_shares(const struct sharing *sharing);

#endif
