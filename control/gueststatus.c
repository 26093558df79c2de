/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing of the file is printed but words and numbers that have been looked
 * at.
 */
#include "control/gueststatus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/number.h"
#include "common/units.h"

/* The last moment of the year 9999: what follows has no date of four digits. */
#define AT_MAX_MS UINT64_C(253402300799999)

/* The largest that the kernel gives (PID_MAX_LIMIT). */
#define PID_MAX (UINT64_C(4) * 1024 * 1024)

/* ---- Why, for the owner of the guest -------------------------------------- */

/* The words are those of backend/reason.c; the store carries no numbers. */
static const struct {
    const char *word;
    const char *sentence;
} reasons[] = {
    {"above-ceiling", "it held more than the host's operator allows it"},
    {"allowance", "what it may take by itself was changed"},
    {"announced", "the host has asked it to make room, and waits for that"},
    {"below-floor", "it held less than it is entitled to, and was given that"},
    {"building", "the host leaves it alone: it is being built"},
    {"dying", "the host leaves it alone: it is going away"},
    {"fixed", "the host leaves it alone: its memory is fixed"},
    {"garbled", "the host leaves it alone: it does not understand its reports"},
    {"gave-up", "it did not move to where the host wanted it, and keeps what "
                "it holds"},
    {"gives", "it does not need more, and other guests do"},
    {"hands-off", "it has more than it needs, and keeps it: it hurt when it "
                  "was last shrunk"},
    {"leave-alone", "the host leaves it alone: its operator wants that"},
    {"limit-follows", "it has arrived at its target"},
    {"needs", "it needed more, and the host had it"},
    {"needs-part", "it needed more, and was given all that the host had"},
    {"no-balloon", "the host leaves it alone: its kernel cannot balloon"},
    {"none", "nothing is to be done"},
    {"on-its-way", "it is moving towards its target"},
    {"operator", "the host's operator has set it by hand (xl mem-set)"},
    {"readies", "it does not need more, and the host keeps some for whoever "
                "needs it next"},
    {"refills", "it does not need more, and the host lacks memory to spare"},
    {"refuses", "it was asked for more, and said that it cannot"},
    {"satisfied", "it has what it needs"},
    {"saving", "the host leaves it alone: it is being saved or migrated"},
    {"service", "the host leaves it alone: it serves the host"},
    {"shares", "the host is short of memory, and this is its fair share"},
    {"short", "it needs more, but the host is short: it has its fair share"},
    {"silent", "the host leaves it alone: it has not heard of it for long"},
    {"spare", "it has more than it needs, and nobody lacks it"},
    {"static", "the host leaves it alone: it has never reported"},
    {"stopped", "the host leaves it alone: its frontend was stopped"},
    {"stuck", "the host leaves it alone: it does not move to its target"},
    {"trims", "it has what it needs, and there is not head-room for all"},
    {"waits", "it needs more, and waits until other guests have given it"},
};

const char *gueststatus_reason_text(const struct gueststatus *status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].word, status->reason) == 0) {
            return reasons[i].sentence;
        }
    }
    return status->reason;
}

/* ---- Parsing -------------------------------------------------------------- */

/* Each takes null for 0, "" or nothing only where it is told to. */
enum may { MUST_BE, MAY_BE_NULL };

static int take_number(const json_t *object, const char *key, uint64_t max,
                       enum may may, uint64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);

    if (may == MAY_BE_NULL && json_is_null(value)) {
        *ret_value = 0;
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max) {
        return -EINVAL;
    }
    *ret_value = (uint64_t)json_integer_value(value);
    return 0;
}

static int take_word(const json_t *object, const char *key, enum may may,
                     char word[GUESTSTATUS_WORD_MAX])
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    size_t len;

    if (may == MAY_BE_NULL && json_is_null(value)) {
        word[0] = '\0';
        return 0;
    }
    if (text == NULL) {
        return -EINVAL;
    }
    len = json_string_length(value);
    if (len == 0 || len >= GUESTSTATUS_WORD_MAX ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        return -EINVAL;
    }
    memcpy(word, text, len + 1);
    return 0;
}

static int take_bool(const json_t *object, const char *key, bool *ret_value)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_boolean(value)) {
        return -EINVAL;
    }
    *ret_value = json_is_true(value);
    return 0;
}

static int take_answer(const json_t *announcement, struct gueststatus *status)
{
    const json_t *answer = json_object_get(announcement, "answer");

    if (json_is_null(answer)) {
        return 0;
    }
    status->is_answered = true;
    return take_bool(answer, "ready", &status->is_ready) < 0 ||
                   take_number(answer, "can_give_kib", UNITS_KIB_MAX, MUST_BE,
                               &status->can_give_kib) < 0
               ? -EINVAL
               : 0;
}

