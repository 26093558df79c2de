/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/offer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/units.h"

/* Longer than any word or number that has a meaning here. */
#define WORD_MAX 32

/*
 * Ports end below this (EVTCHN_FIFO_NR_CHANNELS of Xen's event_channel.h).
 */
#define PORTS (UINT32_C(1) << 17)

#define STRING(number) STRING_OF(number)
#define STRING_OF(number) #number

const char *offer_transport_word(enum offer_transport transport)
{
    switch (transport) {
    case OFFER_RECORD:
        return PROTOCOL_TRANSPORT_RECORD;
    case OFFER_PAGE:
        return PROTOCOL_TRANSPORT_PAGE;
    case OFFER_NONE:
        break;
    }
    return "-";
}

void offer_path(char path[BUS_PATH_MAX], uint32_t domid, const char *node)
{
    (void)snprintf(path, BUS_PATH_MAX, "/local/domain/%u/%s/%s", domid,
                   PROTOCOL_FRONTEND, node);
}

/*
 * A short text; what is too long or holds a NUL becomes one that has no
 * meaning.  Returns its length or a negative errno, -ENOENT among them.
 */
static int read_text(const struct bus *bus, bus_transaction t, uint32_t domid,
                     const char *node, char *text, size_t size)
{
    char path[BUS_PATH_MAX];
    int len;

    offer_path(path, domid, node);
    len = bus_read(bus, t, path, text, size);
    if (len == -E2BIG || (len >= 0 && strlen(text) != (size_t)len)) {
        len = snprintf(text, size, "?");
    }
    return len;
}

/* As above; what is absent is empty. */
static int read_word(const struct bus *bus, bus_transaction t, uint32_t domid,
                     const char *node, char word[WORD_MAX])
{
    int len = read_text(bus, t, domid, node, word, WORD_MAX);

    if (len == -ENOENT) {
        word[0] = '\0';
        return 0;
    }
    return len;
}

int offer_read_state(const struct bus *bus, bus_transaction t, uint32_t domid,
                     enum protocol_state *ret_state)
{
    char word[WORD_MAX];
    uint64_t state;
    int len;

    len = read_text(bus, t, domid, PROTOCOL_NODE_STATE, word, sizeof(word));
    if (len < 0) {
        return len;
    }
    if (number_parse(word, (size_t)len, PROTOCOL_CLOSED, &state) < 0) {
        state = PROTOCOL_UNKNOWN;
    }
    *ret_state = (enum protocol_state)state;
    return 0;
}

static int read_feature(const struct bus *bus, bus_transaction t,
                        uint32_t domid, const char *node, bool *ret_has)
{
    char word[WORD_MAX];
    int r = read_word(bus, t, domid, node, word);

    if (r < 0) {
        return r;
    }
    *ret_has = strcmp(word, "1") == 0;
    return 0;
}

/* One that is no port is offered all the same: what becomes of it is said. */
static int read_port(const struct bus *bus, bus_transaction t, uint32_t domid,
                     struct offer *offer)
{
    char word[WORD_MAX];
    uint64_t port = 0;
    int len;

    len = read_word(bus, t, domid, PROTOCOL_NODE_EVENT_CHANNEL, word);
    if (len < 0) {
        return len;
    }
    offer->has_bell = len > 0;
    if (number_parse(word, (size_t)len, PORTS - 1, &port) == 0) {
        offer->port = (uint32_t)port;
    }
    return 0;
}

static int read_reference(const struct bus *bus, bus_transaction t,
                          uint32_t domid, struct offer *offer,
                          const char **ret_what)
{
    char word[WORD_MAX];
    uint64_t reference;
    int len;

    len = read_word(bus, t, domid, PROTOCOL_NODE_PAGE_REF, word);
    if (len < 0) {
        return len;
    }
    if (number_parse(word, (size_t)len, UINT32_MAX, &reference) < 0) {
        *ret_what = "its page-ref is no grant reference";
        return 0;
    }
    offer->reference = (uint32_t)reference;
    offer->transport = OFFER_PAGE;
    return read_port(bus, t, domid, offer);
}

static int read_transport(const struct bus *bus, bus_transaction t,
                          uint32_t domid, struct offer *offer,
                          const char **ret_what)
{
    char word[WORD_MAX];
    int r;

    r = read_word(bus, t, domid, PROTOCOL_NODE_TRANSPORT, word);
    if (r < 0) {
        return r;
    }
    if (strcmp(word, PROTOCOL_TRANSPORT_PAGE) == 0) {
        return read_reference(bus, t, domid, offer, ret_what);
    }
    if (strcmp(word, PROTOCOL_TRANSPORT_RECORD) == 0) {
        offer->transport = OFFER_RECORD;
    } else {
        *ret_what = "its transport is neither record nor page";
    }
    return 0;
}

int offer_read(const struct bus *bus, bus_transaction t, uint32_t domid,
               struct offer *ret_offer, const char **ret_what)
{
    struct offer offer = {.transport = OFFER_NONE};
    char word[WORD_MAX];
    int r;

    r = read_word(bus, t, domid, PROTOCOL_NODE_VERSION, word);
    if (r < 0) {
        return r;
    }
    if (strcmp(word, STRING(PROTOCOL_VERSION)) != 0) {
        *ret_what = "its version is not " STRING(PROTOCOL_VERSION);
        *ret_offer = offer;
        return 0;
    }
    r = read_transport(bus, t, domid, &offer, ret_what);
    if (r == 0) {
        r = read_feature(bus, t, domid, PROTOCOL_NODE_FEATURE_REFLEX,
                         &offer.has_reflex);
    }
    if (r == 0) {
        r = read_feature(bus, t, domid, PROTOCOL_NODE_FEATURE_INTENT,
                         &offer.has_intent);
    }
    if (r == 0) {
        *ret_offer = offer;
    }
    return r;
}

int offer_read_answer(const struct bus *bus, uint32_t domid,
                      struct answer *ret_answer)
{
    struct answer answer = {.number = 0};
    char text[ANNOUNCEMENT_TEXT_MAX];
    int len;

    len = read_text(bus, BUS_NO_TRANSACTION, domid, PROTOCOL_NODE_ANSWER, text,
                    sizeof(text));
    if (len < 0 && len != -ENOENT) {
        return len;
    }
    if (len >= 0) {
        (void)answer_parse(text, (size_t)len, &answer);
    }
    *ret_answer = answer;
    return 0;
}
