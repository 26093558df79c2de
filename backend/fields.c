/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables, and the little that is done with them.
 */
#include "backend/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/decide.h"
#include "backend/reason.h"
#include "backend/snapshot.h"
#include "common/escape.h"
#include "common/number.h"
#include "common/report.h"
#include "common/units.h"

/* ---- The words of enums -------------------------------------------------- */

static const char *state_word(unsigned int value)
{
    return decide_state_word((enum decide_state)value);
}

static const char *trust_word(unsigned int value)
{
    return decide_trust_word((enum decide_trust)value);
}

static const char *mood_word(unsigned int value)
{
    return decide_mood_word((enum decide_mood)value);
}

static const char *code_word(unsigned int value)
{
    return value < REASON_CODES ? reason_word((enum reason_code)value)
                                : "unknown";
}

static const char *report_word(unsigned int value)
{
    return value <= REPORT_STOPPED ? report_state_name((enum report_state)value)
                                   : "unknown";
}

static const char *balloon_word(unsigned int value)
{
    return value <= REPORT_BALLOON_ABSENT
               ? report_balloon_name((enum report_balloon)value)
               : "unknown";
}

static const char *voice_word(unsigned int value)
{
    static const char *const words[] = {
        [SNAPSHOT_VOICE_NONE] = "none",
        [SNAPSHOT_VOICE_GOOD] = "good",
        [SNAPSHOT_VOICE_SILENT] = "silent",
        [SNAPSHOT_VOICE_STOPPED] = "stopped",
        [SNAPSHOT_VOICE_GARBLED] = "garbled",
    };

    return value < sizeof(words) / sizeof(words[0]) ? words[value] : "unknown";
}

/* ---- The tables ---------------------------------------------------------- */

/* A type that is none of these, an array or a struct, does not compile. */
#define KIND_OF(expression)                                                    \
    _Generic((expression), bool                                                \
             : FIELD_FLAG, uint8_t                                             \
             : FIELD_UNSIGNED, uint16_t                                        \
             : FIELD_UNSIGNED, uint32_t                                        \
             : FIELD_UNSIGNED, uint64_t                                        \
             : FIELD_UNSIGNED, int32_t                                         \
             : FIELD_SIGNED, int64_t                                           \
             : FIELD_SIGNED)

#define MEMBER(type, member) (((struct type *)NULL)->member)
#define PLACE(type, member_)                                                   \
    .name = #member_, .offset = offsetof(struct type, member_)

/* A number or a flag; an array of them; an enum; a struct; an array of them. */
#define FIELD(type, member)                                                    \
    {                                                                          \
        PLACE(type, member), .kind = KIND_OF(MEMBER(type, member)),            \
                             .size = sizeof(MEMBER(type, member)), .count = 1  \
    }
#define FIELD_ARRAY(type, member)                                              \
    {                                                                          \
        PLACE(type, member), .kind = KIND_OF(MEMBER(type, member)[0]),         \
                             .size = sizeof(MEMBER(type, member)[0]),          \
                             .count = sizeof(MEMBER(type, member)) /           \
                                      sizeof(MEMBER(type, member)[0])          \
    }
#define FIELD_ENUM(type, member, word_)                                        \
    {                                                                          \
        PLACE(type, member), .kind = FIELD_WORD,                               \
                             .size = sizeof(MEMBER(type, member)), .count = 1, \
                             .word = (word_)                                   \
    }
#define FIELD_INSIDE(type, member, inside_)                                    \
    {                                                                          \
        PLACE(type, member), .kind = FIELD_STRUCT,                             \
                             .size = sizeof(MEMBER(type, member)), .count = 1, \
                             .inside = (inside_)                               \
    }
#define FIELD_INSIDE_ARRAY(type, member, inside_)                              \
    {                                                                          \
        PLACE(type, member), .kind = FIELD_STRUCT,                             \
                             .size = sizeof(MEMBER(type, member)[0]),          \
                             .count = sizeof(MEMBER(type, member)) /           \
                                      sizeof(MEMBER(type, member)[0]),         \
                             .inside = (inside_)                               \
    }

#define FIELDS(type, table_)                                                   \
    {                                                                          \
        .size = sizeof(struct type), .table = (table_),                        \
        .count = sizeof(table_) / sizeof((table_)[0])                          \
    }

