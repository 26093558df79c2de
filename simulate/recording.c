/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/moment.h"
#include "backend/replay.h"
#include "common/escape.h"
#include "common/units.h"

/* A domain of the moment before, and its number in the course. */
struct living {
    uint32_t domid;
    bool is_whole;      /* it has a number */
    unsigned int index; /* its number in the course */
};

struct recording {
    struct replay_reader reader;
    struct course *course;
    struct living *living; /* ascending by domid */
    unsigned int count;
    bool is_begun;       /* there was a tick */
    bool has_begun_anew; /* and a beginning since the last one */
    /* The host's time at which the course began; may be negative, wrapped. */
    uint64_t first_ms;
    uint64_t last_ms; /* the course's time of the last tick */
};

/* ---- Time ---------------------------------------------------------------- */

/*
 * Another boot of the host has another clock, which goes on from the last.  No
 * time in a recording is above INT64_MAX.
 */
static uint64_t course_time(struct recording *recording, uint64_t host_ms)
{
    uint64_t now_ms = host_ms - recording->first_ms;

    if (!recording->is_begun || now_ms < recording->last_ms ||
        now_ms > INT64_MAX) {
        now_ms =
            recording->is_begun ? recording->last_ms + RECORDING_PAUSE_MS : 0;
        recording->first_ms = host_ms - now_ms;
        recording->is_begun = true;
    }
    return now_ms;
}

/* ---- Domains ------------------------------------------------------------- */

static uint64_t working_set_kib(const struct snapshot_domain *seen)
{
    const struct report *report = &seen->report;
    uint64_t held_kib =
        report->current_kib > 0 ? report->current_kib : seen->current_kib;

    return units_less(held_kib, report->available_kib) +
           units_less(report->swap_total_kib, report->swap_free_kib);
}

/* What is known of it now holds for all of its life. */
static void describe(struct course_domain *domain,
                     const struct snapshot_domain *seen, const char *name)
{
    if (name[0] != '\0') {
        (void)snprintf(domain->name, sizeof(domain->name), "%s", name);
    }
    if (seen->voice == SNAPSHOT_VOICE_GOOD) {
        domain->is_static = false;
    }
    domain->ceiling_kib =
        domain->is_static ? seen->current_kib : seen->ceiling_kib;
    domain->floor_kib = domain->is_static ? seen->current_kib : seen->floor_kib;
    domain->weight = seen->weight > 0 ? seen->weight : SETTINGS_WEIGHT_DEFAULT;
    domain->headroom_permyriad = seen->headroom_permyriad;
    if (seen->voice == SNAPSHOT_VOICE_GOOD) {
        domain->swap_kib =
            units_max(domain->swap_kib == UINT64_MAX ? 0 : domain->swap_kib,
                      seen->report.swap_total_kib);
    }
}

/*
 * Silence says nothing, and what was said before says nothing new.  Of the time
 * before its first word nothing is known, but that it began there.
 */
static int add_point(struct course_domain *domain, uint64_t at_ms,
                     const struct snapshot_domain *seen)
{
    uint64_t kib = working_set_kib(seen);

    if (seen->voice != SNAPSHOT_VOICE_GOOD) {
        return 0;
    }
    if (domain->count == 0) {
        return course_domain_add(domain, domain->start_ms, kib);
    }
    if (domain->points[domain->count - 1].working_set_kib == kib) {
        return 0;
    }
    return course_domain_add(domain, at_ms, kib);
}

static struct course_domain *meet(struct recording *recording,
                                  const struct snapshot_domain *seen,
                                  uint64_t at_ms)
{
    struct course_domain *domain = course_add(recording->course);

    if (domain) {
        (void)snprintf(domain->name, sizeof(domain->name), "domain-%u",
                       seen->domid);
        domain->is_static = true;
        domain->start_ms = at_ms;
        domain->start_kib = units_whole_pages(seen->current_kib);
    }
    return domain;
}

/*
 * The same domain as in the moment before: also when a daemon that was started
 * anew remembers nothing, unless the name says otherwise.
 */
static bool goes_on(const struct recording *recording,
                    const struct living *living, unsigned int i)
{
    const struct moment_domain *domain = &recording->reader.now.domains[i];
    const char *name;

    if (!living->is_whole || !domain->is_new) {
        return true;
    }
    name = recording->course->domains[living->index].name;
    return recording->has_begun_anew &&
           (domain->name[0] == '\0' || strcmp(name, domain->name) == 0);
}

/* Its life so far is there in living, if it goes on. */
static int follow(struct recording *recording, unsigned int i,
                  struct living *living, uint64_t at_ms)
{
    const struct moment *moment = &recording->reader.now;
    const struct snapshot_domain *seen = &moment->snapshot.domains[i];
    struct course_domain *domain;

