/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client passes through two states: asking, until its line is whole, and
 * being answered, until everything has been sent.  Whatever goes wrong with one
 * costs that one its connection.
 */
#include "backend/control.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* As many as there are slots may wait for one. */
#define BACKLOG CONTROL_CLIENTS_MAX

/* No new client is taken for so long when descriptors have run out. */
#define PAUSE_MS 100

struct client {
    struct control *control;
    int fd; /* -1: a free slot */
    bool is_root;
    uint64_t deadline_ms; /* 0: not yet known */
    char request[CONTROL_REQUEST_MAX];
    size_t request_len;
    char *answer; /* NULL while asking */
    size_t answer_len;
    size_t sent;
};

struct control {
    struct loop *loop;
    control_answer_fn *answer;
    void *arg;
    struct sockaddr_un address;
    int listen_fd;
    bool is_paused;
    uint64_t paused_until_ms; /* 0: not yet known */
    struct client clients[CONTROL_CLIENTS_MAX];
};

static int clear_stale_socket(const struct control *control);
static int bind_socket(struct control *control, const char *group);
static void listener_ready(void *arg, short revents);
static void client_ready(void *arg, short revents);

/* ---- Life ---- */

static int set_address(struct control *control, const char *path)
{
    size_t len = strlen(path);

    control->address.sun_family = AF_UNIX;
    if (len == 0 || len >= sizeof(control->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(control->address.sun_path, path, len + 1);
    return 0;
}

static int start(struct control *control, const char *path, const char *group)
{
    int r;

    if ((r = set_address(control, path)) < 0 ||
        (r = clear_stale_socket(control)) < 0 ||
        (r = bind_socket(control, group)) < 0) {
        return r;
    }
    return loop_add(control->loop, control->listen_fd, POLLIN, listener_ready,
                    control);
}

int control_new(struct loop *loop, const char *path, const char *group,
                control_answer_fn *answer, void *arg, struct control **ret)
{
    struct control *control = calloc(1, sizeof(*control));
    int r;

    if (!control) {
        return -ENOMEM;
    }
    control->loop = loop;
    control->answer = answer;
    control->arg = arg;
    control->listen_fd = -1;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        control->clients[i].control = control;
        control->clients[i].fd = -1;
    }
    r = start(control, path, group);
    if (r < 0) {
        control_free(control);
        return r;
    }
    *ret = control;
    return 0;
}

/* With pauses and full slots taken into account. */
static void listen_or_not(struct control *control)
{
    bool has_room = false;

    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        has_room |= control->clients[i].fd < 0;
    }
    (void)loop_change(control->loop, control->listen_fd,
                      has_room && !control->is_paused ? POLLIN : 0);
}

static void drop(struct client *client)
{
    struct control *control = client->control;

    if (client->fd < 0) {
        return;
    }
    loop_remove(control->loop, client->fd);
    (void)close(client->fd);
    free(client->answer);
    *client = (struct client){.control = control, .fd = -1};
    listen_or_not(control);
}

void control_free(struct control *control)
{
    if (!control) {
        return;
    }
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        drop(&control->clients[i]);
    }
    if (control->listen_fd >= 0) {
        loop_remove(control->loop, control->listen_fd);
        (void)close(control->listen_fd);
        (void)unlink(control->address.sun_path);
    }
    free(control);
}

/* ---- The listening socket ---- */

/* 0 when nobody listens there. */
static int check_nobody_listens(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = -EADDRINUSE; /* also when its backlog is full: EAGAIN */

    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
        errno != EAGAIN) {
        r = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
    }
    (void)close(fd);
    return r;
}

static int clear_stale_socket(const struct control *control)
{
    const char *path = control->address.sun_path;
    struct stat status;
    int r;

    if (lstat(path, &status) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return -EEXIST; /* somebody's file, not a socket left behind */
    }
    r = check_nobody_listens(&control->address);
    if (r < 0) {
        return r;
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/*
 * Opened to the group only when the group could be given; else it stays with
 * the owner alone.
 */
static int open_to_group(const char *path, const char *group)
{
    const struct group *entry = getgrnam(group);

    if (chown(path, (uid_t)-1, entry ? entry->gr_gid : 0) < 0) {
        return errno == EPERM ? 0 : -errno;
    }
    return chmod(path, 0660) < 0 ? -errno : 0;
}

static int bind_socket(struct control *control, const char *group)
{
    const char *path = control->address.sun_path;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = 0;

    if (fd < 0) {
        return -errno;
    }
    /* Before bind(), for then the file is born with this mode. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&control->address,
                                     sizeof(control->address)) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    control->listen_fd = fd; /* from here on, control_free() removes the file */
    r = open_to_group(path, group);
    if (r < 0) {
        return r;
    }
    return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* ---- Clients ---- */

static struct client *free_slot(struct control *control)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd < 0) {
            return &control->clients[i];
        }
    }
    return NULL;
}

