/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a unix stream socket on which the control program asks.
 *
 * One request a connection: words separated by one space, ended by a newline,
 * at most CONTROL_REQUEST_MAX bytes.  One answer: a JSON object on one line,
 * then the connection is closed.  An answer with "error" (a sentence) says
 * why a request was refused.
 *
 *     list                          -> {"domains": [...]}
 *     status                        -> {"host": {...}}
 *     set DOMAIN WORD...            -> {}        root only
 *     release DOMAIN                -> {}        root only
 *     version                       -> {"version": "..."}
 *
 * Words are quoted as words.h says.  An error comes with a "code" for programs:
 * "request" (not understood), "permission", "domain" (none of that name or id)
 * or "failed".
 *
 * A slow or silent client costs a slot for CONTROL_PATIENCE_MS, no more, and
 * never holds up a tick.
 */
#ifndef BALLOON_BACKEND_CONTROL_H
#define BALLOON_BACKEND_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"

#define CONTROL_REQUEST_MAX 1024
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_PATIENCE_MS 5000

/*
 * Answers one request; line has no newline.  is_root: the peer may change
 * things.  Returns a malloc()ed text without newline, or NULL when out of
 * memory.
 */
typedef char *control_answer_fn(void *arg, const char *line, bool is_root);

struct control;

/*
 * Listens at path, owned by root and group (or root's group when there is no
 * such group), mode 0660.  A socket file that nobody listens on is replaced;
 * -EADDRINUSE when somebody does, -EEXIST when something else than a socket is
 * there.  (Of two that start at the same moment both may find a stale socket:
 * the caller sees to it that there is one backend a host.)
 */
int control_new(struct loop *loop, const char *path, const char *group,
                control_answer_fn *answer, void *arg, struct control **ret);

/* Removes the socket file. */
void control_free(struct control *control);

/*
 * Drops clients that have used up our patience; returns when the next one will
 * have.  To be called with each turn of the loop: it also starts their clocks.
 */
uint64_t control_expire(struct control *control, uint64_t now_ms);

#endif
