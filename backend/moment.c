/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing and reading stand in the same order, so that one can be held against
 * the other.
 */
#include "backend/moment.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/balancer.h"
#include "backend/fields.h"
#include "common/escape.h"

int moment_resize(struct moment *moment, unsigned int count)
{
    struct snapshot_domain *seen = calloc(count + 1U, sizeof(*seen));
    struct decide_step *steps = calloc(count + 1U, sizeof(*steps));
    struct moment_domain *domains = calloc(count + 1U, sizeof(*domains));

    if (!seen || !steps || !domains) {
        free(seen);
        free(steps);
        free(domains);
        return -ENOMEM;
    }
    moment_done(moment);
    moment->snapshot.domains = seen;
    moment->snapshot.count = count;
    moment->plan.steps = steps;
    moment->domains = domains;
    return 0;
}

void moment_done(struct moment *moment)
{
    if (moment == NULL) {
        return;
    }
    free(moment->snapshot.domains);
    free(moment->plan.steps);
    free(moment->domains);
    memset(moment, 0, sizeof(*moment));
}

/* A domain as it was in the line before, or as nothing is known of it. */
struct past {
    struct snapshot_domain seen;
    struct decide_step step;
    const char *name;
};

/* Both ascend by domid: *at is where the last search ended. */
static struct past find_past(const struct moment *before, unsigned int *at,
                             uint32_t domid)
{
    struct past past = {.seen.domid = domid, .step.domid = domid, .name = ""};
    unsigned int count = before->is_beginning ? 0 : before->snapshot.count;

    while (*at < count && before->snapshot.domains[*at].domid < domid) {
        (*at)++;
    }
    if (*at < count && before->snapshot.domains[*at].domid == domid) {
        past.seen = before->snapshot.domains[*at];
        past.step = before->plan.steps[*at];
        past.name = before->domains[*at].name;
    }
    return past;
}

/* ---- Writing ------------------------------------------------------------- */

/* Takes over value, which may be NULL; false: out of memory. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

/* Nothing that has not changed is written, nor an object without a field. */
static bool set_changes(json_t *object, const char *key,
                        const struct fields *fields, const void *now,
                        const void *before)
{
    json_t *changes = fields_write(fields, now, before);

    if (changes && json_object_size(changes) == 0) {
        json_decref(changes);
        return true;
    }
    return set(object, key, changes);
}

/* Takes over object, and frees it. */
static char *finish(json_t *object, bool is_whole)
{
    char *text =
        is_whole ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    size_t len = text ? strlen(text) : 0;
    char *line = text ? realloc(text, len + 2) : NULL;

    json_decref(object);
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + len, "\n", 2);
    return line;
}

