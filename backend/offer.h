/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The offer: what a frontend has written into its end of the device.  Every
 * byte of it is the guest's; the one place where they become values.
 */
#ifndef BALLOON_BACKEND_OFFER_H
#define BALLOON_BACKEND_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/announcement.h"
#include "common/bus.h"
#include "common/protocol.h"

enum offer_transport {
    OFFER_NONE, /* none that we know */
    OFFER_RECORD,
    OFFER_PAGE,
};

struct offer {
    enum offer_transport transport;
    uint32_t reference; /* of the page, with OFFER_PAGE */
    bool has_bell;      /* likewise: it would rather ring an event channel */
    uint32_t port;      /* of that; 0: what it says is no port */
    bool has_reflex;
    bool has_intent;
};

/* "record", "page", or "-"; never NULL. */
const char *offer_transport_word(enum offer_transport transport);

/* The path of a node in the frontend's directory. */
void offer_path(char path[BUS_PATH_MAX], uint32_t domid, const char *node);

/*
 * The frontend's state, PROTOCOL_UNKNOWN when it holds none.  0, or a negative
 * errno of the bus; -ENOENT when there is no such node.
 */
int offer_read_state(const struct bus *bus, bus_transaction t, uint32_t domid,
                     enum protocol_state *ret_state);

/*
 * The rest of the handshake.  0 also when it is not understood; then
 * ret_offer->transport is OFFER_NONE and *ret_what says in a few words what was
 * not.  Otherwise a negative errno of the bus.
 */
int offer_read(const struct bus *bus, bus_transaction t, uint32_t domid,
               struct offer *ret_offer, const char **ret_what);

/* Zeroed when it is absent or no answer.  0 or a negative errno of the bus. */
int offer_read_answer(const struct bus *bus, uint32_t domid,
                      struct answer *ret_answer);

#endif
