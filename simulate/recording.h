/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording of a real host (backend/moment.h) as a course: what its guests
 * said that they used is what they need, on whichever host, under whichever
 * policy.
 *
 * A domain's working set is what its kernel holds, less what is available in
 * it, and what it has swapped out.  Its bounds and weight are those that it had
 * last; it starts when it was first seen whole.  A domain without a report is
 * static.  Dom0 is not among the guests.
 */
#ifndef BALLOON_SIMULATE_RECORDING_H
#define BALLOON_SIMULATE_RECORDING_H

#include <stdio.h>

#include "simulate/course.h"
#include "simulate/read.h"

/* A frontend tells of a growth within about this time. */
#define RECORDING_RAMP_MS 1000

/*
 * Between two runs of a host, whose clocks say nothing of each other, this
 * much is taken to have gone by.
 */
#define RECORDING_PAUSE_MS 10000

/*
 * Fills *course, which course_init() has made, from an untrusted file; name
 * stands for it in messages.  0, or -ENOMEM, or another negative errno and one
 * printable line in error.  *course is to be freed in any case.
 */
int recording_read(const char *name, FILE *untrusted_file,
                   struct course *course, char error[READ_ERROR_MAX]);

#endif
