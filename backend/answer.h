/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answers of the control socket, in JSON: what the balancer knows, for
 * people and programs.  The names of the fields are a promise; see
 * xenballoon(1).
 */
#ifndef BALLOON_BACKEND_ANSWER_H
#define BALLOON_BACKEND_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/balancer.h"

/*
 * now_ms is when the request was seen.  Returns a malloc()ed line of JSON
 * without newline, NULL when out of memory.  See control.h for the requests.
 */
char *answer(struct balancer *balancer, const char *line, bool is_root,
             uint64_t now_ms);

#endif