static const struct field report_table[] = {
    FIELD_ENUM(report, state, report_word),
    FIELD_ENUM(report, balloon, balloon_word),
    FIELD(report, heartbeat_ms),
    FIELD(report, current_kib),
    FIELD(report, balloon_target_kib),
    FIELD(report, target_kib),
    FIELD(report, total_kib),
    FIELD(report, available_kib),
    FIELD(report, free_kib),
    FIELD(report, anonymous_kib),
    FIELD(report, file_active_kib),
    FIELD(report, file_inactive_kib),
    FIELD(report, committed_kib),
    FIELD(report, swap_total_kib),
    FIELD(report, swap_free_kib),
    FIELD(report, swapped_in_kib),
    FIELD(report, swapped_out_kib),
    FIELD(report, refaults),
    FIELD(report, major_faults),
    FIELD(report, allocation_stalls),
    FIELD(report, oom_kills),
    FIELD(report, has_pressure),
    FIELD(report, pressure_some_us),
    FIELD(report, pressure_full_us),
    FIELD(report, floor_kib),
    FIELD(report, reflex_kib),
};
const struct fields fields_report = FIELDS(report, report_table);

static const struct field domain_table[] = {
    FIELD(snapshot_domain, domid),
    FIELD(snapshot_domain, is_hvm),
    FIELD(snapshot_domain, is_dying),
    FIELD(snapshot_domain, is_service),
    FIELD(snapshot_domain, is_saving),
    FIELD(snapshot_domain, current_kib),
    FIELD(snapshot_domain, limit_kib),
    FIELD(snapshot_domain, claimed_kib),
    FIELD(snapshot_domain, our_limit_kib),
    FIELD(snapshot_domain, has_target),
    FIELD(snapshot_domain, target_kib),
    FIELD(snapshot_domain, static_max_kib),
    FIELD(snapshot_domain, videoram_kib),
    FIELD(snapshot_domain, is_operators),
    FIELD(snapshot_domain, leave_alone),
    FIELD(snapshot_domain, floor_kib),
    FIELD(snapshot_domain, ceiling_kib),
    FIELD(snapshot_domain, weight),
    FIELD(snapshot_domain, headroom_permyriad),
    FIELD_ENUM(snapshot_domain, voice, voice_word),
    FIELD(snapshot_domain, has_reflex),
    FIELD(snapshot_domain, has_intent),
    FIELD(snapshot_domain, allowance_kib),
    FIELD(snapshot_domain, answered),
    FIELD(snapshot_domain, is_ready),
    FIELD(snapshot_domain, can_give_kib),
    FIELD(snapshot_domain, reported_ms),
    FIELD_INSIDE(snapshot_domain, report, &fields_report),
};
const struct fields fields_domain = FIELDS(snapshot_domain, domain_table);

static const struct field snapshot_table[] = {
    FIELD(snapshot, now_ms),
    FIELD(snapshot, total_kib),
    FIELD(snapshot, free_kib),
    FIELD(snapshot, claimed_kib),
    FIELD(snapshot, reserve_kib),
    FIELD(snapshot, idle_tax_permyriad),
    FIELD(snapshot, emergency_permyriad),
    FIELD(snapshot, intent_wait_ms),
};
const struct fields fields_snapshot = FIELDS(snapshot, snapshot_table);

