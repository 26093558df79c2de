/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of what the decision sees, remembers and plans, as tables: what
 * is recorded, compared and shown to a policy of somebody else's goes through
 * them.  A field that is added to one of these structs is added to its table
 * in fields.c, as one line; tests/test_fields.c fails when it is forgotten.
 *
 * In JSON a struct is an object, a field of it has the name that it has in C,
 * an enum is its word, and a number above INT64_MAX, which JSON's readers
 * lose, is its digits in a string.
 */
#ifndef BALLOON_BACKEND_FIELDS_H
#define BALLOON_BACKEND_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum field_kind {
    FIELD_UNSIGNED, /* of 1, 2, 4 or 8 bytes */
    FIELD_SIGNED,   /* ditto */
    FIELD_FLAG,     /* bool */
    FIELD_WORD,     /* an enum */
    FIELD_STRUCT,
};

struct fields;

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t size;                             /* of one */
    unsigned int count;                      /* more than one: an array */
    const char *(*word)(unsigned int value); /* FIELD_WORD */
    const struct fields *inside;             /* FIELD_STRUCT */
};

struct fields {
    size_t size; /* of the struct */
    const struct field *table;
    unsigned int count;
};

/* No enum here has more values. */
#define FIELDS_WORDS_MAX 256U

extern const struct fields fields_snapshot; /* but for domains and count */
extern const struct fields fields_domain;   /* struct snapshot_domain */
extern const struct fields fields_report;
extern const struct fields fields_memory; /* struct decide_memory */
extern const struct fields fields_host;   /* struct decide_host */
extern const struct fields fields_step;   /* struct decide_step */
extern const struct fields fields_reason;
extern const struct fields fields_plan; /* but for steps */

/*
 * An object with those fields of the struct at now that differ from the one
 * at before; with all of them when before is NULL.  NULL: out of memory.
 */
json_t *fields_write(const struct fields *fields, const void *now,
                     const void *before);

/*
 * Takes what is in an untrusted object; fields that are not there stay as
 * they are.  0; or -EINVAL and what was wrong with which field in error, the
 * struct then being good for nothing.
 */
#define FIELDS_ERROR_MAX 256
int fields_read(const struct fields *fields, const json_t *untrusted,
                void *into, char error[FIELDS_ERROR_MAX]);

/*
 * Whether all amounts of memory of that kind, FIELD_UNSIGNED or FIELD_SIGNED,
 * are ones that there can be, UINT64_MAX for "no bound" included: otherwise
 * -EINVAL and error as above.  Structs inside are not looked at: a guest may
 * have said anything.
 */
int fields_check_amounts(const struct fields *fields, enum field_kind kind,
                         const void *at, char error[FIELDS_ERROR_MAX]);

/* Field by field: what stands between them does not count. */
bool fields_are_same(const struct fields *fields, const void *a, const void *b);

/*
 * Calls differs, which may be NULL, for every field that is not the same in
 * both.  The texts are theirs as JSON, as long as the call.  Returns how many.
 */
typedef void fields_differs_fn(void *arg, const char *name, const char *a,
                               const char *b);
unsigned int fields_compare(const struct fields *fields, const void *a,
                            const void *b, fields_differs_fn *differs,
                            void *arg);

#endif
