/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain blocking calls: the kernel's own timeouts on the socket bound each of
 * them.
 */
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_ROOM 65536U

/* A timeout of the socket shows as EAGAIN. */
static int name_error(int error)
{
    return error == EAGAIN ? -ETIMEDOUT : -error;
}

static int connect_to(const char *path, int *ret_fd)
{
    const struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;
    int r = 0;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) <
            0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) <
            0) {
        r = -errno;
    } else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
               0) {
        r = name_error(errno);
    }
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t put = send(fd, text, len, MSG_NOSIGNAL);

        if (put < 0 && errno != EINTR) {
            return name_error(errno);
        }
        if (put > 0) {
            text += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

static int send_line(int fd, const char *request)
{
    char *line = NULL;
    int len = asprintf(&line, "%s\n", request);
    int r;

    if (len < 0) {
        return -ENOMEM;
    }
    r = send_all(fd, line, (size_t)len);
    free(line);
    return r;
}

struct answer {
    char *text;
    size_t len;
    size_t room;
};

static int grow(struct answer *answer)
{
    size_t room = answer->room ? 2 * answer->room : FIRST_ROOM;
    char *text;

    if (answer->room >= CLIENT_ANSWER_MAX) {
        return -EFBIG;
    }
    text = realloc(answer->text, room);
    if (!text) {
        return -ENOMEM;
    }
    answer->text = text;
    answer->room = room;
    return 0;
}

/* One read; 1 when the line is whole, and then ends in NUL. */
static int receive_some(int fd, struct answer *answer)
{
    char *newline;
    ssize_t got;

    if (answer->len == answer->room) {
        int r = grow(answer);

        if (r < 0) {
            return r;
        }
    }
    got = recv(fd, answer->text + answer->len, answer->room - answer->len, 0);
    if (got < 0) {
        return errno == EINTR ? 0 : name_error(errno);
    }
    if (got == 0) {
        return -EPROTO;
    }
    newline = memchr(answer->text + answer->len, '\n', (size_t)got);
    answer->len += (size_t)got;
    if (newline) {
        *newline = '\0';
        return 1;
    }
    return 0;
}

static int receive_line(int fd, char **ret_answer)
{
    struct answer answer = {0};
    int r;

    do {
        r = receive_some(fd, &answer);
    } while (r == 0);
    if (r < 0) {
        free(answer.text);
        return r;
    }
    *ret_answer = answer.text;
    return 0;
}

int client_ask(const char *path, const char *request, char **ret_answer)
{
    int fd = -1;
    int r = connect_to(path, &fd);

    if (r < 0) {
        return r;
    }
    r = send_line(fd, request);
    /*
     * The backend may answer and close before it has read everything, of a
     * request that is too long for it: the answer is there all the same.
     */
    if (r == 0 || r == -EPIPE) {
        r = receive_line(fd, ret_answer);
    }
    (void)close(fd);
    return r;
}
