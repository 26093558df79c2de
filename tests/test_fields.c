/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of fields: that none is forgotten, and that what is written is
 * read again to the last bit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/decide.h"
#include "backend/fields.h"
#include "backend/snapshot.h"
#include "common/report.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define SEED 20261122U
#define ROUNDS 500

/* ---- Completeness -------------------------------------------------------- */

#ifdef __has_builtin
#if __has_builtin(__builtin_clear_padding)
#define KNOWS_PADDING
#endif
#endif

/* Bytes of the struct that stand in no table, padding left out. */
static size_t count_forgotten(const struct fields *fields,
                              const unsigned char *is_used)
{
    size_t forgotten = 0;

    for (size_t at = 0; at < fields->size; at++) {
        unsigned int tables = 0;

        for (unsigned int i = 0; i < fields->count; i++) {
            const struct field *field = &fields->table[i];

            tables += at >= field->offset &&
                      at < field->offset + field->size * field->count;
        }
        assert_true(tables <= 1);
        forgotten += tables == 0 && is_used[at] != 0;
    }
    return forgotten;
}

#ifdef KNOWS_PADDING
/* elsewhere: bytes of members that are written by other means. */
#define EXPECT_COMPLETE(type, fields, elsewhere)                               \
    do {                                                                       \
        union {                                                                \
            struct type object;                                                \
            unsigned char bytes[sizeof(struct type)];                          \
        } all;                                                                 \
                                                                               \
        memset(&all, 0xff, sizeof(all));                                       \
        __builtin_clear_padding(&all.object);                                  \
        assert_int_equal((fields)->size, sizeof(struct type));                 \
        if (count_forgotten(fields, all.bytes) != (elsewhere)) {               \
            fail_msg("a field of struct %s is not in its table in "            \
                     "backend/fields.c",                                       \
                     #type);                                                   \
        }                                                                      \
    } while (0)
#else
/* Padding is not to be told from a field then: at least nothing overlaps. */
#define EXPECT_COMPLETE(type, fields, elsewhere)                               \
    do {                                                                       \
        static const unsigned char none[sizeof(struct type)];                  \
                                                                               \
        (void)(elsewhere);                                                     \
        assert_int_equal((fields)->size, sizeof(struct type));                 \
        assert_int_equal(count_forgotten(fields, none), 0);                    \
    } while (0)
#endif

static void no_field_is_forgotten(void **state)
{
    const struct snapshot snapshot = {0};
    const struct decide_step step = {0};
    const struct plan plan = {0};

    (void)state;
    EXPECT_COMPLETE(report, &fields_report, 0);
    EXPECT_COMPLETE(reason, &fields_reason, 0);
    EXPECT_COMPLETE(snapshot_domain, &fields_domain, 0);
    EXPECT_COMPLETE(snapshot, &fields_snapshot,
                    sizeof(snapshot.domains) + sizeof(snapshot.count));
    EXPECT_COMPLETE(decide_memory, &fields_memory, 0);
    EXPECT_COMPLETE(decide_host, &fields_host, 0);
    EXPECT_COMPLETE(decide_step, &fields_step, sizeof(step.notes));
    EXPECT_COMPLETE(plan, &fields_plan, sizeof(plan.steps));
}

/* ---- There and back ------------------------------------------------------ */

static uint64_t random_bits(void)
{
    uint64_t bits = 0;

    for (unsigned int i = 0; i < 8; i++) {
        bits = bits << 8 ^ (uint64_t)(random() >> 3);
    }
    /* All lengths, all ones among them. */
    return random() % 8 == 0 ? UINT64_MAX : bits >> (random() % 64);
}

static unsigned int random_word(const struct field *field)
{
    const char *nothing = field->word(FIELDS_WORDS_MAX);
    unsigned int value;

    do {
        value = (unsigned int)random() % FIELDS_WORDS_MAX;
    } while (strcmp(field->word(value), nothing) == 0);
    return value;
}

static void fill(const struct fields *fields, char *at);

static void fill_one(const struct field *field, char *at)
{
    const uint64_t bits = random_bits();
    const bool flag = random() % 2;
    unsigned int value;

    switch (field->kind) {
    case FIELD_UNSIGNED:
    case FIELD_SIGNED:
        memcpy(at, &bits, field->size);
        break;
    case FIELD_FLAG:
        memcpy(at, &flag, sizeof(flag));
        break;
    case FIELD_WORD:
        value = random_word(field);
        memcpy(at, &value, field->size);
        break;
    case FIELD_STRUCT:
        fill(field->inside, at);
        break;
    }
}

static void fill(const struct fields *fields, char *at)
{
    for (unsigned int i = 0; i < fields->count; i++) {
        const struct field *field = &fields->table[i];

        for (unsigned int j = 0; j < field->count; j++) {
            fill_one(field, at + field->offset + j * field->size);
        }
    }
}

static const struct fields *const all[] = {
    &fields_report, &fields_reason, &fields_domain, &fields_snapshot,
    &fields_memory, &fields_host,   &fields_step,   &fields_plan,
};

/* Through text, as a file has it. */
static void pass_on(const struct fields *fields, const void *now,
                    const void *before, void *into)
{
    json_t *object = fields_write(fields, now, before);
    char *text;
    char error[FIELDS_ERROR_MAX] = "";

    assert_non_null(object);
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    assert_non_null(text);
    object = json_loads(text, 0, NULL);
    if (fields_read(fields, object, into, error) < 0) {
        fail_msg("%s in %s", error, text);
    }
    json_decref(object);
    free(text);
}

static void all_bits_come_back(void **state)
{
    (void)state;
    srandom(SEED);
    for (size_t i = 0; i < COUNT_OF(all) * ROUNDS; i++) {
        const struct fields *fields = all[i % COUNT_OF(all)];
        char *now = calloc(1, fields->size);
        char *before = calloc(1, fields->size);
        char *read = calloc(1, fields->size);

        assert_true(now && before && read);
        fill(fields, now);
        fill(fields, before);
        fill(fields, read);
        pass_on(fields, now, NULL, read);
        assert_memory_equal(now, read, fields->size);

        memcpy(read, before, fields->size);
        pass_on(fields, now, before, read);
        assert_memory_equal(now, read, fields->size);
        assert_int_equal(fields_compare(fields, now, read, NULL, NULL), 0);
        assert_true(fields_are_same(fields, now, read));
        assert_int_equal(fields_are_same(fields, now, before),
                         fields_compare(fields, now, before, NULL, NULL) == 0);
        free(now);
        free(before);
        free(read);
    }
    print_message("# seed %u\n", SEED);
}

static void what_has_not_changed_is_not_written(void **state)
{
    const struct snapshot_domain before = {.domid = 3, .report.refaults = 7};
    struct snapshot_domain now = before;
    json_t *object = fields_write(&fields_domain, &now, &before);
    char *text;

    (void)state;
    assert_int_equal(json_object_size(object), 0);
    json_decref(object);

    now.report.refaults = 8;
    now.is_hvm = true;
    object = fields_write(&fields_domain, &now, &before);
    text = json_dumps(object, JSON_COMPACT);
    assert_string_equal(text, "{\"is_hvm\":true,\"report\":{\"refaults\":8}}");
    free(text);
    json_decref(object);
}

/* ---- Differences --------------------------------------------------------- */

static void keep_text(void *arg, const char *name, const char *a, const char *b)
{
    char *text = arg;
    size_t len = strlen(text);

    (void)snprintf(text + len, 256 - len, "%s %s %s;", name, a, b);
}

static void differences_are_named(void **state)
{
    const struct decide_step a = {.goal_kib = 1, .reason.a_kib = UINT64_MAX};
    struct decide_step b = a;
    char text[256] = "";

    (void)state;
    b.goal_kib = 2;
    b.state = DECIDE_STUCK;
    b.reason.a_kib = 0;
    b.reason.code = REASON_NEEDS;
    assert_int_equal(fields_compare(&fields_step, &a, &b, keep_text, text), 4);
    assert_string_equal(text, "state \"managed\" \"stuck\";goal_kib 1 2;"
                              "reason.code \"none\" \"needs\";"
                              "reason.a_kib \"18446744073709551615\" 0;");
}

/* ---- Bad objects --------------------------------------------------------- */

static const struct {
    const struct fields *fields;
    const char *text;
    const char *error; /* its beginning */
} bad[] = {
    {&fields_domain, "{\"domid\":-1}",
     "domid: -1, expected a whole number, not below 0"},
    {&fields_domain, "{\"domid\":4294967296}",
     "domid: 4294967296, expected a whole number"},
    {&fields_domain, "{\"domid\":1.5}", "domid: 1.5, expected a whole number"},
    {&fields_domain, "{\"target_kib\":\"x\"}", "target_kib: \"x\", expected"},
    {&fields_domain, "{\"target_kib\":\"18446744073709551616\"}",
     "target_kib: \"18446744073709551616\", expected"},
    {&fields_domain, "{\"is_hvm\":1}", "is_hvm: 1, expected true or false"},
    {&fields_domain, "{\"voice\":\"loud\"}",
     "voice: \"loud\", expected a word"},
    {&fields_domain, "{\"voice\":\"unknown\"}", "voice: \"unknown\", expected"},
    {&fields_domain, "{\"voice\":1}", "voice: 1, expected a word"},
    {&fields_domain, "{\"report\":[]}", "report: [], expected an object"},
    {&fields_domain, "{\"report\":{\"refaults\":null}}",
     "refaults: null, expected a whole number"},
    {&fields_domain, "{\"wight\":1}", "wight: no such field, expected one"},
    {&fields_memory, "{\"offset_kib\":\"1\"}",
     "offset_kib: \"1\", expected a whole number"},
    {&fields_step, "{\"state\":\"unknown\"}", "state: \"unknown\", expected"},
    {&fields_step, "{\"reason\":{\"code\":\"unknown\"}}",
     "code: \"unknown\", expected"},
};

static void bad_objects_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_t *object = json_loads(bad[i].text, 0, NULL);
        char *into = calloc(1, bad[i].fields->size);
        char error[FIELDS_ERROR_MAX] = "";

        assert_non_null(object);
        assert_non_null(into);
        assert_int_equal(fields_read(bad[i].fields, object, into, error),
                         -EINVAL);
        if (strncmp(error, bad[i].error, strlen(bad[i].error)) != 0) {
            fail_msg("%s: %s", bad[i].text, error);
        }
        free(into);
        json_decref(object);
    }
}