static const struct field memory_table[] = {
    FIELD(decide_memory, is_known),
    FIELD(decide_memory, last_ms),
    FIELD(decide_memory, met_ms),
    FIELD(decide_memory, is_newborn),
    FIELD(decide_memory, reported_ms),
    FIELD(decide_memory, need_kib),
    FIELD(decide_memory, growth_kib_s),
    FIELD(decide_memory, push_kib),
    FIELD(decide_memory, refault_kib),
    FIELD(decide_memory, promise_kib),
    FIELD(decide_memory, cold_kib),
    FIELD(decide_memory, demand_kib),
    FIELD(decide_memory, peak_kib),
    FIELD(decide_memory, pain_ms),
    FIELD(decide_memory, pressure_us),
    FIELD(decide_memory, swapped_in_kib),
    FIELD(decide_memory, swapped_kib),
    FIELD(decide_memory, refaults),
    FIELD(decide_memory, stalls),
    FIELD(decide_memory, used_kib),
    FIELD(decide_memory, committed_kib),
    FIELD(decide_memory, offset_kib),
    FIELD(decide_memory, gap_kib),
    FIELD(decide_memory, target_kib),
    FIELD(decide_memory, progress_ms),
    FIELD(decide_memory, is_stuck),
    FIELD(decide_memory, retry_ms),
    FIELD(decide_memory, retry_after_ms),
    FIELD(decide_memory, begun_ms),
    FIELD(decide_memory, begun_kib),
    FIELD(decide_memory, up_kib_s),
    FIELD(decide_memory, down_kib_s),
    FIELD(decide_memory, lately_kib),
    FIELD(decide_memory, lent_kib),
    FIELD(decide_memory, needed_ms),
    FIELD(decide_memory, shrunk_ms),
    FIELD(decide_memory, hands_off_ms),
    FIELD(decide_memory, hands_off_after_ms),
    FIELD(decide_memory, breathes_ms),
    FIELD(decide_memory, breathes_after_ms),
    FIELD(decide_memory, intent_number),
    FIELD(decide_memory, intent_target_kib),
    FIELD(decide_memory, intent_wait_ms),
    FIELD(decide_memory, intent_until_ms),
    FIELD(decide_memory, intent_is_extended),
    FIELD(decide_memory, intent_is_answered),
    FIELD(decide_memory, refused_kib),
    FIELD(decide_memory, refused_until_ms),
};
const struct fields fields_memory = FIELDS(decide_memory, memory_table);

static const struct field host_table[] = {
    FIELD(decide_host, is_known),
    FIELD(decide_host, last_ms),
    FIELD_ENUM(decide_host, mood, mood_word),
    FIELD(decide_host, urgent_kib),
    FIELD(decide_host, burst_kib),
    FIELD(decide_host, learned_kib),
    FIELD(decide_host, is_refilling),
};
const struct fields fields_host = FIELDS(decide_host, host_table);

static const struct field reason_table[] = {
    FIELD_ENUM(reason, code, code_word),
    FIELD(reason, a_kib),
    FIELD(reason, b_kib),
};
const struct fields fields_reason = FIELDS(reason, reason_table);

static const struct field step_table[] = {
    FIELD(decide_step, domid),
    FIELD_ENUM(decide_step, state, state_word),
    FIELD(decide_step, weight),
    FIELD(decide_step, base_kib),
    FIELD(decide_step, low_kib),
    FIELD(decide_step, high_kib),
    FIELD(decide_step, goal_kib),
    FIELD(decide_step, least_kib),
    FIELD(decide_step, need_kib),
    FIELD(decide_step, coming_kib),
    FIELD(decide_step, demand_kib),
    FIELD(decide_step, keep_kib),
    FIELD(decide_step, is_falling),
    FIELD_ENUM(decide_step, trust, trust_word),
    FIELD(decide_step, target_kib),
    FIELD(decide_step, limit_kib),
    FIELD(decide_step, allowance_kib),
    FIELD(decide_step, announced),
    FIELD(decide_step, announced_kib),
    FIELD(decide_step, announced_wait_ms),
    FIELD_INSIDE(decide_step, reason, &fields_reason),
};
const struct fields fields_step = FIELDS(decide_step, step_table);

static const struct field plan_table[] = {
    FIELD(plan, next_ms),       FIELD_ENUM(plan, mood, mood_word),
    FIELD(plan, spendable_kib), FIELD(plan, promised_kib),
    FIELD(plan, wanted_kib),    FIELD(plan, spare_kib),
    FIELD(plan, learned_kib),
};
const struct fields fields_plan = FIELDS(plan, plan_table);

/* ---- One value ----------------------------------------------------------- */

static uint64_t load_unsigned(const char *at, size_t size)
{
    uint8_t byte;
    uint16_t word;
    uint32_t half;
    uint64_t whole;

    switch (size) {
    case sizeof(byte):
        memcpy(&byte, at, sizeof(byte));
        return byte;
    case sizeof(word):
        memcpy(&word, at, sizeof(word));
        return word;
    case sizeof(half):
        memcpy(&half, at, sizeof(half));
        return half;
    default:
        memcpy(&whole, at, sizeof(whole));
        return whole;
    }
}

