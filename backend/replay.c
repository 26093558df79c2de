/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/decide.h"
#include "backend/fields.h"
#include "common/escape.h"

/* What is shown of a name from the file. */
#define SHOWN_MAX 64

static int __attribute__((format(printf, 4, 5)))
fail(const char *name, uint64_t line, char error[REPLAY_ERROR_MAX],
     const char *format, ...)
{
    va_list arguments;
    int used =
        snprintf(error, REPLAY_ERROR_MAX, "%s:%" PRIu64 ": ", name, line);

    if (used > 0 && used < REPLAY_ERROR_MAX) {
        va_start(arguments, format);
        (void)vsnprintf(error + used, REPLAY_ERROR_MAX - (size_t)used, format,
                        arguments);
        va_end(arguments);
    }
    return -EINVAL;
}

/* ---- A recording, moment by moment --------------------------------------- */

void replay_reader_init(struct replay_reader *reader, const char *name,
                        FILE *file)
{
    *reader = (struct replay_reader){.name = name};
    lines_init(&reader->lines, file, MOMENT_LINE_MAX);
}

void replay_reader_done(struct replay_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    lines_done(&reader->lines);
    moment_done(&reader->now);
}

/* 1, 0 at the end, or a negative errno. */
static int next_line(struct replay_reader *reader, char error[REPLAY_ERROR_MAX])
{
    int r = lines_next(&reader->lines);

    if (r == -E2BIG) {
        return fail(reader->name, reader->lines.number + 1, error,
                    "too long, expected at most %u bytes", MOMENT_LINE_MAX);
    }
    if (r < 0) {
        (void)snprintf(error, REPLAY_ERROR_MAX, "%s: %s", reader->name,
                       strerror(-r));
    }
    return r;
}

static int take_line(struct replay_reader *reader,
                     char moment_error[MOMENT_ERROR_MAX])
{
    struct moment next;
    int r = moment_read(reader->lines.text, reader->lines.len, &reader->now,
                        &next, moment_error);

    if (r == 0) {
        moment_done(&reader->now);
        reader->now = next;
    }
    return r;
}

/*
 * A line that cannot be read may have been cut short: then it is the last one
 * and without a newline, or a beginning follows.
 */
static int pass_cut_line(struct replay_reader *reader, const char *moment_error,
                         char error[REPLAY_ERROR_MAX])
{
    uint64_t cut_line = reader->lines.number;
    char ignored[MOMENT_ERROR_MAX];
    int r;

    if (cut_line == 1) {
        return fail(reader->name, cut_line, error, "%s", moment_error);
    }
    if (reader->lines.is_open) {
        reader->cut_line = cut_line;
        return 0;
    }
    r = next_line(reader, error);
    if (r < 0) {
        return r;
    }
    if (r == 0 || take_line(reader, ignored) < 0 || !reader->now.is_beginning) {
        return fail(reader->name, cut_line, error, "%s", moment_error);
    }
    reader->cut_line = cut_line;
    return 1;
}

int replay_reader_next(struct replay_reader *reader,
                       char error[REPLAY_ERROR_MAX])
{
    char moment_error[MOMENT_ERROR_MAX];
    int r = next_line(reader, error);

    if (r <= 0) {
        return r;
    }
    r = take_line(reader, moment_error);
    if (r == -EINVAL) {
        return pass_cut_line(reader, moment_error, error);
    }
    if (r < 0) {
        (void)snprintf(error, REPLAY_ERROR_MAX, "%s: %s", reader->name,
                       strerror(-r));
        return r;
    }
    return 1;
}

/* ---- Deciding again ------------------------------------------------------ */

struct replay {
    struct replay_reader reader;
    FILE *out;
    struct replay_tally tally;

    /* What the decision remembers, and of whom. */
    struct decide_host host;
    struct decide_memory *memories;
    uint32_t *domids;
    unsigned int count;
    unsigned int index; /* of the domain that is compared; count: the plan */
    uint64_t shown;
};

static void forget(struct replay *replay)
{
    free(replay->memories);
    free(replay->domids);
    replay->memories = NULL;
    replay->domids = NULL;
    replay->count = 0;
}

