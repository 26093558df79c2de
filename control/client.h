/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to the backend, and its answer.
 */
#ifndef BALLOON_CONTROL_CLIENT_H
#define BALLOON_CONTROL_CLIENT_H

/*
 * The backend answers within a tick; this is for one that hangs, or is busy
 * with as many clients as it takes.
 */
#define CLIENT_PATIENCE_S 10

/* 16384 domains at about 2 KiB each, and room to grow. */
#define CLIENT_ANSWER_MAX (64U * 1024 * 1024)

/*
 * Sends request, a line without newline, to the socket at path and waits for
 * the answer.  0 and *ret_answer, malloc()ed, without newline; or
 *
 *   -ENOENT, -ECONNREFUSED  no backend listens there
 *   -EACCES                 not permitted to ask
 *   -ETIMEDOUT              it did not answer
 *   -EPROTO                 the answer was cut short
 *   -EFBIG                  the answer is longer than CLIENT_ANSWER_MAX
 *
 * and other negative errnos.
 */
int client_ask(const char *path, const char *request, char **ret_answer);

#endif
