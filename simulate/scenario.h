/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: a course written by hand, in the syntax of xl.conf, as
 * xenballoon-scenario(5) describes it.
 */
#ifndef BALLOON_SIMULATE_SCENARIO_H
#define BALLOON_SIMULATE_SCENARIO_H

#include <stddef.h>

#include "simulate/course.h"
#include "simulate/read.h"

/* Without a word of the duration, the course goes on after its last event. */
#define SCENARIO_AFTER_MS (UINT64_C(60) * 1000)

/*
 * Fills *course, which course_init() has made, from len untrusted bytes; name
 * stands for the file in messages.  0, or -ENOMEM, or -EINVAL and one printable
 * line in error: "name:7: domains: ...".  *course is to be freed in any case.
 */
int scenario_parse(const char *name, const char *untrusted_text, size_t len,
                   struct course *course, char error[READ_ERROR_MAX]);

#endif
