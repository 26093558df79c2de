/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of requests, and the JSON of each.  Objects are built without a look
 * at single failures: jansson takes NULL for "out of memory" everywhere, and
 * what is missing shows at the end (see finish()).
 *
 * Output is ASCII, as jansson escapes the rest, so that names of domains are
 * harmless on any terminal.
 */
#include "backend/answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "backend/control.h"
#include "backend/decide.h"
#include "backend/reason.h"
#include "backend/settings.h"
#include "common/escape.h"
#include "common/units.h"
#include "common/words.h"

/* No request of CONTROL_REQUEST_MAX bytes needs more that makes sense. */
#define WORDS_MAX 16

#define SENTENCE_MAX 320

/* What is shown of a word from the request. */
#define SHOWN_MAX 64

struct request {
    struct balancer *balancer;
    uint64_t now_ms;
    char **words; /* behind the name of the request */
    int count;
};

/* ---- JSON ---- */

static void put(json_t *object, const char *key, json_t *value)
{
    /* NULL, for want of memory, is refused by jansson and leaves a gap. */
    (void)json_object_set_new(object, key, value);
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
    put(object, key, json_integer((json_int_t)units_min(value, INT64_MAX)));
}

/* Names come from the store and may be no UTF-8: then escaped. */
static void put_text(json_t *object, const char *key, const char *text)
{
    char escaped[4 * SETTINGS_NAME_MAX];
    json_t *value = json_string(text);

    if (!value) {
        value = json_string(
            escape_text(escaped, sizeof(escaped), text, strlen(text)));
    }
    put(object, key, value);
}

static void put_reason(json_t *object, const struct reason *reason)
{
    char text[REASON_TEXT_MAX];

    put_text(object, "reason", reason_word(reason->code));
    put_text(object, "reason_text", reason_text(reason, text));
}

/* ---- Refusals ---- */

