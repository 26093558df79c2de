/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both of the child's ends are one socket, whose timeouts bound every wait.  It
 * has a process group of its own: ctrl-C is ours, and what it leaves behind is
 * ended with it.
 */
#include "simulate/child.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "backend/fields.h"
#include "common/escape.h"
#include "common/lines.h"
#include "common/units.h"
#include "simulate/policy.h"

/* What is shown of an answer. */
#define SHOWN_MAX 64

/* How much is read of what it still says at its end, in pieces of 4 KiB. */
#define FAREWELL_MAX 16

struct child {
    const struct course *course;
    pid_t pid;
    int fd;
    FILE *answers; /* the same socket, to read from */
    struct lines lines;
    uint64_t *targets_kib; /* as many as the course has domains */
    uint64_t questions;
    unsigned int patience_ms;
    char error[CHILD_ERROR_MAX];
};

static int __attribute__((format(printf, 3, 4)))
fail(struct child *child, int r, const char *format, ...)
{
    char what[CHILD_ERROR_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    (void)snprintf(child->error, sizeof(child->error),
                   "question %" PRIu64 ": the policy command %s",
                   child->questions, what);
    return r;
}

/* ---- The process --------------------------------------------------------- */

static int set_patience(int fd, unsigned int ms)
{
    const struct timeval patience = {
        .tv_sec = ms / 1000,
        .tv_usec = (suseconds_t)(ms % 1000) * 1000,
    };

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                      sizeof(patience)) < 0 ||
                   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
                              sizeof(patience)) < 0
               ? -errno
               : 0;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    int r;

    (void)sigemptyset(&none);
    r = posix_spawnattr_setsigmask(attributes, &none);
    r = r != 0 ? r : posix_spawnattr_setpgroup(attributes, 0);
    return r != 0 ? r
                  : posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETPGROUP);
}

/* The functions of posix_spawn() return errno itself. */
static int spawn(const char *command, int fd, pid_t *ret_pid)
{
    char shell[] = "sh";
    char option[] = "-c";
    char *copy = strdup(command);
    char *arguments[] = {shell, option, copy, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r;

    if (!copy) {
        return -ENOMEM;
    }
    r = posix_spawn_file_actions_init(&actions);
    if (r != 0) {
        goto out;
    }
    r = posix_spawnattr_init(&attributes);
    if (r != 0) {
        goto out_actions;
    }
    r = set_attributes(&attributes);
    r = r != 0 ? r : posix_spawn_file_actions_adddup2(&actions, fd, 0);
    r = r != 0 ? r : posix_spawn_file_actions_adddup2(&actions, fd, 1);
    r = r != 0 ? r
               : posix_spawn(ret_pid, "/bin/sh", &actions, &attributes,
                             arguments, environ);
    (void)posix_spawnattr_destroy(&attributes);
out_actions:
    (void)posix_spawn_file_actions_destroy(&actions);
out:
    free(copy);
    return -r;
}

static int start(struct child *child, const char *command)
{
    int fds[2];
    int r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return -errno;
    }
    child->fd = fds[0];
    r = set_patience(child->fd, child->patience_ms);
    if (r == 0) {
        r = spawn(command, fds[1], &child->pid);
    }
    (void)close(fds[1]);
    if (r < 0) {
        return r;
    }
    child->answers = fdopen(child->fd, "r");
    if (!child->answers) {
        return -errno;
    }
    lines_init(&child->lines, child->answers, CHILD_ANSWER_MAX);
    return 0;
}

/* It is told that nothing more comes, and may end by itself. */
static void bid_farewell(const struct child *child)
{
    char ignored[4096];
    unsigned int i;

    (void)shutdown(child->fd, SHUT_WR);
    if (set_patience(child->fd, CHILD_LEAVE_MS) < 0) {
        return;
    }
    for (i = 0; i < FAREWELL_MAX; i++) {
        if (recv(child->fd, ignored, sizeof(ignored), 0) <= 0) {
            return;
        }
    }
}