static json_t *write_memory(uint32_t domid, const struct decide_memory *memory)
{
    json_t *object = json_object();

    if (object &&
        !(set(object, "domid", json_integer(domid)) &&
          set(object, "memory", fields_write(&fields_memory, memory, NULL)))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

char *moment_write_beginning(const struct snapshot *snapshot,
                             const struct decide_host *host,
                             const struct decide_memory *memories)
{
    json_t *object = json_object();
    json_t *domains = json_array();
    bool is_whole =
        object && domains &&
        set(object, "xenballoon_record", json_integer(MOMENT_FORMAT)) &&
        set(object, "version", json_string(PACKAGE_VERSION)) &&
        set(object, "host", fields_write(&fields_host, host, NULL));

    for (unsigned int i = 0; is_whole && i < snapshot->count; i++) {
        is_whole = json_array_append_new(
                       domains, write_memory(snapshot->domains[i].domid,
                                             &memories[i])) == 0;
    }
    is_whole = set(object, "domains", domains) && is_whole;
    return finish(object, is_whole);
}

/* A name is bytes of somebody's: what is not UTF-8 is written escaped. */
static json_t *write_name(const char *name)
{
    char shown[4 * SETTINGS_NAME_MAX];
    json_t *text = json_string(name);

    return text ? text
                : json_string(
                      escape_text(shown, sizeof(shown), name, strlen(name)));
}

static json_t *write_domain(const struct moment *now, unsigned int i,
                            const struct past *past)
{
    const struct moment_domain *domain = &now->domains[i];
    const struct snapshot_domain *seen = &now->snapshot.domains[i];
    json_t *object = json_object();
    bool is_whole =
        object && set(object, "domid", json_integer(seen->domid)) &&
        (!domain->is_new || set(object, "is_new", json_true())) &&
        (strcmp(domain->name, past->name) == 0 ||
         set(object, "name", write_name(domain->name))) &&
        set_changes(object, "seen", &fields_domain, seen, &past->seen) &&
        set_changes(object, "step", &fields_step, &now->plan.steps[i],
                    &past->step);

    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

char *moment_write(const struct moment *now, const struct moment *before)
{
    json_t *object = json_object();
    json_t *domains = json_array();
    bool is_whole =
        object && domains &&
        set_changes(object, "snapshot", &fields_snapshot, &now->snapshot,
                    &before->snapshot) &&
        set_changes(object, "plan", &fields_plan, &now->plan, &before->plan);
    unsigned int at = 0;

    for (unsigned int i = 0; is_whole && i < now->snapshot.count; i++) {
        struct past past =
            find_past(before, &at, now->snapshot.domains[i].domid);

        is_whole =
            json_array_append_new(domains, write_domain(now, i, &past)) == 0;
    }
    is_whole = set(object, "domains", domains) && is_whole;
    return finish(object, is_whole);
}

/* ---- Reading ------------------------------------------------------------- */

static int __attribute__((format(printf, 2, 3)))
refuse(char error[MOMENT_ERROR_MAX], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, MOMENT_ERROR_MAX, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* An object that is not there has no fields. */
static int read_object(const json_t *untrusted, const char *key,
                       const struct fields *fields, void *into,
                       char error[MOMENT_ERROR_MAX])
{
    const json_t *value = json_object_get(untrusted, key);
    char field_error[FIELDS_ERROR_MAX];

    if (!value) {
        return 0;
    }
    if (!json_is_object(value)) {
        return refuse(error, "%s: no object, expected one", key);
    }
    if (fields_read(fields, value, into, field_error) < 0) {
        return refuse(error, "%s: %s", key, field_error);
    }
    return 0;
}

static int read_text(const json_t *untrusted, const char *key, char *into,
                     size_t size, char error[MOMENT_ERROR_MAX])
{
    const json_t *value = json_object_get(untrusted, key);

    if (!value) {
        return 0;
    }
    if (!json_is_string(value)) {
        return refuse(error, "%s: no text, expected one", key);
    }
    /* A longer one is cut: escaping has made it longer than it was. */
    (void)snprintf(into, size, "%s", json_string_value(value));
    return 0;
}

static int read_domid(const json_t *untrusted, const struct moment *now,
                      unsigned int index, uint32_t *ret_domid,
                      char error[MOMENT_ERROR_MAX])
{
    const json_t *value = json_object_get(untrusted, "domid");
    json_int_t domid = json_integer_value(value);

    if (!json_is_integer(value) || domid < 0 || domid > UINT32_MAX) {
        return refuse(error, "domains[%u].domid: expected a number from 0",
                      index);
    }
    if (index > 0 && domid <= now->snapshot.domains[index - 1].domid) {
        return refuse(error,
                      "domains[%u].domid: %u, expected one above %u, the one "
                      "before it",
                      index, (unsigned int)domid,
                      now->snapshot.domains[index - 1].domid);
    }
    *ret_domid = (uint32_t)domid;
    return 0;
}

static int check_domain(const struct snapshot_domain *seen, uint32_t domid,
                        const struct decide_step *step, unsigned int index,
                        char error[MOMENT_ERROR_MAX])
{
    char field_error[FIELDS_ERROR_MAX];

    if (seen->domid != domid || step->domid != domid) {
        return refuse(error, "domains[%u]: another domid inside, expected %u",
                      index, domid);
    }
    if (seen->weight > SETTINGS_WEIGHT_MAX) {
        return refuse(error, "domains[%u].seen.weight: expected at most %d",
                      index, SETTINGS_WEIGHT_MAX);
    }
    if (fields_check_amounts(&fields_domain, FIELD_UNSIGNED, seen,
                             field_error) < 0) {
        return refuse(error, "domains[%u].seen.%s", index, field_error);
    }
    return 0;
}

static int read_tick_domain(const json_t *untrusted, struct past *past,
                            struct moment *now, unsigned int index,
                            char error[MOMENT_ERROR_MAX])
{
    struct moment_domain *domain = &now->domains[index];
    struct snapshot_domain *seen = &now->snapshot.domains[index];
    struct decide_step *step = &now->plan.steps[index];
    uint32_t domid = past->seen.domid;
    int r;

    *seen = past->seen;
    *step = past->step;
    (void)snprintf(domain->name, sizeof(domain->name), "%s", past->name);
    domain->is_new = json_is_true(json_object_get(untrusted, "is_new"));
    r = read_text(untrusted, "name", domain->name, sizeof(domain->name), error);
    if (r == 0) {
        r = read_object(untrusted, "seen", &fields_domain, seen, error);
    }
    if (r == 0) {
        r = read_object(untrusted, "step", &fields_step, step, error);
    }
    return r < 0 ? r : check_domain(seen, domid, step, index, error);
}

/*
 * What is remembered may be a guest's own counter, which may be anything; what
 * grows or shrinks is never beyond what there can be.
 */
static int read_memory(const json_t *untrusted, struct decide_memory *memory,
                       char error[MOMENT_ERROR_MAX])
{
    char field_error[FIELDS_ERROR_MAX];
    int r = read_object(untrusted, "memory", &fields_memory, memory, error);

    if (r == 0 && fields_check_amounts(&fields_memory, FIELD_SIGNED, memory,
                                       field_error) < 0) {
        return refuse(error, "memory.%s", field_error);
    }
    return r;
}

static int read_domain(const json_t *untrusted, const struct moment *before,
                       unsigned int *at, struct moment *now, unsigned int index,
                       char error[MOMENT_ERROR_MAX])
{
    struct past past;
    uint32_t domid = 0;
    int r = read_domid(untrusted, now, index, &domid, error);

    if (r < 0) {
        return r;
    }
    if (now->is_beginning) {
        now->snapshot.domains[index].domid = domid;
        return read_memory(untrusted, &now->domains[index].memory, error);
    }
    past = find_past(before, at, domid);
    return read_tick_domain(untrusted, &past, now, index, error);
}

static int read_domains(const json_t *untrusted, const struct moment *before,
                        struct moment *now, char error[MOMENT_ERROR_MAX])
{
    const json_t *list = json_object_get(untrusted, "domains");
    unsigned int at = 0;
    int r = 0;

    for (unsigned int i = 0; r == 0 && i < json_array_size(list); i++) {
        r = read_domain(json_array_get(list, i), before, &at, now, i, error);
    }
    return r;
}

static int read_beginning(const json_t *untrusted, struct moment *now,
                          char error[MOMENT_ERROR_MAX])
{
    const json_t *format = json_object_get(untrusted, "xenballoon_record");
    char field_error[FIELDS_ERROR_MAX];
    int r;

    if (json_integer_value(format) != MOMENT_FORMAT) {
        return refuse(error,
                      "xenballoon_record: a format that this version does not "
                      "know, expected %d",
                      MOMENT_FORMAT);
    }
    now->is_beginning = true;
    r = read_text(untrusted, "version", now->version, sizeof(now->version),
                  error);
    if (r == 0) {
        r = read_object(untrusted, "host", &fields_host, &now->host, error);
    }
    if (r == 0 && fields_check_amounts(&fields_host, FIELD_SIGNED, &now->host,
                                       field_error) < 0) {
        return refuse(error, "host.%s", field_error);
    }
    return r;
}

static int read_tick(const json_t *untrusted, const struct moment *before,
                     struct moment *now, char error[MOMENT_ERROR_MAX])
{
    char field_error[FIELDS_ERROR_MAX];
    int r;

    /* The host is as it was, the arrays are this moment's own. */
    if (!before->is_beginning) {
        struct snapshot snapshot = before->snapshot;
        struct plan plan = before->plan;

        snapshot.domains = now->snapshot.domains;
        snapshot.count = now->snapshot.count;
        plan.steps = now->plan.steps;
        now->snapshot = snapshot;
        now->plan = plan;
    }
    r = read_object(untrusted, "snapshot", &fields_snapshot, &now->snapshot,
                    error);
    if (r == 0) {
        r = read_object(untrusted, "plan", &fields_plan, &now->plan, error);
    }
    if (r < 0) {
        return r;
    }
    if (now->snapshot.now_ms < before->snapshot.now_ms ||
        now->snapshot.now_ms > INT64_MAX) {
        return refuse(error, "snapshot.now_ms: earlier than the line before");
    }
    if (fields_check_amounts(&fields_snapshot, FIELD_UNSIGNED, &now->snapshot,
                             field_error) < 0) {
        return refuse(error, "snapshot.%s", field_error);
    }
    if (now->snapshot.idle_tax_permyriad > 10000) {
        return refuse(error,
                      "snapshot.idle_tax_permyriad: expected at most 10000");
    }
    return 0;
}

static int read_moment(const json_t *untrusted, const struct moment *before,
                       struct moment *now, char error[MOMENT_ERROR_MAX])
{
    const json_t *list = json_object_get(untrusted, "domains");
    int r;

    if (!json_is_array(list) || json_array_size(list) > BALANCER_DOMAINS_MAX) {
        return refuse(error, "domains: expected a list of at most %d",
                      BALANCER_DOMAINS_MAX);
    }
    r = moment_resize(now, (unsigned int)json_array_size(list));
    if (r < 0) {
        return r;
    }
    if (json_object_get(untrusted, "xenballoon_record")) {
        r = read_beginning(untrusted, now, error);
    } else if (!before->domains) {
        return refuse(error,
                      "no beginning, expected {\"xenballoon_record\":%d, ...} "
                      "as the first line",
                      MOMENT_FORMAT);
    } else {
        r = read_tick(untrusted, before, now, error);
    }
    return r < 0 ? r : read_domains(untrusted, before, now, error);
}

int moment_read(const char *untrusted_line, size_t len,
                const struct moment *before, struct moment *ret_now,
                char error[MOMENT_ERROR_MAX])
{
    struct moment now = {0};
    json_error_t json_error;
    json_t *untrusted =
        json_loadb(untrusted_line, len, JSON_REJECT_DUPLICATES, &json_error);
    char shown[JSON_ERROR_TEXT_LENGTH];
    int r;

    if (!untrusted) {
        return refuse(error, "%s, expected an object in JSON",
                      escape_text(shown, sizeof(shown), json_error.text,
                                  strlen(json_error.text)));
    }
    if (!json_is_object(untrusted)) {
        json_decref(untrusted);
        return refuse(error, "no object, expected an object in JSON");
    }
    r = read_moment(untrusted, before, &now, error);
    json_decref(untrusted);
    if (r < 0) {
        moment_done(&now);
        return r;
    }
    *ret_now = now;
    return 0;
}
