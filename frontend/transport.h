/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How reports reach the backend: as a record in the store, or in a page that
 * dom0 copies, with a doorbell in the store.  Chosen at each handshake, and
 * the same to everybody else.
 *
 * A page costs the store nothing while a guest is calm, and xenstored little
 * when it is not; but it needs gntalloc in the guest and a backend that
 * offers it.
 */
#ifndef BALLOON_FRONTEND_TRANSPORT_H
#define BALLOON_FRONTEND_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"
#include "common/report.h"
#include "frontend/guest.h"

/* All zero: not open, or a record. */
struct transport {
    void *page;         /* shared with dom0; NULL: a record */
    uint32_t reference; /* of the page */
    uint32_t port; /* to be rung instead of the doorbell; 0: none.  With a page,
                      the caller's to say after transport_open() */
};

/*
 * Chooses: a page when the backend offers to read one and the guest's kernel
 * can share it, a record otherwise.  What was open before is closed: a page
 * that was shared before save and restore is dead.  0, or why the offer could
 * not be taken up (negative errno); it is open all the same.
 */
int transport_open(struct transport *transport, const struct guest *guest,
                   bool page_is_offered);

/* Accepts a zeroed transport, and may be called twice. */
void transport_close(struct transport *transport, const struct guest *guest);

/*
 * For the handshake: its name, what else the backend must know of it, and the
 * first report, without a doorbell; what another transport may have left is
 * removed.  0 or a negative errno.
 */
int transport_introduce(const struct transport *transport,
                        const struct bus *bus, bus_transaction t,
                        const struct report *report);

/*
 * A report.  is_news: the backend is to look at once; otherwise it will when
 * a heartbeat is due.  0 or the negative errno of the store.
 */
int transport_publish(const struct transport *transport, const struct bus *bus,
                      const struct guest *guest, const struct report *report,
                      bool is_news);

/* "record" or "page". */
const char *transport_name(const struct transport *transport);

#endif
