/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does as it is told, and says whether it worked. */
#include "frontend/act.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NODE(name) PROTOCOL_FRONTEND "/" name

/*
 * What can meet one of our transactions is the backend making the device, and
 * nobody makes it twice in a row.
 */
#define TRIES 3

/*
 * What this frontend can do beyond reporting; a node that is not to be there
 * is removed, as another version may have left it.
 */
static const struct {
    const char *path;
    enum act_feature feature;
} features[] = {
    {NODE(PROTOCOL_NODE_FEATURE_REFLEX), ACT_REFLEX},
    {NODE(PROTOCOL_NODE_FEATURE_INTENT), ACT_INTENT},
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

/* Whether the node holds this and nothing else; 0 or a negative errno. */
static int expect(const struct bus *bus, bus_transaction t, const char *path,
                  const char *expected)
{
    char value[BUS_PATH_MAX];
    int r;

    r = bus_read(bus, t, path, value, sizeof(value));
    if (r == -ENOENT || r == -E2BIG) {
        return -ESTALE;
    }
    if (r < 0) {
        return r;
    }
    return (size_t)r == strlen(expected) && strcmp(value, expected) == 0
               ? 0
               : -ESTALE;
}

static int write_text(const struct bus *bus, bus_transaction t,
                      const char *path, const char *text)
{
    return bus_write(bus, t, path, text, strlen(text));
}

/* States have one digit. */
static void state_text(enum protocol_state state, char text[2])
{
    text[0] = (char)('0' + state);
    text[1] = '\0';
}

static int write_state(const struct bus *bus, bus_transaction t,
                       enum protocol_state state)
{
    char text[2];

    state_text(state, text);
    return write_text(bus, t, NODE(PROTOCOL_NODE_STATE), text);
}

static int write_features(const struct bus *bus, bus_transaction t,
                          unsigned int offered)
{
    int r = 0;

    for (size_t i = 0; i < FEATURES && r == 0; i++) {
        r = (features[i].feature & offered) != 0
                ? write_text(bus, t, features[i].path, "1")
                : bus_remove(bus, t, features[i].path);
    }
    return r;
}

_Static_assert(PROTOCOL_VERSION == 1, "the version that is written");

static int write_device(const struct bus *bus, bus_transaction t,
                        const char *backend, const struct transport *transport,
                        unsigned int offered, const struct report *report)
{
    int r;

    r = expect(bus, t, NODE(PROTOCOL_NODE_BACKEND), backend);
    if (r < 0) {
        return r;
    }
    r = write_text(bus, t, NODE(PROTOCOL_NODE_VERSION), "1");
    if (r < 0) {
        return r;
    }
    r = write_features(bus, t, offered);
    if (r < 0) {
        return r;
    }
    /* It was to an announcement of before. */
    r = bus_remove(bus, t, NODE(PROTOCOL_NODE_ANSWER));
    if (r < 0) {
        return r;
    }
    r = transport_introduce(transport, bus, t, report);
    return r < 0 ? r : write_state(bus, t, PROTOCOL_INITIALISED);
}

static int begin_once(const struct bus *bus, const char *backend,
                      const struct transport *transport, unsigned int offered,
                      const struct report *report)
{
    bus_transaction t;
    int r, ended;

    r = bus_begin(bus, &t);
    if (r < 0) {
        return r;
    }
    r = write_device(bus, t, backend, transport, offered, report);
    ended = bus_end(bus, t, r == 0);
    return r < 0 ? r : ended;
}

int act_begin(const struct bus *bus, const char *backend,
              const struct transport *transport, unsigned int offered,
              const struct report *report)
{
    int r = -EAGAIN;

    for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
        r = begin_once(bus, backend, transport, offered, report);
    }
    return r;
}

static int change_state_once(const struct bus *bus, enum protocol_state from,
                             enum protocol_state to)
{
    bus_transaction t;
    char text[2];
    int r, ended;

    r = bus_begin(bus, &t);
    if (r < 0) {
        return r;
    }
    state_text(from, text);
    r = expect(bus, t, NODE(PROTOCOL_NODE_STATE), text);
    if (r == 0) {
        r = write_state(bus, t, to);
    }
    ended = bus_end(bus, t, r == 0);
    return r < 0 ? r : ended;
}

int act_change_state(const struct bus *bus, enum protocol_state from,
                     enum protocol_state to)
{
    int r = -EAGAIN;

    for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
        r = change_state_once(bus, from, to);
    }
    return r;
}

int act_answer(const struct bus *bus, const struct answer *answer)
{
    char text[ANNOUNCEMENT_TEXT_MAX];

    (void)answer_format(answer, text);
    return write_text(bus, BUS_NO_TRANSACTION, NODE(PROTOCOL_NODE_ANSWER),
                      text);
}

int act_set_target(const struct guest *guest, const struct decision *decision)
{
    return guest_set_balloon_target(guest, decision->kernel_target_kib);
}