/* Room for what is remembered of count domains, beside what is there. */
static int make_room(unsigned int count, struct decide_memory **ret_memories,
                     uint32_t **ret_domids)
{
    struct decide_memory *memories = calloc(count + 1U, sizeof(*memories));
    uint32_t *domids = calloc(count + 1U, sizeof(*domids));

    if (!memories || !domids) {
        free(memories);
        free(domids);
        return -ENOMEM;
    }
    *ret_memories = memories;
    *ret_domids = domids;
    return 0;
}

static int remember(struct replay *replay)
{
    const struct moment *moment = &replay->reader.now;
    int r;

    forget(replay);
    r = make_room(moment->snapshot.count, &replay->memories, &replay->domids);
    if (r < 0) {
        return r;
    }
    for (unsigned int i = 0; i < moment->snapshot.count; i++) {
        replay->memories[i] = moment->domains[i].memory;
        replay->domids[i] = moment->snapshot.domains[i].domid;
    }
    replay->count = moment->snapshot.count;
    replay->host = moment->host;
    return 0;
}

/* Both ascend by domid. */
static int match(struct replay *replay, char error[REPLAY_ERROR_MAX])
{
    const struct moment *moment = &replay->reader.now;
    struct decide_memory *memories = NULL;
    uint32_t *domids = NULL;
    unsigned int old = 0;
    int r = make_room(moment->snapshot.count, &memories, &domids);

    for (unsigned int i = 0; r == 0 && i < moment->snapshot.count; i++) {
        domids[i] = moment->snapshot.domains[i].domid;
        while (old < replay->count && replay->domids[old] < domids[i]) {
            old++;
        }
        if (moment->domains[i].is_new) {
            continue;
        }
        if (old == replay->count || replay->domids[old] != domids[i]) {
            r = fail(replay->reader.name, replay->reader.lines.number, error,
                     "domains[%u]: domain %u was not there before, expected "
                     "\"is_new\"",
                     i, domids[i]);
            break;
        }
        memories[i] = replay->memories[old];
    }
    if (r < 0) {
        free(memories);
        free(domids);
        return r;
    }
    forget(replay);
    replay->memories = memories;
    replay->domids = domids;
    replay->count = moment->snapshot.count;
    return 0;
}

static void differs(void *arg, const char *field, const char *recorded,
                    const char *now)
{
    struct replay *replay = arg;
    const struct moment *moment = &replay->reader.now;
    char shown[SHOWN_MAX];

    if (replay->shown == REPLAY_SHOWN_MAX) {
        return;
    }
    replay->shown++;
    (void)fprintf(replay->out, "%s:%" PRIu64 ": ", replay->reader.name,
                  replay->reader.lines.number);
    if (replay->index < replay->count) {
        const char *name = moment->domains[replay->index].name;

        (void)fprintf(replay->out,
                      "domain %u (%s): ", replay->domids[replay->index],
                      escape_text(shown, sizeof(shown), name, strlen(name)));
    } else {
        (void)fprintf(replay->out, "plan: ");
    }
    (void)fprintf(replay->out, "%s: recorded %s, now %s\n", field, recorded,
                  now);
}

static void compare(struct replay *replay, const struct fields *fields,
                    const void *recorded, const void *now)
{
    replay->tally.different_fields +=
        fields_compare(fields, recorded, now, differs, replay);
}

static bool is_change(const struct snapshot_domain *seen,
                      const struct decide_step *step)
{
    return step->target_kib != seen->target_kib ||
           step->limit_kib != seen->limit_kib;
}

static void compare_plans(struct replay *replay, const struct plan *plan)
{
    const struct moment *moment = &replay->reader.now;
    uint64_t before = replay->tally.different_fields;

    for (replay->index = 0; replay->index < replay->count; replay->index++) {
        const struct decide_step *recorded = &moment->plan.steps[replay->index];

        compare(replay, &fields_step, recorded, &plan->steps[replay->index]);
        replay->tally.changes +=
            is_change(&moment->snapshot.domains[replay->index], recorded);
    }
    compare(replay, &fields_plan, &moment->plan, plan);
    replay->tally.ticks++;
    replay->tally.different_ticks += replay->tally.different_fields > before;
}

