/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of somebody else's: a program that is asked and answers, a line of
 * JSON each.  Asked is, with the names and units of snapshot.h and report.h:
 *
 *     {"now_ms":1000,"total_kib":...,"free_kib":...,"domains":[{"name":"web",
 *      "domid":1,"current_kib":...,"report":{"available_kib":...,...},...}]}
 *
 * and answered
 *
 *     {"targets":[{"domid":1,"target_kib":1048576},...],"next_ms":2000}
 *
 * A domain that is not named keeps its target; next_ms, when it is to be asked
 * again if nothing happens before, may be left out.  The way to the targets is
 * policy_toward()'s.
 */
#ifndef BALLOON_SIMULATE_CHILD_H
#define BALLOON_SIMULATE_CHILD_H

#include "simulate/course.h"
#include "simulate/run.h"

/* A program that says nothing for so long hangs; a guess. */
#define CHILD_PATIENCE_MS 10000

/* After the end of its input it may take its time, so much. */
#define CHILD_LEAVE_MS 1000

/* A longer answer is none: 16,384 domains in 64 bytes each, and blanks. */
#define CHILD_ANSWER_MAX (4U * 1024 * 1024)

#define CHILD_ERROR_MAX 512

/*
 * Starts the command with /bin/sh, for one run of course, which must outlive
 * it.  0, *ret_policy to be freed by policy_done(), which ends the program; or
 * a negative errno.  Its plans wait, for patience_ms at most.
 */
int child_policy_init(const char *command, const struct course *course,
                      unsigned int patience_ms, struct run_policy *ret_policy);

/*
 * Why a plan of such a policy was refused: one printable line, as long as the
 * policy; "" when none was.
 */
const char *child_policy_error(const struct run_policy *policy);

#endif
