/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frontend/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"

/* ---- Looking ------------------------------------------------------------- */

static const char *dom0_word(const struct frontend *frontend, bool has_store)
{
    if (!has_store) {
        return "unreachable";
    }
    switch (frontend->phase) {
    case FRONTEND_CONNECTED:
        return "connected";
    case FRONTEND_ALONE:
        return "absent";
    case FRONTEND_STARTED:
    case FRONTEND_WAITING:
        break;
    }
    return "waiting";
}

static void look_at_dom0(struct status *status, const struct frontend *frontend,
                         bool has_store, uint64_t wall_ms)
{
    const char *word = dom0_word(frontend, has_store);

    if (status->dom0 == NULL || strcmp(word, status->dom0) != 0) {
        status->dom0_at_ms = wall_ms;
    }
    status->dom0 = word;
    status->transport = has_store && frontend->phase == FRONTEND_CONNECTED
                            ? transport_name(&frontend->transport)
                            : NULL;
}

/* The kernel counts less than the store's targets do, by a constant. */
static uint64_t held_kib(const struct decide_state *decider)
{
    const struct guest_sample *sample = &decider->sample;

    if (!sample->has_balloon) {
        return sample->total_kib;
    }
    return units_add(sample->balloon_current_kib,
                     decider->reflex.knows_offset ? decider->reflex.offset_kib
                                                  : 0);
}

static void look_at_memory(struct status *status,
                           const struct frontend *frontend)
{
    const struct observer *observer = &frontend->observer;

    status->holds_kib = held_kib(&frontend->decider);
    status->could_have_kib =
        units_max(status->could_have_kib, status->holds_kib);
    if (observer->ceiling_kib > 0) {
        status->could_have_kib = observer->ceiling_kib;
    }
    /* Without a backend at work it does not count. */
    status->allowance_kib =
        status->transport != NULL ? observer->allowance_kib : 0;
    status->taken_kib = frontend->decider.reflex.taken_kib;
}

/* The first target that is seen may be old. */
static void look_at_target(struct status *status,
                           const struct observer *observer, uint64_t wall_ms)
{
    if (observer->target_kib != 0) {
        if (status->target_kib != 0 &&
            observer->target_kib != status->target_kib) {
            status->target_at_ms = wall_ms;
        }
        status->target_kib = observer->target_kib;
    }
    memcpy(status->reason, observer->reason, sizeof(status->reason));
}

/* One that is over is still the last one. */
static void look_at_announcement(struct status *status,
                                 const struct frontend *frontend,
                                 uint64_t wall_ms)
{
    const struct announcement *seen = &frontend->observer.announcement;
    const struct answer *told = &frontend->room.told;

    if (seen->number != 0) {
        if (!status->is_announced ||
            seen->number != status->announcement.number) {
            status->announced_at_ms = wall_ms;
            status->answer = (struct answer){.number = 0};
        }
        status->announcement = *seen;
        if (told->number == seen->number) {
            status->answer = *told;
        }
    }
    status->is_announced = seen->number != 0;
}

void status_look(struct status *status, const struct frontend *frontend,
                 bool has_store, uint64_t wall_ms)
{
    look_at_dom0(status, frontend, has_store, wall_ms);
    look_at_memory(status, frontend);
    if (has_store) {
        look_at_target(status, &frontend->observer, wall_ms);
        look_at_announcement(status, frontend, wall_ms);
    }
}

/* ---- JSON ---------------------------------------------------------------- */

struct writer {
    char *text;
    size_t used; /* STATUS_TEXT_MAX: it did not fit */
};

static void __attribute__((format(printf, 2, 3)))
add(struct writer *writer, const char *format, ...)
{
    size_t room = STATUS_TEXT_MAX - writer->used;
    va_list arguments;
    int len;

    if (room == 0) {
        return;
    }
    va_start(arguments, format);
    len = vsnprintf(writer->text + writer->used, room, format, arguments);
    va_end(arguments);
    writer->used += len < 0 || (size_t)len >= room ? room : (size_t)len;
}

/* Printable ASCII as it is, but for what would end it. */
static void add_string(struct writer *writer, const char *text)
{
    add(writer, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            add(writer, "\\u%04x", byte);
        } else {
            add(writer, "%c", byte);
        }
    }
    add(writer, "\"");
}

static void add_text(struct writer *writer, const char *key, const char *text)
{
    add(writer, ",\"%s\":", key);
    if (text == NULL || text[0] == '\0') {
        add(writer, "null");
    } else {
        add_string(writer, text);
    }
}

static void add_number(struct writer *writer, const char *key, uint64_t value)
{
    add(writer, ",\"%s\":%" PRIu64, key, value);
}

static void add_known(struct writer *writer, const char *key, uint64_t value)
{
    if (value == 0) {
        add(writer, ",\"%s\":null", key);
    } else {
        add_number(writer, key, value);
    }
}

static void add_announcement(struct writer *writer, const struct status *status)
{
    if (status->announcement.number == 0) {
        add(writer, ",\"announcement\":null");
        return;
    }
    add(writer, ",\"announcement\":{\"stands\":%s",
        status->is_announced ? "true" : "false");
    add_number(writer, "at_ms", status->announced_at_ms);
    add_number(writer, "target_kib", status->announcement.target_kib);
    add_number(writer, "wait_ms", status->announcement.wait_ms);
    if (status->answer.number == 0) {
        add(writer, ",\"answer\":null}");
        return;
    }
    add(writer, ",\"answer\":{\"ready\":%s",
        status->answer.is_ready ? "true" : "false");
    add_number(writer, "can_give_kib", status->answer.can_give_kib);
    add(writer, "}}");
}

int status_format(const struct status *status, char text[STATUS_TEXT_MAX])
{
    struct writer writer = {.text = text};

    add(&writer, "{\"version\":1");
    add_number(&writer, "pid", status->pid);
    add_number(&writer, "started_at_ms", status->started_at_ms);
    add_text(&writer, "dom0", status->dom0);
    add_number(&writer, "dom0_at_ms", status->dom0_at_ms);
    add_text(&writer, "transport", status->transport);
    add_number(&writer, "could_have_kib", status->could_have_kib);
    add_number(&writer, "holds_kib", status->holds_kib);
    add_known(&writer, "target_kib", status->target_kib);
    add_known(&writer, "target_at_ms", status->target_at_ms);
    add_text(&writer, "reason", status->reason);
    add_number(&writer, "allowance_kib", status->allowance_kib);
    add_number(&writer, "taken_kib", status->taken_kib);
    add_announcement(&writer, status);
    add(&writer, "}\n");
    return writer.used == STATUS_TEXT_MAX ? -ENOSPC : (int)writer.used;
}
