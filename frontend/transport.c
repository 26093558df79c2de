/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ways to the same reader. */
#include "frontend/transport.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/page.h"
#include "common/protocol.h"

#define NODE(name) PROTOCOL_FRONTEND "/" name

/* Any uint32_t and the NUL. */
#define NUMBER_TEXT 12

int transport_open(struct transport *transport, const struct guest *guest,
                   bool page_is_offered)
{
    int r;

    transport_close(transport, guest);
    if (!page_is_offered) {
        return 0;
    }
    r = guest_share_page(guest, &transport->page, &transport->reference);
    if (r < 0) {
        transport->page = NULL;
        return r;
    }
    page_init(transport->page);
    return 0;
}

void transport_close(struct transport *transport, const struct guest *guest)
{
    if (transport->page != NULL) {
        guest_unshare_page(guest, transport->page);
    }
    *transport = (struct transport){0};
}

static int write_number(const struct bus *bus, bus_transaction t,
                        const char *path, uint32_t number)
{
    char text[NUMBER_TEXT];
    int len;

    len = snprintf(text, sizeof(text), "%" PRIu32, number);
    return bus_write(bus, t, path, text, (size_t)len);
}

static int write_record(const struct bus *bus, bus_transaction t,
                        const struct report *report)
{
    char text[PROTOCOL_REPORT_MAX];
    int len;

    len = report_format(report, text, sizeof(text));
    if (len < 0) {
        return len;
    }
    return bus_write(bus, t, NODE(PROTOCOL_NODE_REPORT), text, (size_t)len);
}

/* Its new sequence, or a negative errno. */
static int64_t write_page(const struct transport *transport,
                          const struct report *report)
{
    char text[PROTOCOL_REPORT_MAX];
    int len;

    len = report_format(report, text, sizeof(text));
    return len < 0 ? len : page_write(transport->page, text, (size_t)len);
}

static int introduce_record(const struct bus *bus, bus_transaction t,
                            const struct report *report)
{
    int r;

    r = bus_remove(bus, t, NODE(PROTOCOL_NODE_PAGE_REF));
    if (r < 0) {
        return r;
    }
    r = bus_remove(bus, t, NODE(PROTOCOL_NODE_EVENT_CHANNEL));
    if (r < 0) {
        return r;
    }
    r = bus_remove(bus, t, NODE(PROTOCOL_NODE_DOORBELL));
    return r < 0 ? r : write_record(bus, t, report);
}

static int introduce_bell(const struct transport *transport,
                          const struct bus *bus, bus_transaction t)
{
    const char *path = NODE(PROTOCOL_NODE_EVENT_CHANNEL);

    return transport->port != 0 ? write_number(bus, t, path, transport->port)
                                : bus_remove(bus, t, path);
}

static int introduce_page(const struct transport *transport,
                          const struct bus *bus, bus_transaction t,
                          const struct report *report)
{
    int64_t sequence;
    int r;

    sequence = write_page(transport, report);
    if (sequence < 0) {
        return (int)sequence;
    }
    r = write_number(bus, t, NODE(PROTOCOL_NODE_PAGE_REF),
                     transport->reference);
    if (r < 0) {
        return r;
    }
    r = introduce_bell(transport, bus, t);
    if (r < 0) {
        return r;
    }
    r = bus_remove(bus, t, NODE(PROTOCOL_NODE_DOORBELL));
    return r < 0 ? r : bus_remove(bus, t, NODE(PROTOCOL_NODE_REPORT));
}

int transport_introduce(const struct transport *transport,
                        const struct bus *bus, bus_transaction t,
                        const struct report *report)
{
    const char *name = transport_name(transport);
    int r;

    r = bus_write(bus, t, NODE(PROTOCOL_NODE_TRANSPORT), name, strlen(name));
    if (r < 0) {
        return r;
    }
    return transport->page != NULL ? introduce_page(transport, bus, t, report)
                                   : introduce_record(bus, t, report);
}

static int ring(const struct transport *transport, const struct bus *bus,
                const struct guest *guest, uint32_t sequence)
{
    return transport->port != 0
               ? guest_ring_bell(guest)
               : write_number(bus, BUS_NO_TRANSACTION,
                              NODE(PROTOCOL_NODE_DOORBELL), sequence);
}

int transport_publish(const struct transport *transport, const struct bus *bus,
                      const struct guest *guest, const struct report *report,
                      bool is_news)
{
    int64_t sequence;

    if (transport->page == NULL) {
        return write_record(bus, BUS_NO_TRANSACTION, report);
    }
    sequence = write_page(transport, report);
    if (sequence < 0) {
        return (int)sequence;
    }
    return is_news ? ring(transport, bus, guest, (uint32_t)sequence) : 0;
}

const char *transport_name(const struct transport *transport)
{
    return transport->page != NULL ? PROTOCOL_TRANSPORT_PAGE
                                   : PROTOCOL_TRANSPORT_RECORD;
}