/* Who has failed is not listened to any more. */
static void leave(const struct child *child)
{
    if (child->error[0] == '\0') {
        bid_farewell(child);
    }
    (void)kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void child_done(void *state)
{
    struct child *child = state;

    if (!child) {
        return;
    }
    if (child->pid > 0) {
        leave(child);
    }
    lines_done(&child->lines);
    if (child->answers) {
        (void)fclose(child->answers);
    } else if (child->fd >= 0) {
        (void)close(child->fd);
    }
    free(child->targets_kib);
    free(child);
}

/* ---- Asking -------------------------------------------------------------- */

static json_t *write_domain(const struct child *child,
                            const struct snapshot_domain *seen,
                            unsigned int index)
{
    json_t *object = fields_write(&fields_domain, seen, NULL);
    const char *name = child->course->domains[index].name;
    char shown[4 * SETTINGS_NAME_MAX];
    json_t *text = json_string(name);

    /* Bytes that are no text are shown as people see them. */
    if (!text) {
        text =
            json_string(escape_text(shown, sizeof(shown), name, strlen(name)));
    }
    if (json_object_set_new(object, "name", text) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* NULL: out of memory. */
static char *write_question(const struct child *child,
                            const struct snapshot *snapshot,
                            const unsigned int *domains_of)
{
    json_t *object = fields_write(&fields_snapshot, snapshot, NULL);
    json_t *domains = json_array();
    char *text = NULL;
    int r = domains ? 0 : -1;

    for (unsigned int i = 0; r == 0 && i < snapshot->count; i++) {
        r = json_array_append_new(
            domains, write_domain(child, &snapshot->domains[i], domains_of[i]));
    }
    r |= json_object_set_new(object, "domains", domains);
    if (r == 0) {
        text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    }
    json_decref(object);
    return text;
}

static int say(struct child *child, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(child->fd, text, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return -errno;
        }
        text += sent;
        len -= (size_t)sent;
    }
    return 0;
}

/* How it ended, once it has. */
static int fail_ended(struct child *child)
{
    int status = 0;

    (void)kill(-child->pid, SIGKILL);
    if (waitpid(child->pid, &status, 0) != child->pid) {
        return fail(child, -EPIPE, "closed its ends");
    }
    child->pid = 0;
    if (WIFEXITED(status)) {
        return fail(child, -EPIPE, "ended with status %d instead of answering",
                    WEXITSTATUS(status));
    }
    return fail(child, -EPIPE,
                "ended by signal %d, or closed its output, instead of "
                "answering",
                WTERMSIG(status));
}

static int fail_talk(struct child *child, int r)
{
    switch (r) {
    case -EAGAIN:
        return fail(child, -ETIMEDOUT, "did not answer within %u ms",
                    child->patience_ms);
    case 0:
    case -EPIPE:
    case -ECONNRESET:
        return fail_ended(child);
    case -E2BIG:
        return fail(child, -EPROTO,
                    "answered with more than %u bytes, expected one line",
                    CHILD_ANSWER_MAX);
    default:
        return fail(child, r, "cannot be asked: %s", strerror(-r));
    }
}

static int ask(struct child *child, const struct snapshot *snapshot,
               const unsigned int *domains_of)
{
    char *text = write_question(child, snapshot, domains_of);
    int r;

    if (!text) {
        return -ENOMEM;
    }
    child->questions++;
    r = say(child, text, strlen(text));
    free(text);
    if (r == 0) {
        r = say(child, "\n", 1);
    }
    if (r < 0) {
        return fail_talk(child, r);
    }
    r = lines_next(&child->lines);
    return r > 0 ? 0 : fail_talk(child, r);
}

/* ---- Taking the answer --------------------------------------------------- */

static int refuse(struct child *child, const char *expected)
{
    char shown[SHOWN_MAX];

    return fail(
        child, -EPROTO, "answered '%s', expected %s",
        escape_text(shown, sizeof(shown), child->lines.text, child->lines.len),
        expected);
}

/* Both ascend by domid, but an answer is in any order. */
static int find_domain(const struct snapshot *snapshot, json_int_t domid)
{
    unsigned int low = 0;
    unsigned int high = snapshot->count;

    while (low < high) {
        unsigned int middle = low + (high - low) / 2;

        if (snapshot->domains[middle].domid < domid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < snapshot->count && snapshot->domains[low].domid == domid
               ? (int)low
               : -ENOENT;
}

static int take_target(struct child *child, const struct snapshot *snapshot,
                       const json_t *untrusted)
{
    const json_t *domid = json_object_get(untrusted, "domid");
    const json_t *target = json_object_get(untrusted, "target_kib");
    int index;

    if (!json_is_integer(domid) || !json_is_integer(target) ||
        json_integer_value(target) < 0) {
        return refuse(child, "each of targets to be {\"domid\":NUMBER,"
                             "\"target_kib\":NUMBER}");
    }
    index = find_domain(snapshot, json_integer_value(domid));
    if (index < 0) {
        return refuse(child, "no domid but those that it was asked about");
    }
    child->targets_kib[index] =
        units_min((uint64_t)json_integer_value(target), UNITS_KIB_MAX);
    return 0;
}

static int take_targets(struct child *child, const struct snapshot *snapshot,
                        const json_t *untrusted)
{
    const json_t *targets = json_object_get(untrusted, "targets");
    int r = 0;

    if (!json_is_array(targets)) {
        return refuse(child, "{\"targets\":[{\"domid\":1,\"target_kib\":1048576"
                             "},...]}");
    }
    for (unsigned int i = 0; i < snapshot->count; i++) {
        child->targets_kib[i] = snapshot->domains[i].target_kib;
    }
    for (size_t i = 0; r == 0 && i < json_array_size(targets); i++) {
        r = take_target(child, snapshot, json_array_get(targets, i));
    }
    return r;
}

/* It may ask to be asked sooner, but never at the same moment for ever. */
static int take_next(struct child *child, const struct snapshot *snapshot,
                     const json_t *untrusted, struct plan *plan)
{
    const json_t *next = json_object_get(untrusted, "next_ms");

    if (!next) {
        return 0;
    }
    if (!json_is_integer(next) ||
        json_integer_value(next) <= (json_int_t)snapshot->now_ms) {
        return refuse(child, "next_ms to be a number above now_ms");
    }
    plan->next_ms =
        units_min(plan->next_ms, (uint64_t)json_integer_value(next));
    return 0;
}

static int child_plan(void *state, const struct snapshot *snapshot,
                      const unsigned int *domains_of, struct plan *plan)
{
    struct child *child = state;
    json_t *untrusted;
    int r = ask(child, snapshot, domains_of);

    if (r < 0) {
        return r;
    }
    untrusted = json_loadb(child->lines.text, child->lines.len,
                           JSON_REJECT_DUPLICATES, NULL);
    r = take_targets(child, snapshot, untrusted);
    if (r == 0) {
        policy_toward(snapshot, child->targets_kib, plan);
        r = take_next(child, snapshot, untrusted, plan);
    }
    json_decref(untrusted);
    return r;
}

/* ---- As a policy --------------------------------------------------------- */

int child_policy_init(const char *command, const struct course *course,
                      unsigned int patience_ms, struct run_policy *ret_policy)
{
    struct child *child = calloc(1, sizeof(*child));
    int r;

    if (!child) {
        return -ENOMEM;
    }
    child->course = course;
    child->patience_ms = patience_ms;
    child->fd = -1;
    child->targets_kib =
        calloc(course->count + 1U, sizeof(*child->targets_kib));
    r = child->targets_kib ? start(child, command) : -ENOMEM;
    if (r < 0) {
        child_done(child);
        return r;
    }
    *ret_policy = (struct run_policy){
        .name = "command",
        .plan = child_plan,
        .state = child,
        .done = child_done,
    };
    return 0;
}

const char *child_policy_error(const struct run_policy *policy)
{
    const struct child *child = policy->state;

    return policy->plan == child_plan ? child->error : "";
}
