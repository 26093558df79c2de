/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of "xenballoon", one function each, called from the table in
 * main.c.  They print to standard output, failures to standard error, and
 * return the exit status.
 */
#ifndef BALLOON_CONTROL_COMMAND_H
#define BALLOON_CONTROL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Documented in xenballoon(1). */
enum command_status {
    COMMAND_OK = 0,
    COMMAND_REFUSED = 1,       /* by the backend, or it failed, or differs */
    COMMAND_USAGE = 2,         /* not understood */
    COMMAND_NO_BACKEND = 3,    /* nobody listens on the socket, or reports */
    COMMAND_NOT_PERMITTED = 4, /* to ask, or to change things */
};

struct command_call {
    const char *socket;
    const char *status_path; /* of the frontend's file */
    bool is_json;
    size_t width; /* of the terminal, 0: no bound */
    char **words; /* behind the name of the command */
    int count;
};

int command_guest(const struct command_call *call);
int command_list(const struct command_call *call);
int command_status(const struct command_call *call);
int command_set(const struct command_call *call);
int command_release(const struct command_call *call);
int command_replay(const struct command_call *call);
int command_version(const struct command_call *call);

/* Says so on standard error, with a newline, and returns status. */
int command_fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
