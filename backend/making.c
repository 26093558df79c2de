/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/making.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/end.h"
#include "backend/offer.h"

#define STRING(number) STRING_OF(number)
#define STRING_OF(number) #number

static void peer_dir(char path[BUS_PATH_MAX], uint32_t domid)
{
    (void)snprintf(path, BUS_PATH_MAX, "/local/domain/%u/%s", domid,
                   PROTOCOL_FRONTEND);
}

static int write_text(const struct bus *bus, bus_transaction t,
                      const char *path, const char *text)
{
    return bus_write(bus, t, path, text, strlen(text));
}

static int write_peers(const struct bus *bus, bus_transaction t, uint32_t domid,
                       const char *node, const char *text)
{
    char path[BUS_PATH_MAX];

    offer_path(path, domid, node);
    return write_text(bus, t, path, text);
}

static int make_feature(const struct bus *bus, bus_transaction t,
                        uint32_t domid, const char *node, bool has)
{
    char path[BUS_PATH_MAX];

    end_path(path, domid, node);
    return has ? write_text(bus, t, path, "1") : bus_remove(bus, t, path);
}

/*
 * What an earlier backend said and nobody stands for now is taken back; an
 * allowance was given together with a limit, and stays as that does.
 */
static int make_own(const struct bus *bus, bus_transaction t,
                    struct making *making)
{
    char path[BUS_PATH_MAX];
    char text[BUS_PATH_MAX];
    int r;

    end_dir(path, making->domid);
    r = write_text(bus, t, path, "");
    if (r == 0) {
        r = bus_permit(bus, t, path, 0, making->domid);
    }
    if (r == 0) {
        peer_dir(text, making->domid);
        r = end_write(bus, t, making->domid, PROTOCOL_NODE_FRONTEND, text);
    }
    if (r == 0) {
        (void)snprintf(text, sizeof(text), "%u", making->domid);
        r = end_write(bus, t, making->domid, PROTOCOL_NODE_FRONTEND_ID, text);
    }
    if (r == 0) {
        r = end_write(bus, t, making->domid, PROTOCOL_NODE_VERSION,
                      STRING(PROTOCOL_VERSION));
    }
    if (r == 0) {
        r = make_feature(bus, t, making->domid, PROTOCOL_NODE_FEATURE_PAGE,
                         making->has_page);
    }
    if (r == 0) {
        r = make_feature(bus, t, making->domid,
                         PROTOCOL_NODE_FEATURE_EVENT_CHANNEL, making->has_bell);
    }
    if (r == 0) {
        end_path(path, making->domid, PROTOCOL_NODE_ANNOUNCEMENT);
        r = bus_remove(bus, t, path);
    }
    if (r < 0) {
        return r;
    }
    end_path(path, making->domid, PROTOCOL_NODE_ALLOWANCE);
    r = bus_read_kib(bus, t, path, &making->allowance_kib);
    if (r == -ENOENT || r == -EINVAL) {
        making->allowance_kib = 0;
        r = r == -EINVAL ? bus_remove(bus, t, path) : 0;
    }
    return r < 0 ? r
                 : end_write_state(bus, t, making->domid, PROTOCOL_INIT_WAIT);
}

/*
 * A directory with a state is left to its guest, but for where to find us;
 * permissions are set before anything is made below that takes them.
 */
static int make_peers(const struct bus *bus, bus_transaction t,
                      struct making *making)
{
    char path[BUS_PATH_MAX];
    bool is_there;
    int r;

    r = offer_read_state(bus, t, making->domid, &making->found);
    is_there = r == 0;
    if (r == -ENOENT) {
        making->found = PROTOCOL_UNKNOWN;
        peer_dir(path, making->domid);
        r = write_text(bus, t, path, "");
        if (r == 0) {
            r = bus_permit(bus, t, path, making->domid, 0);
        }
    }
    if (r == 0) {
        end_dir(path, making->domid);
        r = write_peers(bus, t, making->domid, PROTOCOL_NODE_BACKEND, path);
    }
    if (r == 0) {
        r = write_peers(bus, t, making->domid, PROTOCOL_NODE_BACKEND_ID, "0");
    }
    if (r == 0 && !is_there) {
        r = write_peers(bus, t, making->domid, PROTOCOL_NODE_STATE, "1");
    }
    return r;
}

static int make_both(const struct bus *bus, bus_transaction t, void *arg)
{
    struct making *making = arg;
    int r;

    r = end_check_alive(bus, t, making->domid);
    if (r == 0) {
        r = make_own(bus, t, making);
    }
    return r == 0 ? make_peers(bus, t, making) : r;
}

int making_run(const struct bus *bus, struct making *making)
{
    return bus_transact(bus, make_both, making);
}