    if (!goes_on(recording, living, i)) {
        living->is_whole = false;
    }
    if (!living->is_whole) {
        /* Being built, or being taken apart. */
        if (!seen->has_target || seen->is_dying || seen->claimed_kib > 0) {
            return 0;
        }
        if (!meet(recording, seen, at_ms)) {
            return -ENOMEM;
        }
        living->is_whole = true;
        living->index = recording->course->count - 1;
    }
    domain = &recording->course->domains[living->index];
    if (seen->is_dying || !seen->has_target) {
        return 0;
    }
    domain->end_ms = at_ms;
    describe(domain, seen, moment->domains[i].name);
    return add_point(domain, at_ms, seen);
}

/* ---- Ticks --------------------------------------------------------------- */

/* What the guests hold, and what is free for them. */
static uint64_t guests_kib(const struct snapshot *snapshot)
{
    uint64_t sum_kib = snapshot->free_kib;

    for (unsigned int i = 0; i < snapshot->count; i++) {
        if (snapshot->domains[i].domid != 0) {
            sum_kib = units_add(sum_kib, snapshot->domains[i].current_kib);
        }
    }
    return sum_kib;
}

static int take_tick(struct recording *recording)
{
    const struct snapshot *snapshot = &recording->reader.now.snapshot;
    struct course *course = recording->course;
    struct living *living = calloc(snapshot->count + 1U, sizeof(*living));
    uint64_t at_ms = course_time(recording, snapshot->now_ms);
    unsigned int old = 0;
    unsigned int count = 0;
    int r = living ? 0 : -ENOMEM;

    for (unsigned int i = 0; r == 0 && i < snapshot->count; i++) {
        uint32_t domid = snapshot->domains[i].domid;

        if (domid == 0) {
            continue;
        }
        while (old < recording->count && recording->living[old].domid < domid) {
            old++;
        }
        living[count].domid = domid;
        if (old < recording->count && recording->living[old].domid == domid) {
            living[count] = recording->living[old];
        }
        r = follow(recording, i, &living[count], at_ms);
        count++;
    }
    free(recording->living);
    recording->living = living;
    recording->count = count;
    recording->has_begun_anew = false;
    recording->last_ms = at_ms;
    course->reserve_kib = snapshot->reserve_kib;
    course->idle_tax_permyriad = snapshot->idle_tax_permyriad;
    course->host_memory_kib = units_max(
        course->host_memory_kib, units_whole_pages(guests_kib(snapshot)));
    return r;
}

/* ---- The whole ----------------------------------------------------------- */

/*
 * Bounds that hang together, whatever was recorded.  Who never spoke needs what
 * it holds.
 */
static int settle(struct course_domain *domain, uint64_t duration_ms)
{
    domain->end_ms = units_min(
        units_max(domain->end_ms + 1, domain->start_ms + 1), duration_ms);
    domain->ceiling_kib = units_whole_pages(
        units_clamp(domain->ceiling_kib, UNITS_KIB_PER_PAGE, UNITS_KIB_MAX));
    domain->floor_kib =
        units_whole_pages(units_min(domain->floor_kib, domain->ceiling_kib));
    domain->start_kib =
        units_clamp(domain->start_kib, domain->floor_kib, domain->ceiling_kib);
    return domain->count > 0 ? 0
                             : course_domain_add(domain, domain->start_ms,
                                                 domain->ceiling_kib);
}

static int finish(struct recording *recording, char error[READ_ERROR_MAX])
{
    struct course *course = recording->course;
    char shown[READ_ERROR_MAX / 2];

    course->ramp_ms = RECORDING_RAMP_MS;
    course->duration_ms = recording->last_ms + 1;
    for (unsigned int i = 0; i < course->count; i++) {
        if (settle(&course->domains[i], course->duration_ms) < 0) {
            (void)snprintf(error, READ_ERROR_MAX, "%s", strerror(ENOMEM));
            return -ENOMEM;
        }
    }
    if (course->count == 0) {
        (void)snprintf(error, READ_ERROR_MAX,
                       "%s: no guest in it, expected at least one that was "
                       "seen whole",
                       escape_text(shown, sizeof(shown), recording->reader.name,
                                   strlen(recording->reader.name)));
        return -EINVAL;
    }
    return 0;
}

int recording_read(const char *name, FILE *untrusted_file,
                   struct course *course, char error[READ_ERROR_MAX])
{
    struct recording recording = {.course = course};
    char replay_error[REPLAY_ERROR_MAX];
    int r;

    replay_reader_init(&recording.reader, name, untrusted_file);
    while ((r = replay_reader_next(&recording.reader, replay_error)) > 0) {
        if (recording.reader.now.is_beginning) {
            recording.has_begun_anew = true;
            continue;
        }
        r = take_tick(&recording);
        if (r < 0) {
            (void)snprintf(replay_error, sizeof(replay_error), "%s: %s", name,
                           strerror(-r));
            break;
        }
    }
    if (r < 0) {
        (void)snprintf(error, READ_ERROR_MAX, "%.*s", READ_ERROR_MAX - 1,
                       replay_error);
    } else {
        r = finish(&recording, error);
    }
    free(recording.living);
    replay_reader_done(&recording.reader);
    return r;
}
