/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frontend/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

/*
 * The daemon blocks signals, to see them in its loop, ignores SIGPIPE, and goes
 * before all who wait for memory; nothing of that is to be handed down.
 */
static int set_attributes(posix_spawnattr_t *attributes)
{
    const struct sched_param ordinary = {.sched_priority = 0};
    sigset_t none, defaults;
    int r;

    (void)sigemptyset(&none);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    r = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSCHEDULER |
                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (r == 0) {
        r = posix_spawnattr_setschedpolicy(attributes, SCHED_OTHER);
    }
    if (r == 0) {
        r = posix_spawnattr_setschedparam(attributes, &ordinary);
    }
    if (r == 0) {
        r = posix_spawnattr_setpgroup(attributes, 0);
    }
    if (r == 0) {
        r = posix_spawnattr_setsigmask(attributes, &none);
    }
    if (r == 0) {
        r = posix_spawnattr_setsigdefault(attributes, &defaults);
    }
    return r;
}

/* posix_spawn(3) takes strings that it does not change, but does not say so. */
static char *const *unchanged(const char *const strings[])
{
    return (char *const *)(const void *)strings;
}

int child_start(struct child *child, const char *path,
                const char *const arguments[], const char *const environment[])
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    pid_t pid;
    int r;

    r = posix_spawnattr_init(&attributes);
    if (r != 0) {
        return -r;
    }
    r = posix_spawn_file_actions_init(&files);
    if (r != 0) {
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
    }
    r = set_attributes(&attributes);
    if (r == 0) {
        r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
                                             0);
    }
    if (r == 0) {
        r = posix_spawn(&pid, path, &files, &attributes, unchanged(arguments),
                        unchanged(environment));
    }
    if (r == 0) {
        child->pid = pid;
    }
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return -r;
}

bool child_runs(struct child *child, int *ret_status)
{
    int status;
    pid_t pid;

    *ret_status = -1;
    if (child->pid == 0 && child->killed == 0) {
        return false;
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == child->pid) {
            *ret_status = status;
            child->pid = 0;
        } else if (child->killed > 0) {
            child->killed--;
        }
    }
    return child->pid != 0;
}

void child_stop(struct child *child)
{
    if (child->pid == 0) {
        return;
    }
    (void)kill(-child->pid, SIGKILL); /* gone already: so be it */
    child->pid = 0;
    child->killed++;
}