static int take_announcement(const json_t *file, struct gueststatus *status)
{
    const json_t *announcement = json_object_get(file, "announcement");

    if (json_is_null(announcement)) {
        return 0;
    }
    status->is_announced = true;
    return take_bool(announcement, "stands", &status->stands) < 0 ||
                   take_number(announcement, "at_ms", AT_MAX_MS, MUST_BE,
                               &status->announced_at_ms) < 0 ||
                   take_number(announcement, "target_kib", UNITS_KIB_MAX,
                               MUST_BE, &status->announced_kib) < 0 ||
                   take_number(announcement, "wait_ms",
                               ANNOUNCEMENT_WAIT_MAX_MS, MUST_BE,
                               &status->announced_wait_ms) < 0
               ? -EINVAL
               : take_answer(announcement, status);
}

static int take_memory(const json_t *file, struct gueststatus *status)
{
    const struct {
        const char *key;
        enum may may;
        uint64_t *value;
    } amounts[] = {
        {"could_have_kib", MUST_BE, &status->could_have_kib},
        {"holds_kib", MUST_BE, &status->holds_kib},
        {"target_kib", MAY_BE_NULL, &status->target_kib},
        {"allowance_kib", MUST_BE, &status->allowance_kib},
        {"taken_kib", MUST_BE, &status->taken_kib},
    };

    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        if (take_number(file, amounts[i].key, UNITS_KIB_MAX, amounts[i].may,
                        amounts[i].value) < 0) {
            return -EINVAL;
        }
    }
    return take_number(file, "target_at_ms", AT_MAX_MS, MAY_BE_NULL,
                       &status->target_at_ms) < 0
               ? -EINVAL
               : take_word(file, "reason", MAY_BE_NULL, status->reason);
}

static int take_process(const json_t *file, struct gueststatus *status)
{
    uint64_t version;

    if (take_number(file, "version", 1, MUST_BE, &version) < 0 ||
        version != 1 ||
        take_number(file, "pid", PID_MAX, MUST_BE, &status->pid) < 0 ||
        status->pid == 0) {
        return -EINVAL;
    }
    return take_number(file, "started_at_ms", AT_MAX_MS, MUST_BE,
                       &status->started_at_ms);
}

static int take_dom0(const json_t *file, struct gueststatus *status)
{
    return take_word(file, "dom0", MUST_BE, status->dom0) < 0 ||
                   take_number(file, "dom0_at_ms", AT_MAX_MS, MUST_BE,
                               &status->dom0_at_ms) < 0
               ? -EINVAL
               : take_word(file, "transport", MAY_BE_NULL, status->transport);
}

int gueststatus_parse(const char *untrusted, size_t len,
                      struct gueststatus *ret_status)
{
    struct gueststatus status = {.pid = 0};
    json_t *file;
    int r;

    if (len > GUESTSTATUS_FILE_MAX) {
        return -EINVAL;
    }
    file = json_loadb(untrusted, len, JSON_REJECT_DUPLICATES, NULL);
    r = take_process(file, &status);
    if (r == 0) {
        r = take_dom0(file, &status);
    }
    if (r == 0) {
        r = take_memory(file, &status);
    }
    if (r == 0) {
        r = take_announcement(file, &status);
    }
    json_decref(file);
    if (r == 0) {
        *ret_status = status;
    }
    return r;
}

uint64_t gueststatus_ballooned_kib(const struct gueststatus *status)
{
    return units_less(status->could_have_kib, status->holds_kib);
}

/* ---- Text ----------------------------------------------------------------- */

#define SIZE_MAX_TEXT NUMBER_SIZE_TEXT
#define DATE_MAX_TEXT 32

static const char *size_text(char text[SIZE_MAX_TEXT], uint64_t kib)
{
    return number_format_size(text, SIZE_MAX_TEXT, kib);
}

/* Local time; the clock is not asked, so no "ago". */
static const char *date_text(char text[DATE_MAX_TEXT], uint64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm date;

    if (localtime_r(&seconds, &date) == NULL ||
        strftime(text, DATE_MAX_TEXT, "%Y-%m-%d %H:%M:%S", &date) == 0) {
        (void)snprintf(text, DATE_MAX_TEXT, "?");
    }
    return text;
}

