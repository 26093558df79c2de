/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report as text.  One table names the fields for both directions, so
 * that a field cannot be written under one name and read under another.
 *
 * The reader never trusts a byte: lengths, the number of fields, every number
 * and the relations between them are checked before anything is returned.
 */
#include "common/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/protocol.h"
#include "common/units.h"

enum field_rule {
    FIELD_OPTIONAL,
    FIELD_REQUIRED, /* without it there is nothing to decide upon */
    FIELD_PRESSURE, /* absent in a guest whose kernel measures none */
};

struct field {
    const char *name;
    size_t offset; /* of a uint64_t in struct report */
    uint64_t max;
    enum field_rule rule;
};

#define AMOUNT(member, field_rule)                                             \
    {                                                                          \
#member, offsetof(struct report, member), UNITS_KIB_MAX, field_rule    \
    }
#define COUNTER(member, field_rule)                                            \
    {                                                                          \
#member, offsetof(struct report, member), UINT64_MAX, field_rule       \
    }

static const struct field fields[] = {
    COUNTER(heartbeat_ms, FIELD_REQUIRED),
    AMOUNT(current_kib, FIELD_OPTIONAL),
    AMOUNT(balloon_target_kib, FIELD_OPTIONAL),
    AMOUNT(target_kib, FIELD_OPTIONAL),
    AMOUNT(total_kib, FIELD_REQUIRED),
    AMOUNT(available_kib, FIELD_REQUIRED),
    AMOUNT(free_kib, FIELD_OPTIONAL),
    AMOUNT(anonymous_kib, FIELD_OPTIONAL),
    AMOUNT(file_active_kib, FIELD_OPTIONAL),
    AMOUNT(file_inactive_kib, FIELD_OPTIONAL),
    AMOUNT(committed_kib, FIELD_OPTIONAL),
    AMOUNT(swap_total_kib, FIELD_OPTIONAL),
    AMOUNT(swap_free_kib, FIELD_OPTIONAL),
    COUNTER(swapped_in_kib, FIELD_OPTIONAL),
    COUNTER(swapped_out_kib, FIELD_OPTIONAL),
    COUNTER(refaults, FIELD_OPTIONAL),
    COUNTER(major_faults, FIELD_OPTIONAL),
    COUNTER(allocation_stalls, FIELD_OPTIONAL),
    COUNTER(oom_kills, FIELD_OPTIONAL),
    COUNTER(pressure_some_us, FIELD_PRESSURE),
    COUNTER(pressure_full_us, FIELD_PRESSURE),
    AMOUNT(floor_kib, FIELD_OPTIONAL),
    AMOUNT(reflex_kib, FIELD_OPTIONAL),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *const state_names[] = {
    [REPORT_RUNNING] = "running",
    [REPORT_STOPPED] = "stopped",
};

static const char *const balloon_names[] = {
    [REPORT_BALLOON_IDLE] = "idle",
    [REPORT_BALLOON_MOVING] = "moving",
    [REPORT_BALLOON_STUCK] = "stuck",
    [REPORT_BALLOON_ABSENT] = "absent",
};

#define COUNT_OF(names) (sizeof(names) / sizeof((names)[0]))

const char *report_state_name(enum report_state state)
{
    return state_names[state];
}

const char *report_balloon_name(enum report_balloon balloon)
{
    return balloon_names[balloon];
}

/* --- Writing ------------------------------------------------------------- */

struct writer {
    char *text;
    size_t size;
    size_t len;
    bool full;
};

static void append(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct writer *writer, const char *format, ...)
{
    size_t left = writer->size - writer->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(writer->text + writer->len, left, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= left) {
        writer->full = true;
        return;
    }
    writer->len += (size_t)len;
}

static uint64_t field_get(const struct report *report,
                          const struct field *field)
{
    uint64_t value;

    memcpy(&value, (const char *)report + field->offset, sizeof(value));
    return value;
}

static void append_fields(struct writer *writer, const struct report *report)
{
    append(writer, " balloon=%s", balloon_names[report->balloon]);
    for (size_t i = 0; i < FIELDS && !writer->full; i++) {
        if (fields[i].rule == FIELD_PRESSURE && !report->has_pressure) {
            continue;
        }
        append(writer, " %s=%" PRIu64, fields[i].name,
               field_get(report, &fields[i]));
    }
}

int report_format(const struct report *report, char *text, size_t size)
{
    struct writer writer = {.text = text, .size = size};

    append(&writer, "version=%d state=%s", PROTOCOL_VERSION,
           state_names[report->state]);
    if (report->state == REPORT_RUNNING && !writer.full) {
        append_fields(&writer, report);
    }
    return writer.full ? -ENOSPC : (int)writer.len;
}

/* --- Reading ------------------------------------------------------------- */

/* Bytes of the guest; nothing of them has been checked. */
struct untrusted_bytes {
    const char *start;
    size_t len;
};

static bool bytes_are(struct untrusted_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) &&
           memcmp(bytes.start, text, bytes.len) == 0;
}

/*
 * Takes the next field off *rest.  1, 0 at the end, or -EINVAL for one that
 * is not "name=value".
 */
static int next_field(struct untrusted_bytes *rest,
                      struct untrusted_bytes *ret_name,
                      struct untrusted_bytes *ret_value)
{
    const char *space, *equals;
    size_t len;

    if (rest->start == NULL) {
        return 0;
    }
    space = memchr(rest->start, ' ', rest->len);
    len = space != NULL ? (size_t)(space - rest->start) : rest->len;
    equals = memchr(rest->start, '=', len);
    if (equals == NULL || equals == rest->start) {
        return -EINVAL;
    }
    ret_name->start = rest->start;
    ret_name->len = (size_t)(equals - rest->start);
    ret_value->start = equals + 1;
    ret_value->len = len - ret_name->len - 1;
    rest->start = space != NULL ? space + 1 : NULL;
    rest->len = space != NULL ? rest->len - len - 1 : 0;
    return 1;
}