static bool peer_is_root(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           peer.uid == 0;
}

static void admit(struct control *control, struct client *client, int fd)
{
    if (loop_add(control->loop, fd, POLLIN, client_ready, client) < 0) {
        (void)close(fd);
        return;
    }
    client->fd = fd;
    client->is_root = peer_is_root(fd);
    listen_or_not(control);
}

static void listener_ready(void *arg, short revents)
{
    struct control *control = arg;
    struct client *client = free_slot(control);
    int fd;

    (void)revents;
    if (!client) {
        return;
    }
    fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        admit(control, client, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
               errno == ENOMEM) {
        /* The client stays in the queue: without a pause poll() would spin. */
        control->is_paused = true;
        listen_or_not(control);
    }
}

/* Takes over text, a malloc()ed line without newline. */
static void begin_answer(struct client *client, char *text)
{
    size_t len;

    if (!text) {
        drop(client); /* out of memory: silence is all that is left */
        return;
    }
    len = strlen(text);
    text[len] = '\n'; /* in the place of the NUL, which nobody needs now */
    client->answer = text;
    client->answer_len = len + 1;
    (void)loop_change(client->control->loop, client->fd, POLLOUT);
}

/* sentence is ours, so that nothing in it needs quoting. */
static void refuse(struct client *client, const char *sentence)
{
    char *text = NULL;

    if (asprintf(&text, "{\"error\":\"%s\",\"code\":\"request\"}", sentence) <
        0) {
        text = NULL;
    }
    begin_answer(client, text);
}

static bool has_control_bytes(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* len bytes before the newline; what follows it is nobody's. */
static void take_request(struct client *client, size_t len)
{
    struct control *control = client->control;

    if (has_control_bytes(client->request, len)) {
        refuse(client, "the request is no line of text");
        return;
    }
    client->request[len] = '\0';
    begin_answer(client, control->answer(control->arg, client->request,
                                         client->is_root));
}

static void read_request(struct client *client)
{
    size_t room = sizeof(client->request) - client->request_len;
    char *start_of_new = client->request + client->request_len;
    const char *newline;
    ssize_t got = recv(client->fd, start_of_new, room, 0);

    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop(client);
        }
        return;
    }
    newline = memchr(start_of_new, '\n', (size_t)got);
    client->request_len += (size_t)got;
    if (newline) {
        take_request(client, (size_t)(newline - client->request));
    } else if (client->request_len == sizeof(client->request)) {
        refuse(client, "the request is too long");
    } else if (got == 0 && client->request_len > 0) {
        refuse(client, "the request does not end in a newline");
    } else if (got == 0) {
        drop(client);
    }
}

static void send_answer(struct client *client)
{
    ssize_t put = send(client->fd, client->answer + client->sent,
                       client->answer_len - client->sent, MSG_NOSIGNAL);

    if (put < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop(client);
        }
        return;
    }
    client->sent += (size_t)put;
    if (client->sent == client->answer_len) {
        drop(client);
    }
}

static void client_ready(void *arg, short revents)
{
    struct client *client = arg;

    (void)revents; /* an error shows in what recv() or send() returns */
    if (client->answer) {
        send_answer(client);
    } else {
        read_request(client);
    }
}

/* Returns when the pause ends. */
static uint64_t expire_pause(struct control *control, uint64_t now_ms)
{
    if (!control->is_paused) {
        return UINT64_MAX;
    }
    if (control->paused_until_ms == 0) {
        control->paused_until_ms = now_ms + PAUSE_MS;
    }
    if (now_ms < control->paused_until_ms) {
        return control->paused_until_ms;
    }
    control->is_paused = false;
    control->paused_until_ms = 0;
    listen_or_not(control);
    return UINT64_MAX;
}

uint64_t control_expire(struct control *control, uint64_t now_ms)
{
    uint64_t next_ms = expire_pause(control, now_ms);

    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];

        if (client->fd < 0) {
            continue;
        }
        if (client->deadline_ms == 0) {
            client->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
        }
        if (client->deadline_ms <= now_ms) {
            drop(client);
        } else if (client->deadline_ms < next_ms) {
            next_ms = client->deadline_ms;
        }
    }
    return next_ms;
}
