/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest may have in its directory, one node a line as "name=value": what
 * is understood is within its bounds, what is not is named.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/offer.h"
#include "common/units.h"

/* Of Xen's event_channel.h: as many as there are. */
#define PORTS (UINT32_C(1) << 17)

struct directory {
    const char *text;
    size_t size;
};

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static int hand_over(const char *found, size_t len, char *value, size_t size)
{
    if (len >= size) {
        return -E2BIG;
    }
    memcpy(value, found, len);
    value[len] = '\0';
    return (int)len;
}

static int op_read(void *state, bus_transaction t, const char *path,
                   char *value, size_t size)
{
    const struct directory *directory = state;
    const char *end = directory->text + directory->size;
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(name);
    const char *at = directory->text;

    (void)t;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t line = (size_t)((stop != NULL ? stop : end) - at);

        if (line > len && memcmp(at, name, len) == 0 && at[len] == '=') {
            return hand_over(at + len + 1, line - len - 1, value, size);
        }
        at += line + 1;
    }
    return -ENOENT;
}

static void check_state(const struct bus *bus)
{
    enum protocol_state state = PROTOCOL_UNKNOWN;
    int r = offer_read_state(bus, BUS_NO_TRANSACTION, 7, &state);

    must(r == 0 || r == -ENOENT);
    must((unsigned int)state <= PROTOCOL_CLOSED);
}

static void check_offer(const struct bus *bus)
{
    struct offer offer;
    const char *what = NULL;

    must(offer_read(bus, BUS_NO_TRANSACTION, 7, &offer, &what) == 0);
    must((offer.transport == OFFER_NONE) == (what != NULL));
    must(offer.transport == OFFER_PAGE ||
         (offer.reference == 0 && !offer.has_bell));
    must(offer.port < PORTS && (offer.has_bell || offer.port == 0));
    must(offer_transport_word(offer.transport) != NULL);
}

static void check_answer(const struct bus *bus)
{
    struct answer answer;

    must(offer_read_answer(bus, 7, &answer) == 0);
    must(answer.number <= ANNOUNCEMENT_NUMBER_MAX &&
         answer.can_give_kib <= UNITS_KIB_MAX);
    must(answer.number != 0 || (!answer.is_ready && answer.can_give_kib == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bus_ops ops = {.read = op_read};
    struct directory directory = {(const char *)data, size};
    const struct bus bus = {&ops, &directory};

    check_state(&bus);
    check_offer(&bus);
    check_answer(&bus);
    return 0;
}
