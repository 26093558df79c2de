/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another file, in place of the one before: no reader sees half of one. */
#include "frontend/statusfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/units.h"

/* The umask is not to decide who may read it. */
static int fill(int fd, const char *text)
{
    size_t len = strlen(text);
    ssize_t put;

    if (fchmod(fd, 0644) < 0) {
        return -errno;
    }
    put = write(fd, text, len);
    if (put < 0) {
        return -errno;
    }
    return (size_t)put == len ? 0 : -ENOSPC;
}

static int replace(const char *path, const char *text)
{
    char other[PATH_MAX];
    int fd, r;

    r = snprintf(other, sizeof(other), "%s.new", path);
    if (r < 0 || (size_t)r >= sizeof(other)) {
        return -ENAMETOOLONG;
    }
    fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
              0644);
    if (fd < 0) {
        return -errno;
    }
    r = fill(fd, text);
    if (close(fd) < 0 && r == 0) {
        r = -errno;
    }
    if (r == 0 && rename(other, path) < 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)unlink(other);
    }
    return r;
}

static void note(struct statusfile *file, int r)
{
    if (r < 0 && file->error == 0) {
        log_warning("status cannot be written, going on without path=\"%s\" "
                    "error=\"%s\"",
                    file->path, strerror(-r));
    }
    file->error = r;
}

uint64_t statusfile_keep(struct statusfile *file, const char *text,
                         uint64_t now_ms)
{
    uint64_t due_ms = units_add(file->tried_ms, STATUSFILE_GAP_MS);

    if (file->was_tried && strcmp(text, file->text) == 0) {
        return UINT64_MAX;
    }
    if (file->was_tried && now_ms < due_ms) {
        return due_ms;
    }
    file->was_tried = true;
    file->tried_ms = now_ms;
    (void)snprintf(file->text, sizeof(file->text), "%s", text);
    note(file, replace(file->path, text));
    return UINT64_MAX;
}

void statusfile_remove(struct statusfile *file)
{
    if (file->was_tried && file->error == 0) {
        (void)unlink(file->path);
    }
    file->was_tried = false;
}
