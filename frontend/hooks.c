/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory is read again for each hook: the next one is the first by name
 * after the last, so that no list has to be kept.
 */
#include "frontend/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/units.h"

int hooks_init(struct hooks *hooks, const char *root, uid_t owner,
               struct child *child)
{
    int len;

    memset(hooks, 0, sizeof(*hooks));
    hooks->owner = owner;
    hooks->child = child;
    len = snprintf(hooks->dir, sizeof(hooks->dir), "%s/" HOOKS_DIR,
                   strcmp(root, "/") == 0 ? "" : root);
    return len < 0 || (size_t)len >= sizeof(hooks->dir) ? -ENAMETOOLONG : 0;
}

/* ---- Which --------------------------------------------------------------- */

static bool is_name(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "0123456789_-")] == '\0';
}

static bool is_owners_alone(const struct hooks *hooks, const struct stat *about)
{
    return about->st_uid == hooks->owner &&
           (about->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

enum verdict { NO_HOOK, NOT_SAFE, HOOK };

static enum verdict judge(const struct hooks *hooks, int dir_fd,
                          const char *name)
{
    struct stat about;

    if (!is_name(name) || fstatat(dir_fd, name, &about, 0) < 0 ||
        !S_ISREG(about.st_mode) || (about.st_mode & S_IXUSR) == 0) {
        return NO_HOOK;
    }
    return is_owners_alone(hooks, &about) ? HOOK : NOT_SAFE;
}

/* NULL when there is none, or none that can be trusted. */
static DIR *open_dir(const struct hooks *hooks)
{
    struct stat about;
    DIR *dir = opendir(hooks->dir);

    if (dir != NULL &&
        (fstat(dirfd(dir), &about) < 0 || !is_owners_alone(hooks, &about))) {
        log_warning("hooks can be written by others, not run dir=\"%s\"",
                    hooks->dir);
        (void)closedir(dir);
        dir = NULL;
    }
    return dir;
}

/*
 * The first after name, "" when there is none.  Those that are passed over are
 * named when is_told.
 */
static void find_next(const struct hooks *hooks, const char *name, bool is_told,
                      char next[NAME_MAX + 1])
{
    DIR *dir = open_dir(hooks);
    const struct dirent *entry;

    next[0] = '\0';
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *found = entry->d_name;
        enum verdict verdict;

        if (strcmp(found, name) <= 0 ||
            (next[0] != '\0' && strcmp(found, next) >= 0)) {
            continue;
        }
        verdict = judge(hooks, dirfd(dir), found);
        if (verdict == HOOK) {
            (void)snprintf(next, NAME_MAX + 1, "%s", found);
        } else if (verdict == NOT_SAFE && is_told) {
            log_warning("hook can be written by others, not run name=\"%s\"",
                        found);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

bool hooks_are_there(const struct hooks *hooks)
{
    char first[NAME_MAX + 1];

    find_next(hooks, "", false, first);
    return first[0] != '\0';
}

/* ---- Running ------------------------------------------------------------- */

/* A variable of the environment: its name, and room for a number. */
#define VARIABLE_MAX 64

static int start(struct hooks *hooks, uint64_t now_ms)
{
    char path[HOOKS_DIR_MAX + NAME_MAX + 2];
    char shrink[VARIABLE_MAX], target[VARIABLE_MAX], deadline[VARIABLE_MAX];
    const char *const arguments[] = {path, NULL};
    const char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/",
        "XENBALLOON_EVENT=shrink",
        shrink,
        target,
        deadline,
        NULL,
    };

    (void)snprintf(path, sizeof(path), "%s/%s", hooks->dir, hooks->name);
    (void)snprintf(shrink, sizeof(shrink), "XENBALLOON_SHRINK_KIB=%" PRIu64,
                   hooks->shrink_kib);
    (void)snprintf(target, sizeof(target), "XENBALLOON_TARGET_KIB=%" PRIu64,
                   hooks->target_kib);
    (void)snprintf(deadline, sizeof(deadline),
                   "XENBALLOON_DEADLINE_MS=%" PRIu64,
                   units_less(hooks->deadline_ms, now_ms));
    return child_start(hooks->child, path, arguments, environment);
}

/* Those that cannot be started are passed over. */
static bool start_next(struct hooks *hooks, uint64_t now_ms)
{
    char next[NAME_MAX + 1];

    while (hooks->run < HOOKS_MAX) {
        int r;

        find_next(hooks, hooks->name, hooks->run == 0, next);
        if (next[0] == '\0') {
            break;
        }
        (void)memcpy(hooks->name, next, sizeof(next));
        hooks->run++;
        r = start(hooks, now_ms);
        if (r == 0) {
            log_debug("hook begins name=\"%s\"", hooks->name);
            return true;
        }
        log_warning("hook cannot be started name=\"%s\": %s", hooks->name,
                    strerror(-r));
    }
    hooks->is_at_work = false;
    return false;
}

void hooks_start(struct hooks *hooks, uint64_t shrink_kib, uint64_t target_kib,
                 uint64_t deadline_ms, uint64_t now_ms)
{
    hooks_stop(hooks);
    hooks->shrink_kib = shrink_kib;
    hooks->target_kib = target_kib;
    hooks->deadline_ms = deadline_ms;
    hooks->name[0] = '\0';
    hooks->run = 0;
    hooks->is_at_work = true;
    (void)start_next(hooks, now_ms);
}

static void note_end(const struct hooks *hooks, int status)
{
    if (status == -1) {
        log_warning("hook was lost sight of name=\"%s\"", hooks->name);
    } else if (WIFSIGNALED(status)) {
        log_warning("hook was killed name=\"%s\" signal=%d", hooks->name,
                    WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        log_warning("hook failed name=\"%s\" status=%d", hooks->name,
                    WEXITSTATUS(status));
    } else {
        log_info("hook has run name=\"%s\" status=0", hooks->name);
    }
}

bool hooks_go_on(struct hooks *hooks, int status, uint64_t now_ms)
{
    if (!hooks->is_at_work) {
        return false;
    }
    note_end(hooks, status);
    return start_next(hooks, now_ms);
}

void hooks_stop(struct hooks *hooks)
{
    if (!hooks->is_at_work) {
        return;
    }
    log_warning("hook is out of time, killed name=\"%s\"", hooks->name);
    child_stop(hooks->child);
    hooks->is_at_work = false;
}