static int decide_again(struct replay *replay, char error[REPLAY_ERROR_MAX])
{
    struct plan plan = {0};
    int r = match(replay, error);

    if (r < 0) {
        return r;
    }
    plan.steps = calloc(replay->count + 1U, sizeof(*plan.steps));
    if (!plan.steps) {
        return -ENOMEM;
    }
    decide(&replay->reader.now.snapshot, &replay->host, replay->memories,
           &plan);
    compare_plans(replay, &plan);
    free(plan.steps);
    return 0;
}

static void note_version(const struct replay *replay)
{
    const char *version = replay->reader.now.version;
    char shown[SHOWN_MAX];

    if (strcmp(version, PACKAGE_VERSION) != 0) {
        (void)fprintf(
            replay->out, "%s:%" PRIu64 ": recorded by version %s, this is %s\n",
            replay->reader.name, replay->reader.lines.number,
            escape_text(shown, sizeof(shown), version, strlen(version)),
            PACKAGE_VERSION);
    }
}

static int take_moment(struct replay *replay, char error[REPLAY_ERROR_MAX])
{
    int r;

    if (replay->reader.now.is_beginning) {
        note_version(replay);
        r = remember(replay);
    } else {
        r = decide_again(replay, error);
    }
    if (r == -ENOMEM) {
        (void)snprintf(error, REPLAY_ERROR_MAX, "%s: %s", replay->reader.name,
                       strerror(-r));
    }
    return r;
}

static void note_cut(struct replay *replay)
{
    if (replay->reader.cut_line != 0) {
        (void)fprintf(replay->out,
                      "%s:%" PRIu64 ": cut short where the recording was "
                      "interrupted, left out\n",
                      replay->reader.name, replay->reader.cut_line);
        replay->reader.cut_line = 0;
    }
}

static void summarise(const struct replay *replay)
{
    const struct replay_tally *tally = &replay->tally;

    if (tally->different_fields > replay->shown) {
        (void)fprintf(replay->out, "%s: ... and %" PRIu64 " more\n",
                      replay->reader.name,
                      tally->different_fields - replay->shown);
    }
    (void)fprintf(replay->out, "%s: %" PRIu64 " ticks, %" PRIu64 " changes, ",
                  replay->reader.name, tally->ticks, tally->changes);
    if (tally->different_fields == 0) {
        (void)fprintf(replay->out, "all decided the same\n");
    } else {
        (void)fprintf(replay->out,
                      "%" PRIu64 " ticks differ, in %" PRIu64 " fields\n",
                      tally->different_ticks, tally->different_fields);
    }
}

int replay_stream(const char *name, FILE *file, FILE *out,
                  struct replay_tally *ret_tally, char error[REPLAY_ERROR_MAX])
{
    struct replay replay = {.out = out};
    int r;

    replay_reader_init(&replay.reader, name, file);
    while ((r = replay_reader_next(&replay.reader, error)) > 0) {
        note_cut(&replay);
        r = take_moment(&replay, error);
        if (r < 0) {
            break;
        }
    }
    note_cut(&replay);
    if (r == 0 && replay.reader.lines.number == 0) {
        r = fail(name, 1, error, "empty, expected a recording");
    }
    if (r == 0) {
        summarise(&replay);
        *ret_tally = replay.tally;
    }
    forget(&replay);
    replay_reader_done(&replay.reader);
    return r;
}

int replay_file(const char *path, FILE *out, struct replay_tally *ret_tally,
                char error[REPLAY_ERROR_MAX])
{
    FILE *file = fopen(path, "re");
    int r;

    if (!file) {
        r = -errno;
        (void)snprintf(error, REPLAY_ERROR_MAX, "%s: %s", path, strerror(-r));
        return r;
    }
    r = replay_stream(path, file, out, ret_tally, error);
    (void)fclose(file);
    return r;
}
