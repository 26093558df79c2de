/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/savers.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "backend/hypervisor.h"
#include "backend/process.h"
#include "common/number.h"
#include "common/units.h"

#define HELPER "libxl-save-helper"

/*
 * As libxl runs it (seen with 4.17): mode, stream, back channel, domain, flags.
 * One that restores has another mode.
 */
#define MODE "--save-domain"
#define MODE_ARGUMENT 1
#define DOMAIN_ARGUMENT 4

/* More at a time are not looked at: each copies a guest's memory. */
#define SAVING_MAX 64

/* Its file is opened a moment before it has its command line. */
#define AWAIT_MS 1000
#define AWAIT_EACH_MS 20

/* That it has ended is heard; for the case that it was not. */
#define SAVING_EACH_MS 1000

/* The libexec folders of Debian, of other distributions and of Xen's own make. */
const char *const savers_folders[] = {
    "/usr/lib/xen-*/bin",
    "/usr/lib*/xen/bin",
    "/usr/local/lib*/xen/bin",
    NULL,
};

struct savers {
    const char *proc_dir;
    int fd;
    uint64_t await_until_ms; /* one has begun or ended: look until then */
    uint32_t saving[SAVING_MAX];
    unsigned int count;
};

/* Each folder in which there may be a helper.  0 or a negative errno. */
static int watch_folders(int fd, const char *pattern, bool *is_found)
{
    glob_t found;
    int r = 0;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0) {
        return 0;
    }
    for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
        if (inotify_add_watch(fd, found.gl_pathv[i],
                              IN_OPEN | IN_CLOSE_NOWRITE | IN_ONLYDIR) >= 0) {
            *is_found = true;
        } else if (errno != ENOENT && errno != ENOTDIR) {
            r = -errno;
        }
    }
    globfree(&found);
    return r;
}

int savers_open(const char *const *folders, const char *proc_dir,
                struct savers **ret_savers)
{
    struct savers *savers = calloc(1, sizeof(*savers));
    bool is_found = false;
    int r = 0;

    if (savers == NULL) {
        return -ENOMEM;
    }
    savers->proc_dir = proc_dir;
    savers->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (savers->fd < 0) {
        r = -errno;
    }
    for (; r == 0 && *folders != NULL; folders++) {
        r = watch_folders(savers->fd, *folders, &is_found);
    }
    if (r == 0 && !is_found) {
        r = -ENOENT;
    }
    if (r < 0) {
        savers_close(savers);
        return r;
    }
    savers->await_until_ms = 1;
    (void)savers_look(savers, 0);
    *ret_savers = savers;
    return 0;
}

void savers_close(struct savers *savers)
{
    if (savers == NULL) {
        return;
    }
    if (savers->fd >= 0) {
        (void)close(savers->fd);
    }
    free(savers);
}

int savers_fd(const struct savers *savers)
{
    return savers->fd;
}

/* Other files there are opened, too: xl's own, at each start of a domain. */
static bool is_of_helper(const struct inotify_event *event)
{
    return (event->mask & IN_Q_OVERFLOW) != 0 ||
           (event->len > 0 && strcmp(event->name, HELPER) == 0);
}

int savers_take(struct savers *savers, uint64_t now_ms)
{
    _Alignas(struct inotify_event) char events[4096];
    bool is_heard = false;
    ssize_t len;

    while ((len = read(savers->fd, events, sizeof(events))) > 0) {
        const char *at = events;

        while (at < events + len) {
            const struct inotify_event *event = (const void *)at;

            is_heard = is_heard || is_of_helper(event);
            at += sizeof(*event) + event->len;
        }
    }
    if (len < 0 && errno != EAGAIN && errno != EINTR) {
        return -errno;
    }
    if (is_heard) {
        savers->await_until_ms = now_ms + AWAIT_MS;
    }
    return is_heard;
}

bool savers_parse(const char *command, size_t len, uint32_t *ret_domid)
{
    const char *end = command + len;
    const char *at = command;
    uint64_t domid;

    if (strcmp(process_base_name(command), HELPER) != 0) {
        return false;
    }
    for (unsigned int i = 0; i < DOMAIN_ARGUMENT; i++) {
        if (i == MODE_ARGUMENT && strcmp(at, MODE) != 0) {
            return false;
        }
        at += strlen(at) + 1;
        if (at >= end) {
            return false;
        }
    }
    if (number_parse(at, strlen(at), HYPERVISOR_DOMIDS - 1, &domid) < 0) {
        return false;
    }
    *ret_domid = (uint32_t)domid;
    return true;
}

/* True when there is no room for more. */
static bool look_at(void *arg, const char *proc_dir, const char *pid)
{
    struct savers *savers = arg;
    size_t len;
    char *command = process_read(proc_dir, pid, "cmdline", &len);

    if (command != NULL &&
        savers_parse(command, len, &savers->saving[savers->count])) {
        savers->count++;
    }
    free(command);
    return savers->count == SAVING_MAX;
}

uint64_t savers_look(struct savers *savers, uint64_t now_ms)
{
    bool is_awaited = now_ms < savers->await_until_ms;

    if (!is_awaited && savers->count == 0) {
        return UINT64_MAX;
    }
    savers->count = 0;
    (void)process_find(savers->proc_dir, look_at, savers);
    if (is_awaited) {
        return now_ms + AWAIT_EACH_MS;
    }
    return savers->count > 0 ? now_ms + SAVING_EACH_MS : UINT64_MAX;
}

bool savers_save(const struct savers *savers, uint32_t domid)
{
    for (unsigned int i = 0; savers != NULL && i < savers->count; i++) {
        if (savers->saving[i] == domid) {
            return true;
        }
    }
    return false;
}
