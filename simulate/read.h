/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of "xenballoon simulate FILE", of whichever kind it is: a scenario,
 * or what a backend has recorded.
 */
#ifndef BALLOON_SIMULATE_READ_H
#define BALLOON_SIMULATE_READ_H

#include "simulate/course.h"

/* A path, a line and a sentence, escaped; with the NUL. */
#define READ_ERROR_MAX 512

/*
 * Fills *course, which course_init() has made and course_done() frees in any
 * case.  0; or -EINVAL for what is in the file, another negative errno when it
 * cannot be read, and in error one printable line that says where, what was
 * found and what was expected.
 */
int read_course(const char *path, struct course *course,
                char error[READ_ERROR_MAX]);

#endif
