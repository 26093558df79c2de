/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of /proc say that they are empty, so the size is found by reading.
 */
#include "common/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ? -EINVAL : 0;
}

static int read_all(int fd, char *text, size_t max, size_t *ret_len)
{
    size_t len = 0;
    ssize_t got;

    do {
        got = read(fd, text + len, max - len);
        if (got < 0) {
            return -errno;
        }
        len += (size_t)got;
    } while (got > 0 && len < max);
    text[len] = '\0';
    *ret_len = len;
    return 0;
}

int textfile_read(const char *path, size_t max, char **ret_text,
                  size_t *ret_len)
{
    /* Opening a pipe without O_NONBLOCK waits for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = NULL;
    int r;

    if (fd < 0) {
        return -errno;
    }
    r = check_kind(fd);
    if (r < 0) {
        goto out;
    }
    text = malloc(max + 1);
    if (!text) {
        r = -ENOMEM;
        goto out;
    }
    r = read_all(fd, text, max, ret_len);
    if (r == 0) {
        *ret_text = text;
        text = NULL;
    }
out:
    free(text);
    (void)close(fd);
    return r;
}