/*
 * The version decides how the rest is read, so it is looked for first,
 * wherever it stands.
 */
static int check_version(struct untrusted_bytes rest)
{
    struct untrusted_bytes name, value;
    uint64_t version;
    int r;

    while ((r = next_field(&rest, &name, &value)) == 1) {
        if (!bytes_are(name, "version")) {
            continue;
        }
        if (number_parse(value.start, value.len, UINT64_MAX, &version) < 0) {
            return -EINVAL;
        }
        return version == PROTOCOL_VERSION ? 0 : -EPROTONOSUPPORT;
    }
    return -EINVAL;
}

static int parse_word(struct untrusted_bytes value, const char *const *names,
                      size_t count, unsigned int *ret_index)
{
    for (unsigned int i = 0; i < count; i++) {
        if (bytes_are(value, names[i])) {
            *ret_index = i;
            return 0;
        }
    }
    return -EINVAL;
}

/* One bit for each field of the table, and for the words. */
#define SEEN_VERSION (UINT64_C(1) << 61)
#define SEEN_STATE (UINT64_C(1) << 62)
#define SEEN_BALLOON (UINT64_C(1) << 63)

struct parser {
    struct report report;
    uint64_t seen;
};

/* The bit of the field with that name, 0 for one that we do not know. */
static uint64_t field_bit(struct untrusted_bytes name, size_t *ret_index)
{
    if (name.len > REPORT_NAME_MAX) {
        return 0;
    }
    if (bytes_are(name, "version")) {
        return SEEN_VERSION;
    }
    if (bytes_are(name, "state")) {
        return SEEN_STATE;
    }
    if (bytes_are(name, "balloon")) {
        return SEEN_BALLOON;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (bytes_are(name, fields[i].name)) {
            *ret_index = i;
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

static int parse_number(struct report *report, const struct field *field,
                        struct untrusted_bytes value)
{
    uint64_t number;

    if (number_parse(value.start, value.len, field->max, &number) < 0) {
        return -EINVAL;
    }
    memcpy((char *)report + field->offset, &number, sizeof(number));
    return 0;
}

static int parse_field(struct parser *parser, struct untrusted_bytes name,
                       struct untrusted_bytes value)
{
    unsigned int word = 0;
    size_t index = 0;
    uint64_t bit;
    int r = 0;

    bit = field_bit(name, &index);
    if ((parser->seen & bit) != 0) {
        return -EINVAL;
    }
    parser->seen |= bit;
    if (bit == 0 || bit == SEEN_VERSION) {
        return 0;
    }
    if (bit == SEEN_STATE) {
        r = parse_word(value, state_names, COUNT_OF(state_names), &word);
        parser->report.state = (enum report_state)word;
    } else if (bit == SEEN_BALLOON) {
        r = parse_word(value, balloon_names, COUNT_OF(balloon_names), &word);
        parser->report.balloon = (enum report_balloon)word;
    } else {
        r = parse_number(&parser->report, &fields[index], value);
    }
    return r;
}

static int parse_fields(struct parser *parser, struct untrusted_bytes rest)
{
    struct untrusted_bytes name, value;
    unsigned int count = 0;
    int r;

    while ((r = next_field(&rest, &name, &value)) == 1) {
        if (++count > REPORT_FIELDS_MAX) {
            return -EINVAL;
        }
        r = parse_field(parser, name, value);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

/* Both pressure fields or neither; everything required. */
static bool is_complete(const struct parser *parser, bool *ret_has_pressure)
{
    uint64_t required = SEEN_STATE, pressure = 0;

    if (parser->report.state == REPORT_RUNNING) {
        for (size_t i = 0; i < FIELDS; i++) {
            if (fields[i].rule == FIELD_REQUIRED) {
                required |= UINT64_C(1) << i;
            } else if (fields[i].rule == FIELD_PRESSURE) {
                pressure |= UINT64_C(1) << i;
            }
        }
    }
    *ret_has_pressure = pressure != 0 && (parser->seen & pressure) == pressure;
    return (parser->seen & required) == required &&
           (*ret_has_pressure || (parser->seen & pressure) == 0);
}

static bool hangs_together(const struct report *report)
{
    return report->available_kib <= report->total_kib &&
           report->free_kib <= report->total_kib &&
           report->swap_free_kib <= report->swap_total_kib;
}

int report_parse(const char *untrusted_text, size_t len,
                 struct report *ret_report)
{
    const struct untrusted_bytes bytes = {untrusted_text, len};
    struct parser parser = {.report.balloon = REPORT_BALLOON_ABSENT};
    struct report *report = &parser.report;
    int r;

    if (len == 0 || len > PROTOCOL_REPORT_MAX) {
        return -EINVAL;
    }
    r = check_version(bytes);
    if (r < 0) {
        return r;
    }
    r = parse_fields(&parser, bytes);
    if (r < 0) {
        return r;
    }
    if (!is_complete(&parser, &report->has_pressure)) {
        return -EINVAL;
    }
    if (report->state == REPORT_STOPPED) {
        /* It carries nothing else; what is there nevertheless is dropped. */
        *ret_report = (struct report){.state = REPORT_STOPPED,
                                      .balloon = REPORT_BALLOON_ABSENT};
        return 0;
    }
    if (!hangs_together(report)) {
        return -EINVAL;
    }
    report->heartbeat_ms = units_clamp(
        report->heartbeat_ms, REPORT_HEARTBEAT_MIN_MS, REPORT_HEARTBEAT_MAX_MS);
    *ret_report = *report;
    return 0;
}
