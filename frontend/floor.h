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
 * What is in use and can neither be dropped nor swapped out, and a little room
 * to live in; never more than the guest holds, since it plainly lives with
 * that.  In the kernel's own count, as balloon_current_kib is.
 */
uint64_t floor_of(const struct guest_sample *sample);

#endif