static void print_memory(FILE *out, const struct gueststatus *status)
{
    char ballooned[SIZE_MAX_TEXT], could_have[SIZE_MAX_TEXT];
    char holds[SIZE_MAX_TEXT], target[SIZE_MAX_TEXT], date[DATE_MAX_TEXT];

    (void)fprintf(out, "%-10s %s of %s, holds %s\n", "ballooned",
                  size_text(ballooned, gueststatus_ballooned_kib(status)),
                  size_text(could_have, status->could_have_kib),
                  size_text(holds, status->holds_kib));
    (void)fprintf(out, "%-10s %s", "target",
                  status->target_kib == 0
                      ? "not known"
                      : size_text(target, status->target_kib));
    if (status->target_at_ms != 0) {
        (void)fprintf(out, ", since %s\n",
                      date_text(date, status->target_at_ms));
    } else {
        (void)fprintf(out, ", not changed since %s at least\n",
                      date_text(date, status->started_at_ms));
    }
    (void)fprintf(out, "%-10s %s\n", "why",
                  status->reason[0] == '\0' ? "the host does not say"
                                            : gueststatus_reason_text(status));
}

static void print_reflex(FILE *out, const struct gueststatus *status)
{
    char allowance[SIZE_MAX_TEXT], taken[SIZE_MAX_TEXT];

    (void)fprintf(out, "%-10s %s by itself, has taken %s\n", "may take",
                  size_text(allowance, status->allowance_kib),
                  size_text(taken, status->taken_kib));
}

static void print_dom0(FILE *out, const struct gueststatus *status)
{
    static const struct {
        const char *word;
        const char *text;
    } words[] = {
        {"absent", "does not balance this guest"},
        {"connected", "connected"},
        {"unreachable", "xenstore does not answer"},
        {"waiting", "does not answer"},
    };
    const char *text = status->dom0;
    char date[DATE_MAX_TEXT];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, status->dom0) == 0) {
            text = words[i].text;
        }
    }
    (void)fprintf(out, "%-10s %s, since %s", "dom0", text,
                  date_text(date, status->dom0_at_ms));
    if (status->transport[0] != '\0') {
        (void)fprintf(out, ", reports by %s", status->transport);
    }
    (void)fputc('\n', out);
}

static void print_announcement(FILE *out, const struct gueststatus *status)
{
    char announced[SIZE_MAX_TEXT], can_give[SIZE_MAX_TEXT], date[DATE_MAX_TEXT];

    if (!status->is_announced) {
        return;
    }
    (void)fprintf(out, "%-10s %s: to come down to %s%s\n", "announced",
                  date_text(date, status->announced_at_ms),
                  size_text(announced, status->announced_kib),
                  status->stands ? "" : "; over");
    if (!status->is_answered) {
        (void)fprintf(out, "%-10s not yet, has %" PRIu64 " ms\n", "answered",
                      status->announced_wait_ms);
        return;
    }
    (void)fprintf(out, "%-10s %s, can do without %s\n", "answered",
                  status->is_ready ? "ready" : "at work",
                  size_text(can_give, status->can_give_kib));
}

char *gueststatus_text(const struct gueststatus *status)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    print_memory(out, status);
    print_reflex(out, status);
    print_dom0(out, status);
    print_announcement(out, status);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *known(uint64_t value)
{
    return value == 0 ? json_null() : json_integer((json_int_t)value);
}

static json_t *word(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *answer_json(const struct gueststatus *status)
{
    return !status->is_answered
               ? json_null()
               : json_pack("{s:b,s:I}", "ready", status->is_ready,
                           "can_give_kib", (json_int_t)status->can_give_kib);
}

static json_t *announcement_json(const struct gueststatus *status)
{
    return !status->is_announced
               ? json_null()
               : json_pack("{s:b,s:I,s:I,s:I,s:o}", "stands", status->stands,
                           "at_ms", (json_int_t)status->announced_at_ms,
                           "target_kib", (json_int_t)status->announced_kib,
                           "wait_ms", (json_int_t)status->announced_wait_ms,
                           "answer", answer_json(status));
}

json_t *gueststatus_json(const struct gueststatus *status)
{
    return json_pack(
        "{s:I,s:I,s:s,s:I,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:I,s:I,s:o}", "pid",
        (json_int_t)status->pid, "started_at_ms",
        (json_int_t)status->started_at_ms, "dom0", status->dom0, "dom0_at_ms",
        (json_int_t)status->dom0_at_ms, "transport", word(status->transport),
        "ballooned_kib", (json_int_t)gueststatus_ballooned_kib(status),
        "could_have_kib", (json_int_t)status->could_have_kib, "holds_kib",
        (json_int_t)status->holds_kib, "target_kib", known(status->target_kib),
        "target_at_ms", known(status->target_at_ms), "reason",
        word(status->reason), "reason_text",
        word(gueststatus_reason_text(status)), "allowance_kib",
        (json_int_t)status->allowance_kib, "taken_kib",
        (json_int_t)status->taken_kib, "announcement",
        announcement_json(status));
}
