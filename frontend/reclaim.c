/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frontend/reclaim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/number.h"
#include "common/units.h"

/* Where systemd and OpenRC mount cgroup v2; with v1 there is none in it. */
#define GROUPS_DIR "sys/fs/cgroup"

/* A number and a line's end. */
#define TEXT_MAX 32

/* A descriptor of a file in a group, or -1. */
static int open_in(int dir_fd, const char *group, const char *file, int flags)
{
    int fd = -1;
    int group_fd =
        openat(dir_fd, group, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (group_fd >= 0) {
        fd = openat(group_fd, file, flags | O_CLOEXEC);
        (void)close(group_fd);
    }
    return fd;
}

/* 0 when it cannot be read. */
static uint64_t holds_kib(int dir_fd, const char *group)
{
    int fd = open_in(dir_fd, group, "memory.current", O_RDONLY);
    uint64_t bytes = 0;
    char text[TEXT_MAX];
    ssize_t len;

    if (fd < 0) {
        return 0;
    }
    len = read(fd, text, sizeof(text));
    (void)close(fd);
    if (len > 0 && text[len - 1] == '\n') {
        (void)number_parse(text, (size_t)len - 1, UINT64_MAX, &bytes);
    }
    return bytes / 1024;
}

/* EAGAIN says that it was hard: so be it. */
static void ask(int dir_fd, const char *group, uint64_t kib)
{
    int fd = open_in(dir_fd, group, "memory.reclaim", O_WRONLY);
    char text[TEXT_MAX];
    int len;

    if (fd < 0) {
        return;
    }
    len = snprintf(text, sizeof(text), "%" PRIu64 "K", kib);
    (void)!write(fd, text, (size_t)len);
    (void)close(fd);
}

static bool can_be_asked(int dir_fd, const char *group)
{
    int fd = group[0] == '.'
                 ? -1
                 : open_in(dir_fd, group, "memory.reclaim", O_WRONLY);

    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    return true;
}

static DIR *open_groups(const char *root)
{
    int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root_fd < 0 ? -1
                         : openat(root_fd, GROUPS_DIR,
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (root_fd >= 0) {
        (void)close(root_fd);
    }
    if (dir == NULL && fd >= 0) {
        (void)close(fd);
    }
    return dir;
}

bool reclaim_is_there(const char *root)
{
    DIR *dir = open_groups(root);
    const struct dirent *entry;
    bool is_there = false;

    while (dir != NULL && !is_there && (entry = readdir(dir)) != NULL) {
        is_there = can_be_asked(dirfd(dir), entry->d_name);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return is_there;
}

int reclaim_now(const char *root, uint64_t kib)
{
    DIR *dir = open_groups(root);
    const struct dirent *entry;
    unsigned int groups = 0;
    uint64_t sum_kib = 0;

    if (dir == NULL) {
        return -ENOENT;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (can_be_asked(dirfd(dir), entry->d_name)) {
            sum_kib += holds_kib(dirfd(dir), entry->d_name);
            groups++;
        }
    }
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        uint64_t part =
            units_scale(kib, holds_kib(dirfd(dir), entry->d_name), sum_kib);

        if (part > 0 && can_be_asked(dirfd(dir), entry->d_name)) {
            ask(dirfd(dir), entry->d_name, units_min(part, kib));
        }
    }
    (void)closedir(dir);
    return groups > 0 ? 0 : -ENOENT;
}