static void store_unsigned(char *at, size_t size, uint64_t value)
{
    const uint8_t byte = (uint8_t)value;
    const uint16_t word = (uint16_t)value;
    const uint32_t half = (uint32_t)value;

    switch (size) {
    case sizeof(byte):
        memcpy(at, &byte, sizeof(byte));
        break;
    case sizeof(word):
        memcpy(at, &word, sizeof(word));
        break;
    case sizeof(half):
        memcpy(at, &half, sizeof(half));
        break;
    default:
        memcpy(at, &value, sizeof(value));
    }
}

static int64_t load_signed(const char *at, size_t size)
{
    int32_t half;
    int64_t whole;

    if (size == sizeof(half)) {
        memcpy(&half, at, sizeof(half));
        return half;
    }
    memcpy(&whole, at, sizeof(whole));
    return whole;
}

static uint64_t unsigned_max(size_t size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static json_t *write_number(uint64_t value)
{
    char digits[24];

    if (value <= INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    return json_string(digits);
}

static bool is_same_one(const struct field *field, const char *a, const char *b)
{
    return field->kind == FIELD_STRUCT ? fields_are_same(field->inside, a, b)
                                       : memcmp(a, b, field->size) == 0;
}

static bool is_same(const struct field *field, const char *a, const char *b)
{
    for (unsigned int i = 0; i < field->count; i++) {
        if (!is_same_one(field, a + i * field->size, b + i * field->size)) {
            return false;
        }
    }
    return true;
}

bool fields_are_same(const struct fields *fields, const void *a, const void *b)
{
    for (unsigned int i = 0; i < fields->count; i++) {
        const struct field *field = &fields->table[i];

        if (!is_same(field, (const char *)a + field->offset,
                     (const char *)b + field->offset)) {
            return false;
        }
    }
    return true;
}

/* before is NULL, or the same field of another struct. */
static json_t *write_one(const struct field *field, const char *at,
                         const char *before)
{
    switch (field->kind) {
    case FIELD_UNSIGNED:
        return write_number(load_unsigned(at, field->size));
    case FIELD_SIGNED:
        return json_integer(load_signed(at, field->size));
    case FIELD_FLAG:
        return json_boolean(load_unsigned(at, field->size) != 0);
    case FIELD_WORD:
        return json_string(
            field->word((unsigned int)load_unsigned(at, field->size)));
    case FIELD_STRUCT:
        return fields_write(field->inside, at, before);
    }
    return NULL;
}

/* Of an array all or nothing is written. */
static json_t *write_field(const struct field *field, const char *at,
                           const char *before)
{
    json_t *array;

    if (field->count == 1) {
        return write_one(field, at, before);
    }
    array = json_array();
    for (unsigned int i = 0; array != NULL && i < field->count; i++) {
        if (json_array_append_new(
                array, write_one(field, at + i * field->size, NULL)) < 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

json_t *fields_write(const struct fields *fields, const void *now,
                     const void *before)
{
    json_t *object = json_object();

    for (unsigned int i = 0; object != NULL && i < fields->count; i++) {
        const struct field *field = &fields->table[i];
        const char *at = (const char *)now + field->offset;
        const char *then = before ? (const char *)before + field->offset : NULL;

        if (then && is_same(field, at, then)) {
            continue;
        }
        if (json_object_set_new(object, field->name,
                                write_field(field, at, then)) < 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

/* ---- Reading ------------------------------------------------------------- */

/* What was found is shown, bounded; returns -EINVAL to be handed on. */
static int refuse(const struct field *field, const json_t *untrusted,
                  const char *expected, char error[FIELDS_ERROR_MAX])
{
    char *text =
        untrusted ? json_dumps(untrusted, JSON_ENCODE_ANY | JSON_ENSURE_ASCII |
                                              JSON_COMPACT)
                  : NULL;
    char shown[64];

    (void)snprintf(error, FIELDS_ERROR_MAX, "%s: %s, expected %s", field->name,
                   text ? escape_text(shown, sizeof(shown), text, strlen(text))
                        : "unreadable",
                   expected);
    free(text);
    return -EINVAL;
}

static int read_unsigned(const struct field *field, const json_t *untrusted,
                         char *into, char error[FIELDS_ERROR_MAX])
{
    const uint64_t max = unsigned_max(field->size);
    uint64_t value;

    if (json_is_string(untrusted) &&
        number_parse(json_string_value(untrusted),
                     json_string_length(untrusted), max, &value) == 0) {
        store_unsigned(into, field->size, value);
        return 0;
    }
    if (!json_is_integer(untrusted) || json_integer_value(untrusted) < 0 ||
        (uint64_t)json_integer_value(untrusted) > max) {
        return refuse(field, untrusted, "a whole number, not below 0", error);
    }
    store_unsigned(into, field->size, (uint64_t)json_integer_value(untrusted));
    return 0;
}

static int read_signed(const struct field *field, const json_t *untrusted,
                       char *into, char error[FIELDS_ERROR_MAX])
{
    json_int_t value = json_integer_value(untrusted);

    if (!json_is_integer(untrusted) ||
        (field->size == sizeof(int32_t) &&
         (value < INT32_MIN || value > INT32_MAX))) {
        return refuse(field, untrusted, "a whole number", error);
    }
    store_unsigned(into, field->size, (uint64_t)value);
    return 0;
}

static int read_flag(const struct field *field, const json_t *untrusted,
                     char *into, char error[FIELDS_ERROR_MAX])
{
    const bool value = json_is_true(untrusted);

    if (!json_is_boolean(untrusted)) {
        return refuse(field, untrusted, "true or false", error);
    }
    memcpy(into, &value, sizeof(value));
    return 0;
}

/* The word for what is no value of the enum stands for nothing. */
static int read_word(const struct field *field, const json_t *untrusted,
                     char *into, char error[FIELDS_ERROR_MAX])
{
    const char *nothing = field->word(FIELDS_WORDS_MAX);
    const char *text = json_string_value(untrusted);

    for (unsigned int i = 0; text && i < FIELDS_WORDS_MAX; i++) {
        const char *word = field->word(i);

        if (strcmp(word, text) == 0 && strcmp(word, nothing) != 0) {
            store_unsigned(into, field->size, i);
            return 0;
        }
    }
    return refuse(field, untrusted, "a word that this version knows", error);
}

static int read_one(const struct field *field, const json_t *untrusted,
                    char *into, char error[FIELDS_ERROR_MAX])
{
    switch (field->kind) {
    case FIELD_UNSIGNED:
        return read_unsigned(field, untrusted, into, error);
    case FIELD_SIGNED:
        return read_signed(field, untrusted, into, error);
    case FIELD_FLAG:
        return read_flag(field, untrusted, into, error);
    case FIELD_WORD:
        return read_word(field, untrusted, into, error);
    case FIELD_STRUCT:
        if (!json_is_object(untrusted)) {
            return refuse(field, untrusted, "an object", error);
        }
        return fields_read(field->inside, untrusted, into, error);
    }
    return -EINVAL;
}

static int read_field(const struct field *field, const json_t *untrusted,
                      char *into, char error[FIELDS_ERROR_MAX])
{
    int r = 0;

    if (field->count == 1) {
        return read_one(field, untrusted, into, error);
    }
    if (!json_is_array(untrusted) ||
        json_array_size(untrusted) != field->count) {
        return refuse(field, untrusted, "a list of its full length", error);
    }
    for (unsigned int i = 0; r == 0 && i < field->count; i++) {
        r = read_one(field, json_array_get(untrusted, i),
                     into + i * field->size, error);
    }
    return r;
}

static const struct field *find_field(const struct fields *fields,
                                      const char *name)
{
    for (unsigned int i = 0; i < fields->count; i++) {
        if (strcmp(fields->table[i].name, name) == 0) {
            return &fields->table[i];
        }
    }
    return NULL;
}

int fields_read(const struct fields *fields, const json_t *untrusted,
                void *into, char error[FIELDS_ERROR_MAX])
{
    /* jansson iterates over what is not const only; nothing is changed. */
    for (void *at = json_object_iter((json_t *)(uintptr_t)untrusted); at;
         at = json_object_iter_next((json_t *)(uintptr_t)untrusted, at)) {
        const char *name = json_object_iter_key(at);
        const struct field *field = find_field(fields, name);
        char shown[64];
        int r;

        if (!field) {
            (void)snprintf(
                error, FIELDS_ERROR_MAX,
                "%s: no such field, expected one that this version "
                "knows",
                escape_text(shown, sizeof(shown), name, strlen(name)));
            return -EINVAL;
        }
        r = read_field(field, json_object_iter_value(at),
                       (char *)into + field->offset, error);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static bool is_amount(const struct field *field)
{
    static const char unit[] = "_kib";
    size_t len = strlen(field->name);

    return len > strlen(unit) &&
           strcmp(field->name + len - strlen(unit), unit) == 0;
}

static bool is_possible(const struct field *field, const char *at)
{
    uint64_t kib = load_unsigned(at, field->size);

    if (field->kind == FIELD_SIGNED) {
        int64_t grow_kib = load_signed(at, field->size);

        return grow_kib <= (int64_t)UNITS_KIB_MAX &&
               grow_kib >= -(int64_t)UNITS_KIB_MAX;
    }
    return kib <= UNITS_KIB_MAX || kib == UINT64_MAX;
}

static int check_amount(const struct field *field, const char *at,
                        char error[FIELDS_ERROR_MAX])
{
    json_t *value;
    int r;

    if (is_possible(field, at)) {
        return 0;
    }
    value = write_one(field, at, NULL);
    r = refuse(field, value, "at most 1024 TiB, in KiB", error);
    json_decref(value);
    return r;
}

int fields_check_amounts(const struct fields *fields, enum field_kind kind,
                         const void *at, char error[FIELDS_ERROR_MAX])
{
    int r = 0;

    for (unsigned int i = 0; r == 0 && i < fields->count; i++) {
        const struct field *field = &fields->table[i];
        const char *place = (const char *)at + field->offset;

        if (field->kind != kind || !is_amount(field)) {
            continue;
        }
        for (unsigned int j = 0; r == 0 && j < field->count; j++) {
            r = check_amount(field, place + j * field->size, error);
        }
    }
    return r;
}

/* ---- Comparing ----------------------------------------------------------- */

/* For whom, and the name so far of what is compared. */
struct comparison {
    fields_differs_fn *differs;
    void *arg;
    char name[128];
    unsigned int count;
};

static void compare(struct comparison *comparison, const struct fields *fields,
                    const char *a, const char *b);

static void tell(const struct comparison *comparison, const struct field *field,
                 const char *a, const char *b)
{
    json_t *values[2] = {write_one(field, a, NULL), write_one(field, b, NULL)};
    char *texts[2];

    for (unsigned int i = 0; i < 2; i++) {
        texts[i] = values[i] ? json_dumps(values[i],
                                          JSON_ENCODE_ANY | JSON_ENSURE_ASCII)
                             : NULL;
        json_decref(values[i]);
    }
    comparison->differs(comparison->arg, comparison->name,
                        texts[0] ? texts[0] : "?", texts[1] ? texts[1] : "?");
    free(texts[0]);
    free(texts[1]);
}

static void compare_one(struct comparison *comparison,
                        const struct field *field, const char *a, const char *b)
{
    size_t len = strlen(comparison->name);

    if (field->kind == FIELD_STRUCT) {
        (void)snprintf(comparison->name + len, sizeof(comparison->name) - len,
                       ".");
        compare(comparison, field->inside, a, b);
    } else if (memcmp(a, b, field->size) != 0) {
        comparison->count++;
        if (comparison->differs) {
            tell(comparison, field, a, b);
        }
    }
}

static void compare(struct comparison *comparison, const struct fields *fields,
                    const char *a, const char *b)
{
    size_t len = strlen(comparison->name);

    for (unsigned int i = 0; i < fields->count; i++) {
        const struct field *field = &fields->table[i];

        for (unsigned int j = 0; j < field->count; j++) {
            size_t at = field->offset + j * field->size;
            char *name = comparison->name + len;
            size_t size = sizeof(comparison->name) - len;

            if (field->count == 1) {
                (void)snprintf(name, size, "%s", field->name);
            } else {
                (void)snprintf(name, size, "%s[%u]", field->name, j);
            }
            compare_one(comparison, field, a + at, b + at);
            *name = '\0';
        }
    }
}

unsigned int fields_compare(const struct fields *fields, const void *a,
                            const void *b, fields_differs_fn *differs,
                            void *arg)
{
    struct comparison comparison = {.differs = differs, .arg = arg};

    compare(&comparison, fields, a, b);
    return comparison.count;
}
