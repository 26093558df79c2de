/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest says it cannot go below.  The backend ranks with it and never
 * grants by it: a guest that lies here harms itself alone.
 */
#ifndef BALLOON_FRONTEND_FLOOR_H
#define BALLOON_FRONTEND_FLOOR_H

#include <stdint.h>

#include "frontend/sample.h"

/*
 * The larger of what a Linux of this size needs to run at all and what is in
 * use and can neither be dropped nor swapped out; never more than the guest
 * holds, since it plainly lives with that.  static_max_kib is the largest that
 * the guest may become, 0 if unknown.  In the kernel's own count, as
 * balloon_current_kib is.
 */
uint64_t floor_of(const struct guest_sample *sample, uint64_t static_max_kib);

#endif
