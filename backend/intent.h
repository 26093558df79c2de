/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shrinking with warning.  Linux obeys memory/target at once and without a
 * floor, so a guest that answers announcements is told of a large shrink
 * before its target moves.  It makes room, says what it can do without, and
 * then the target moves in bounded steps; also when it says nothing by the
 * deadline.  Part of the decision, and as pure.
 *
 * An announcement is a word, no memory: nobody is granted anything for it.  Nor
 * is it changed: what is lacking beyond it waits for the next one, what is no
 * longer lacking is not taken.
 */
#ifndef BALLOON_BACKEND_INTENT_H
#define BALLOON_BACKEND_INTENT_H

#include <stdint.h>

#include "backend/decide.h"
#include "common/units.h"

/*
 * The least that is announced, and the most that is then taken in one step:
 * this, or 1/INTENT_STEP_SHARE of what is held.  A guess: what Linux drops of
 * its caches in a quarter of a second.
 */
#define INTENT_STEP_KIB (UINT64_C(64) * 1024)
#define INTENT_STEP_SHARE 8U

/*
 * A guest that works on it is given this many times as long, once: what hooks
 * need to shrink a heap.
 */
#define INTENT_PATIENCE 3U

/* What a guest has refused is asked of others for so long. */
#define INTENT_REFUSED_MS 30000U

/*
 * Holds the shrink that step plans back until it has been announced and
 * answered, and then to bounded steps; sets what step says of an announcement.
 * For managed domains; others have none.
 */
void intent_follow(const struct snapshot *snapshot, enum decide_mood mood,
                   const struct snapshot_domain *domain,
                   struct decide_memory *memory, struct decide_step *step);

/* When to decide again on an announcement that stands. */
static inline uint64_t intent_next_ms(const struct decide_memory *memory,
                                      uint64_t now_ms)
{
    return memory->intent_is_answered ? now_ms + DECIDE_MOVING_MS
                                      : memory->intent_until_ms;
}

/*
 * What the domain has refused to go below, 0 when it has not or that is long
 * ago.  It can only refuse to give: its word counts up to what it has.
 */
static inline uint64_t intent_refused_kib(const struct snapshot_domain *domain,
                                          const struct decide_memory *memory,
                                          uint64_t now_ms)
{
    return now_ms < memory->refused_until_ms
               ? units_min(memory->refused_kib, domain->target_kib)
               : 0;
}

#endif