static void amounts_are_bounded(void **state)
{
    struct snapshot_domain domain = {.limit_kib = UINT64_MAX,
                                     .report.swapped_in_kib = UINT64_MAX / 2};
    struct decide_memory memory = {.offset_kib = -1};
    char error[FIELDS_ERROR_MAX] = "";

    (void)state;
    assert_int_equal(
        fields_check_amounts(&fields_domain, FIELD_UNSIGNED, &domain, error),
        0);
    assert_int_equal(
        fields_check_amounts(&fields_memory, FIELD_SIGNED, &memory, error), 0);
    domain.target_kib = UINT64_MAX / 2;
    assert_int_equal(
        fields_check_amounts(&fields_domain, FIELD_UNSIGNED, &domain, error),
        -EINVAL);
    assert_string_equal(error, "target_kib: 9223372036854775807, expected at "
                               "most 1024 TiB, in KiB");
    memory.offset_kib = INT64_MIN;
    assert_int_equal(
        fields_check_amounts(&fields_memory, FIELD_SIGNED, &memory, error),
        -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_field_is_forgotten),
        cmocka_unit_test(all_bits_come_back),
        cmocka_unit_test(what_has_not_changed_is_not_written),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(bad_objects_are_refused),
        cmocka_unit_test(amounts_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
