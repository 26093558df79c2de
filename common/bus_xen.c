/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus through libxenstore.  Only translation happens here: libxenstore's
 * booleans and errno into the results that bus.h promises.  The handle is
 * never repaired: when xenstored is gone, so is the handle.
 */
#include "common/bus_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore.h>

struct bus_xen {
    struct xs_handle *xs;
    int fd;
};

/*
 * libxenstore 4.17 answers EBADF on a handle whose connection is lost (and
 * closes it itself when xenstored answers nonsense), EPIPE or ECONNRESET when
 * it notices in the middle of a request.
 */
static int error_from(int error)
{
    switch (error) {
    case EBADF:
    case EPIPE:
    case ECONNRESET:
        return -ENOTCONN;
    case 0:
        return -EIO; /* a failure that does not say why is one nevertheless */
    default:
        return -error;
    }
}

static int result_of(bool done)
{
    return done ? 0 : error_from(errno);
}

static int xen_read(void *state, bus_transaction t, const char *path,
                    char *value, size_t size)
{
    struct bus_xen *xen = state;
    unsigned int len = 0;
    char *found;
    int r;

    found = xs_read(xen->xs, t, path, &len);
    if (found == NULL) {
        return error_from(errno);
    }
    if (len >= size) {
        r = -E2BIG;
    } else {
        memcpy(value, found, len);
        value[len] = '\0';
        r = (int)len;
    }
    free(found);
    return r;
}

static int xen_write(void *state, bus_transaction t, const char *path,
                     const char *value, size_t len)
{
    struct bus_xen *xen = state;

    if (len > BUS_VALUE_MAX) {
        return -E2BIG;
    }
    return result_of(xs_write(xen->xs, t, path, value, (unsigned int)len));
}

static int xen_remove(void *state, bus_transaction t, const char *path)
{
    struct bus_xen *xen = state;
    int r;

    r = result_of(xs_rm(xen->xs, t, path));
    return r == -ENOENT ? 0 : r;
}

static int xen_list(void *state, bus_transaction t, const char *path,
                    bus_name_fn *each, void *arg)
{
    struct bus_xen *xen = state;
    unsigned int count = 0;
    char **names;

    names = xs_directory(xen->xs, t, path, &count);
    if (names == NULL) {
        return error_from(errno);
    }
    for (unsigned int i = 0; i < count; i++) {
        each(arg, names[i]);
    }
    free(names); /* one block holds the names, too */
    return (int)count;
}

static int xen_permit(void *state, bus_transaction t, const char *path,
                      uint32_t owner, uint32_t reader)
{
    struct bus_xen *xen = state;
    struct xs_permissions permissions[] = {
        {.id = owner, .perms = XS_PERM_NONE}, /* for all others */
        {.id = reader, .perms = XS_PERM_READ},
    };

    return result_of(xs_set_permissions(xen->xs, t, path, permissions, 2));
}

static int xen_begin(void *state, bus_transaction *ret_t)
{
    struct bus_xen *xen = state;
    xs_transaction_t t;

    t = xs_transaction_start(xen->xs);
    if (t == XBT_NULL) {
        return error_from(errno);
    }
    *ret_t = t;
    return 0;
}

static int xen_end(void *state, bus_transaction t, bool commit)
{
    struct bus_xen *xen = state;

    return result_of(xs_transaction_end(xen->xs, t, !commit));
}

static int xen_watch(void *state, const char *path, const char *token)
{
    struct bus_xen *xen = state;

    return result_of(xs_watch(xen->xs, path, token));
}

static int xen_unwatch(void *state, const char *path, const char *token)
{
    struct bus_xen *xen = state;

    return result_of(xs_unwatch(xen->xs, path, token));
}

/* Cuts what is too long; bus.h says why that does no harm. */
static void copy_cut(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static int xen_next_event(void *state, struct bus_event *ret_event)
{
    struct bus_xen *xen = state;
    char **event;

    event = xs_check_watch(xen->xs);
    if (event == NULL) {
        return errno == EAGAIN ? 0 : -ENOTCONN;
    }
    copy_cut(ret_event->path, sizeof(ret_event->path), event[XS_WATCH_PATH]);
    copy_cut(ret_event->token, sizeof(ret_event->token), event[XS_WATCH_TOKEN]);
    free(event);
    return 1;
}

static const struct bus_ops xen_ops = {
    .read = xen_read,
    .write = xen_write,
    .remove = xen_remove,
    .list = xen_list,
    .permit = xen_permit,
    .begin = xen_begin,
    .end = xen_end,
    .watch = xen_watch,
    .unwatch = xen_unwatch,
    .next_event = xen_next_event,
};

/*
 * Where there is a socket, it must answer.  xs_open() of libxenstore 4.17 goes
 * on to the device when it does not (it ignores XS_OPEN_SOCKETONLY), and
 * there the kernel holds requests to a dead xenstored for ever.  Without a
 * socket the device is the right way: in guests, and in a dom0 whose xenstored
 * is a domain of its own.  0 or the negative errno of connecting.
 */
static int check_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = xs_daemon_socket();
    int fd, r = 0;

    if (path == NULL || access(path, F_OK) < 0 ||
        strlen(path) >= sizeof(address.sun_path)) {
        return 0;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        r = -errno;
    }
    (void)close(fd); /* nothing was sent */
    return r;
}

int bus_xen_open(struct bus *ret_bus)
{
    struct bus_xen *xen;
    int r;

    r = check_socket();
    if (r < 0) {
        return r;
    }
    xen = calloc(1, sizeof(*xen));
    if (xen == NULL) {
        return -ENOMEM;
    }
    xen->xs = xs_open(0);
    if (xen->xs == NULL) {
        r = errno != 0 ? -errno : -EIO;
        goto out;
    }
    /*
     * Asked for before the first watch: libxenstore makes its pipe here, and
     * events that came earlier would not make it readable.
     */
    xen->fd = xs_fileno(xen->xs);
    if (xen->fd < 0) {
        r = errno != 0 ? -errno : -EIO;
        goto out;
    }
    ret_bus->ops = &xen_ops;
    ret_bus->state = xen;
    return 0;

out:
    if (xen->xs != NULL) {
        xs_close(xen->xs);
    }
    free(xen);
    return r;
}

void bus_xen_close(struct bus *bus)
{
    struct bus_xen *xen;

    if (bus == NULL || bus->state == NULL) {
        return;
    }
    xen = bus->state;
    xs_close(xen->xs);
    free(xen);
    bus->state = NULL;
    bus->ops = NULL;
}

int bus_xen_fd(const struct bus *bus)
{
    const struct bus_xen *xen = bus->state;

    return xen->fd;
}
