/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands share: asking, failing by name; and those commands that
 * are no more than that.
 */
#include "control/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/words.h"
#include "control/client.h"
#include "control/show.h"

/* The backend takes no longer line (CONTROL_REQUEST_MAX). */
#define REQUEST_MAX 1024

int command_fail(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("xenballoon: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return status;
}

static int fail_to_ask(const char *socket, int r)
{
    switch (r) {
    case -ENOENT:
    case -ENOTDIR:
    case -ECONNREFUSED:
        return command_fail(
            COMMAND_NO_BACKEND,
            "no backend listens on %s: start it with 'systemctl start "
            "xenballoon-backend', or run xenballoon-backend as root",
            socket);
    case -EACCES:
    case -EPERM:
        return command_fail(
            COMMAND_NOT_PERMITTED,
            "not permitted to ask on %s: be root, or a member of the "
            "group xenballoon",
            socket);
    case -ETIMEDOUT:
        return command_fail(COMMAND_REFUSED,
                            "the backend on %s did not answer within %d s",
                            socket, CLIENT_PATIENCE_S);
    case -EPROTO:
    case -ECONNRESET:
        return command_fail(COMMAND_REFUSED,
                            "the backend on %s ended before it had answered",
                            socket);
    default:
        return command_fail(COMMAND_REFUSED, "cannot ask on %s: %s", socket,
                            strerror(-r));
    }
}

static int compose(const struct command_call *call, const char *request,
                   char line[REQUEST_MAX])
{
    int r;

    line[0] = '\0';
    r = words_append(line, REQUEST_MAX, request);
    for (int i = 0; r == 0 && i < call->count; i++) {
        r = words_append(line, REQUEST_MAX, call->words[i]);
    }
    if (r == -ENOSPC) {
        return command_fail(COMMAND_USAGE, "too many words, or too long ones");
    }
    if (r < 0) {
        return command_fail(COMMAND_USAGE, "an empty word, or one with control "
                                           "characters");
    }
    return COMMAND_OK;
}

/* An "error" in the answer, to standard error and as a status. */
static int check_answer(const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *code = json_string_value(json_object_get(answer, "code"));
    char text[512];

    if (!error) {
        return COMMAND_OK;
    }
    return command_fail(
        code && strcmp(code, "permission") == 0 ? COMMAND_NOT_PERMITTED
                                                : COMMAND_REFUSED,
        "%s", escape_text(text, sizeof(text), error, strlen(error)));
}

/*
 * The name of a request, and the call's words behind it.  Returns COMMAND_OK
 * and *ret_answer, an object without "error"; or the exit status of the
 * failure, which it has printed.
 */
static int ask(const struct command_call *call, const char *request,
               json_t **ret_answer)
{
    char line[REQUEST_MAX];
    char *text = NULL;
    json_t *answer;
    int status = compose(call, request, line);
    int r;

    if (status != COMMAND_OK) {
        return status;
    }
    r = client_ask(call->socket, line, &text);
    if (r < 0) {
        return fail_to_ask(call->socket, r);
    }
    answer = json_loads(text, 0, NULL);
    free(text);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return command_fail(COMMAND_REFUSED, "what listens on %s is no backend",
                            call->socket);
    }
    status = check_answer(answer);
    if (status != COMMAND_OK) {
        json_decref(answer);
        return status;
    }
    *ret_answer = answer;
    return COMMAND_OK;
}

/* Takes over text. */
static int print_text(char *text)
{
    if (!text) {
        return command_fail(COMMAND_REFUSED, "out of memory");
    }
    (void)fputs(text, stdout);
    free(text);
    return COMMAND_OK;
}

static int print_json(const json_t *answer)
{
    char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    int status = print_text(text);

    if (status == COMMAND_OK) {
        (void)fputc('\n', stdout);
    }
    return status;
}

int command_list(const struct command_call *call)
{
    json_t *answer = NULL;
    int status = ask(call, "list", &answer);

    if (status == COMMAND_OK) {
        status = call->is_json ? print_json(answer)
                               : print_text(show_list(answer, call->width));
    }
    json_decref(answer);
    return status;
}

int command_status(const struct command_call *call)
{
    json_t *answer = NULL;
    int status = ask(call, "status", &answer);

    if (status == COMMAND_OK) {
        status = call->is_json ? print_json(answer)
                               : print_text(show_status(answer));
    }
    json_decref(answer);
    return status;
}

static int ask_for_nothing(const struct command_call *call, const char *request)
{
    json_t *answer = NULL;
    int status = ask(call, request, &answer);

    json_decref(answer);
    return status;
}

int command_set(const struct command_call *call)
{
    return ask_for_nothing(call, "set");
}

int command_release(const struct command_call *call)
{
    return ask_for_nothing(call, "release");
}

int command_version(const struct command_call *call)
{
    json_t *answer = NULL;
    const char *version;
    char text[64];
    int status;

    (void)puts("xenballoon " PACKAGE_VERSION);
    (void)fflush(stdout); /* before what may follow on standard error */
    status = ask(call, "version", &answer);
    if (status != COMMAND_OK) {
        return status;
    }
    version = json_string_value(json_object_get(answer, "version"));
    (void)printf("xenballoon-backend %s\n",
                 version
                     ? escape_text(text, sizeof(text), version, strlen(version))
                     : "of unknown version");
    json_decref(answer);
    return COMMAND_OK;
}