static json_t *__attribute__((format(printf, 2, 3)))
refuse(const char *code, const char *format, ...)
{
    json_t *object = json_object();
    char sentence[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    put_text(object, "error", sentence);
    put_text(object, "code", code);
    return object;
}

static const char *shown(char text[SHOWN_MAX], const char *word)
{
    return escape_text(text, SHOWN_MAX, word, strlen(word));
}

static json_t *refuse_domain(const char *word)
{
    char text[SHOWN_MAX];

    return refuse("domain", "no domain has the name or id \"%s\"",
                  shown(text, word));
}

static json_t *refuse_failure(const struct balancer_domain *domain, int r)
{
    char text[SHOWN_MAX];

    if (r == -ESRCH || r == -ENOENT) {
        return refuse("domain", "domain \"%s\" has just gone away",
                      shown(text, domain->name));
    }
    return refuse("failed", "domain \"%s\" is as it was: %s",
                  shown(text, domain->name), strerror(-r));
}

/* ---- list ---- */

static json_t *pressure(const struct report *report)
{
    json_t *object;

    if (!report->has_pressure) {
        return json_null();
    }
    object = json_object();
    put_number(object, "some_us", report->pressure_some_us);
    put_number(object, "full_us", report->pressure_full_us);
    return object;
}

static const char *balloon_word(enum report_balloon balloon)
{
    switch (balloon) {
    case REPORT_BALLOON_IDLE:
        return "idle";
    case REPORT_BALLOON_MOVING:
        return "moving";
    case REPORT_BALLOON_STUCK:
        return "stuck";
    case REPORT_BALLOON_ABSENT:
        return "absent";
    }
    return "unknown";
}

/* The guest's own figures, null when there are none that can be relied on. */
static json_t *report_of(const struct balancer_domain *domain, uint64_t now_ms)
{
    const struct report *report = &domain->report;
    json_t *object;

    if (domain->report_read_ms == 0 ||
        (domain->voice != SNAPSHOT_VOICE_GOOD &&
         domain->voice != SNAPSHOT_VOICE_SILENT)) {
        return json_null();
    }
    object = json_object();
    put_number(object, "age_ms", units_less(now_ms, domain->report_read_ms));
    put_text(object, "balloon", balloon_word(report->balloon));
    put_number(object, "total_kib", report->total_kib);
    put_number(object, "available_kib", report->available_kib);
    put_number(object, "free_kib", report->free_kib);
    put_number(object, "anonymous_kib", report->anonymous_kib);
    put_number(object, "file_active_kib", report->file_active_kib);
    put_number(object, "file_inactive_kib", report->file_inactive_kib);
    put_number(object, "committed_kib", report->committed_kib);
    put_number(object, "swap_total_kib", report->swap_total_kib);
    put_number(object, "swap_free_kib", report->swap_free_kib);
    put_number(object, "swapped_in_kib", report->swapped_in_kib);
    put_number(object, "swapped_out_kib", report->swapped_out_kib);
    put_number(object, "refaults", report->refaults);
    put_number(object, "major_faults", report->major_faults);
    put_number(object, "allocation_stalls", report->allocation_stalls);
    put_number(object, "oom_kills", report->oom_kills);
    put_number(object, "floor_kib", report->floor_kib);
    put(object, "pressure", pressure(report));
    return object;
}

static json_t *last_change(const struct balancer_domain *domain,
                           uint64_t now_ms)
{
    json_t *object;

    if (domain->last_change_ms == 0) {
        return json_null();
    }
    object = json_object();
    put_reason(object, &domain->last_reason);
    put_number(object, "ago_ms", units_less(now_ms, domain->last_change_ms));
    return object;
}

/*
 * Why the domain has what it has: while something holds it or it waits, that;
 * otherwise what brought it here, and if nothing ever did, the last verdict.
 */
static const struct reason *reason_of(const struct balancer_domain *domain)
{
    const struct decide_step *step = &domain->step;
    bool is_held = step->state != DECIDE_MANAGED ||
                   step->reason.code == REASON_WAITS ||
                   step->reason.code == REASON_SHORT;

    return is_held || domain->last_change_ms == 0 ? &step->reason
                                                  : &domain->last_reason;
}

static const char *device_word(const struct device *device)
{
    if (device->state == PROTOCOL_UNKNOWN) {
        return "none";
    }
    return device_is_live(device) ? "connected" : "waiting";
}

static json_t *transport(const struct device *device)
{
    return device->offer.transport == OFFER_NONE
               ? json_null()
               : json_string(offer_transport_word(device->offer.transport));
}

static json_t *domain_of(const struct balancer_domain *domain, uint64_t now_ms)
{
    const struct snapshot_domain *seen = &domain->seen;
    const struct decide_step *step = &domain->step;
    json_t *object = json_object();

    put_number(object, "domid", domain->domid);
    put_text(object, "name", domain->name);
    put_text(object, "uuid", domain->uuid);
    put_text(object, "type", seen->is_hvm ? "hvm" : "pv");
    put_text(object, "state", decide_state_word(step->state));
    put_number(object, "current_kib", seen->current_kib);
    put_number(object, "target_kib", seen->target_kib);
    put_number(object, "limit_kib", seen->limit_kib);
    put(object, "demand_kib",
        step->demand_kib > 0
            ? json_integer((json_int_t)units_min(step->demand_kib, INT64_MAX))
            : json_null());
    put_number(object, "floor_kib", seen->floor_kib);
    put_number(object, "ceiling_kib", seen->ceiling_kib);
    put_number(object, "weight", seen->weight);
    put(object, "headroom_permyriad",
        seen->headroom_permyriad > 0
            ? json_integer((json_int_t)seen->headroom_permyriad)
            : json_null());
    put_text(object, "trust", decide_trust_word(step->trust));
    put_text(object, "device", device_word(&domain->device));
    put(object, "transport", transport(&domain->device));
    put_number(object, "allowance_kib", seen->allowance_kib);
    put_reason(object, reason_of(domain));
    put_number(object, "changes", domain->changes);
    put(object, "since_ms",
        domain->last_change_ms > 0 ? json_integer((json_int_t)units_less(
                                         now_ms, domain->last_change_ms))
                                   : json_null());
    put(object, "last_change", last_change(domain, now_ms));
    put(object, "report", report_of(domain, now_ms));
    return object;
}

static json_t *answer_list(const struct request *request)
{
    const struct balancer *balancer = request->balancer;
    json_t *domains = json_array();
    json_t *object = json_object();

    for (unsigned int i = 0; i < balancer->count; i++) {
        (void)json_array_append_new(
            domains, domain_of(&balancer->domains[i], request->now_ms));
    }
    put(object, "domains", domains);
    return object;
}

/* ---- status ---- */

static json_t *count_states(const struct balancer *balancer)
{
    unsigned int counts[DECIDE_STATES] = {0};
    json_t *object = json_object();

    for (unsigned int i = 0; i < balancer->count; i++) {
        counts[balancer->domains[i].step.state]++;
    }
    for (int state = 0; state < DECIDE_STATES; state++) {
        put_number(object, decide_state_word((enum decide_state)state),
                   counts[state]);
    }
    return object;
}

/* Null when Xen would not tell us, because it tells somebody else. */
static json_t *low_memory(const struct request *request)
{
    const struct balancer *balancer = request->balancer;
    json_t *object;

    if (!balancer->is_low_bound) {
        return json_null();
    }
    object = json_object();
    put_number(object, "times", balancer->lows);
    put(object, "last_ms",
        balancer->lows > 0 ? json_integer((json_int_t)units_less(
                                 request->now_ms, balancer->last_low_ms))
                           : json_null());
    return object;
}

static json_t *answer_status(const struct request *request)
{
    const struct balancer *balancer = request->balancer;
    const struct snapshot *snapshot = &balancer->snapshot;
    const struct plan *plan = &balancer->plan;
    json_t *object = json_object();
    json_t *host = json_object();

    put_text(host, "version", PACKAGE_VERSION);
    put_text(host, "state", decide_mood_word(plan->mood));
    put(host, "uptime_ms",
        balancer->ticks > 0 ? json_integer((json_int_t)units_less(
                                  request->now_ms, balancer->started_ms))
                            : json_null());
    put_number(host, "total_kib", snapshot->total_kib);
    put_number(host, "free_kib", snapshot->free_kib);
    put_number(host, "claimed_kib", snapshot->claimed_kib);
    put_number(host, "reserve_kib", snapshot->reserve_kib);
    put_number(host, "promised_kib", plan->promised_kib);
    put_number(host, "spendable_kib", plan->spendable_kib);
    put_number(host, "wanted_kib", plan->wanted_kib);
    put_number(host, "spare_kib", plan->spare_kib);
    put_number(host, "learned_kib", plan->learned_kib);
    put(host, "domains", count_states(balancer));
    put_number(host, "ticks", balancer->ticks);
    put_number(host, "writes", balancer->writes);
    put(host, "last_write_ms",
        balancer->writes > 0 ? json_integer((json_int_t)units_less(
                                   request->now_ms, balancer->last_write_ms))
                             : json_null());
    put(host, "low_memory", low_memory(request));
    put(object, "host", host);
    return object;
}

/* ---- set, release ---- */

/* NULL, or a refusal. */
static json_t *parse_words(const struct request *request,
                           struct settings_domain *entry)
{
    char expected[SETTINGS_EXPECTED_MAX];
    char text[SHOWN_MAX];

    for (int i = 1; i < request->count; i++) {
        if (settings_parse_word(entry, request->words[i], expected) < 0) {
            return refuse("request", "\"%s\" is not understood, expected %s",
                          shown(text, request->words[i]), expected);
        }
    }
    if (entry->leave_alone) {
        return refuse("request", "leave-alone can be said in backend.conf "
                                 "only, expected floor=SIZE, ceiling=SIZE, "
                                 "weight=N or headroom=PERCENT");
    }
    return NULL;
}

/* With what was set before, for the figures in the message. */
static json_t *refuse_bounds(const struct balancer_domain *domain,
                             const struct settings_domain *entry)
{
    struct settings_domain both = domain->given;
    char expected[SETTINGS_EXPECTED_MAX];
    char text[SHOWN_MAX];

    settings_override(&both, entry);
    if (settings_check(&both, expected) == 0) {
        return refuse_failure(domain, -EINVAL);
    }
    return refuse("request", "for \"%s\", expected %s",
                  shown(text, domain->name), expected);
}

static json_t *answer_set(const struct request *request)
{
    struct settings_domain entry = {0};
    struct balancer_domain *domain =
        balancer_find(request->balancer, request->words[0]);
    json_t *refusal;
    int r;

    if (!domain) {
        return refuse_domain(request->words[0]);
    }
    refusal = parse_words(request, &entry);
    if (refusal) {
        return refusal;
    }
    r = balancer_set(request->balancer, domain, &entry);
    if (r == -EINVAL) {
        return refuse_bounds(domain, &entry);
    }
    return r < 0 ? refuse_failure(domain, r) : json_object();
}

static json_t *answer_release(const struct request *request)
{
    struct balancer_domain *domain =
        balancer_find(request->balancer, request->words[0]);
    int r;

    if (!domain) {
        return refuse_domain(request->words[0]);
    }
    r = balancer_release(request->balancer, domain);
    return r < 0 ? refuse_failure(domain, r) : json_object();
}

/* ---- version ---- */

static json_t *answer_version(const struct request *request)
{
    json_t *object = json_object();

    (void)request;
    put_text(object, "version", PACKAGE_VERSION);
    return object;
}

/* ---- The table ---- */

static const struct kind {
    const char *name;
    const char *usage;
    json_t *(*answer)(const struct request *request);
    int min_words;
    int max_words;
    bool is_for_root;
} kinds[] = {
    {"list", "list", answer_list, 0, 0, false},
    {"status", "status", answer_status, 0, 0, false},
    {"set", "set DOMAIN WORD...", answer_set, 2, WORDS_MAX, true},
    {"release", "release DOMAIN", answer_release, 1, 1, true},
    {"version", "version", answer_version, 0, 0, false},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static json_t *answer_kind(const struct kind *kind,
                           const struct request *request)
{
    if (request->count < kind->min_words || request->count > kind->max_words) {
        return refuse("request", "wrong number of words, expected \"%s\"",
                      kind->usage);
    }
    return kind->answer(request);
}

/* words[0] is the name of the request. */
static json_t *answer_words(struct balancer *balancer, char **words, int count,
                            bool is_root, uint64_t now_ms)
{
    const struct kind *kind = find_kind(words[0]);
    const struct request request = {
        .balancer = balancer,
        .now_ms = now_ms,
        .words = words + 1,
        .count = count - 1,
    };
    char text[SHOWN_MAX];

    if (!kind) {
        return refuse("request",
                      "no request \"%s\", expected list, status, set, release "
                      "or version",
                      shown(text, words[0]));
    }
    if (kind->is_for_root && !is_root) {
        return refuse("permission", "only root may %s", kind->name);
    }
    return answer_kind(kind, &request);
}

/* Takes over object. */
static char *finish(json_t *object)
{
    char *text =
        object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(object);
    return text;
}

char *answer(struct balancer *balancer, const char *line, bool is_root,
             uint64_t now_ms)
{
    char *words[WORDS_MAX + 1];
    char *copy = strdup(line);
    json_t *object;
    int count;

    if (!copy) {
        return NULL;
    }
    count = words_split(copy, words, WORDS_MAX + 1);
    if (count <= 0) {
        object = refuse("request",
                        "no words separated by single spaces, with "
                        "quotes closed, and at most %d of them",
                        WORDS_MAX + 1);
    } else {
        object = answer_words(balancer, words, count, is_root, now_ms);
    }
    free(copy);
    return finish(object);
}
