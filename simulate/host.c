/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/host.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"

#define NOWHERE UINT_MAX

/* ---- Frames ------------------------------------------------------------- */

static uint64_t aside_for(const struct guest *guest)
{
    return units_max(guest->current_kib, guest->reach_kib);
}

static uint64_t unspoken_for(const struct host *host)
{
    assert(host->held_kib <= host->aside_kib);
    return units_less(host->memory_kib, host->aside_kib);
}

void host_catch_up(struct host *host, unsigned int id)
{
    struct guest *guest = &host->guests[id];

    host->held_kib -= guest->current_kib;
    host->aside_kib -= aside_for(guest);
    guest_advance(guest, host->now_ms);
    host->held_kib += guest->current_kib;
    host->aside_kib += aside_for(guest);
    host->snapshot.domains[host->seen_as[id]].current_kib = guest->current_kib;
}

void host_send(struct host *host, unsigned int id)
{
    struct guest *guest = &host->guests[id];
    uint64_t goal = units_min(guest->target_kib, guest->limit_kib);
    uint64_t reach = units_min(goal, aside_for(guest) + unspoken_for(host));

    if (goal <= guest->current_kib) {
        reach = goal;
    }
    if (reach != guest->reach_kib) {
        host->aside_kib -= aside_for(guest);
        guest_move(guest, reach);
        host->aside_kib += aside_for(guest);
        assert(host->aside_kib <= host->memory_kib);
    }
}

/* ---- Who is followed ---------------------------------------------------- */

static uint64_t need_of(const struct guest *guest, uint64_t at_ms)
{
    return walk_lives(&guest->walk) ? units_max(guest->walk.domain->floor_kib,
                                                walk_kib(&guest->walk, at_ms))
                                    : 0;
}

/* As long as it is on its ramp, or stands. */
static uint64_t most_need_of(const struct guest *guest)
{
    const struct walk *walk = &guest->walk;

    return units_max(walk->domain->floor_kib,
                     units_max(walk->from_kib, walk->to_kib));
}

/* Also who would move if there were frames. */
static bool is_to_be_followed(const struct guest *guest)
{
    return walk_lives(&guest->walk) &&
           (guest_is_moving(guest) || guest->reach_kib != guest->target_kib);
}

void host_touch(struct host *host, unsigned int id)
{
    unsigned int last;

    if (host->place_of[id] == NOWHERE) {
        host->still_need_kib -= need_of(&host->guests[id], host->now_ms);
        return;
    }
    host->followed_most_kib -= most_need_of(&host->guests[id]);
    last = host->followed[--host->followed_count];
    host->followed[host->place_of[id]] = last;
    host->place_of[last] = host->place_of[id];
    host->place_of[id] = NOWHERE;
}

void host_settle(struct host *host, unsigned int id)
{
    if (is_to_be_followed(&host->guests[id])) {
        host->followed_most_kib += most_need_of(&host->guests[id]);
        host->place_of[id] = host->followed_count;
        host->followed[host->followed_count++] = id;
    } else {
        host->still_need_kib += need_of(&host->guests[id], host->now_ms);
    }
}

bool host_is_followed(const struct host *host, unsigned int id)
{
    return host->place_of[id] != NOWHERE;
}

void host_note_peak(struct host *host)
{
    uint64_t need = host->still_need_kib;
    unsigned int i;

    if (need + host->followed_most_kib <= host->peak_need_kib) {
        return;
    }
    for (i = 0; i < host->followed_count; i++) {
        need += need_of(&host->guests[host->followed[i]], host->now_ms);
    }
    host->peak_need_kib = units_max(host->peak_need_kib, need);
}

/* ---- Coming and going --------------------------------------------------- */

static void describe(const struct host *host, unsigned int id,
                     struct snapshot_domain *seen)
{
    const struct course_domain *domain = &host->course->domains[id];
    const struct guest *guest = &host->guests[id];

    *seen = (struct snapshot_domain){
        .domid = id + 1,
        .current_kib = guest->current_kib,
        .limit_kib = guest->limit_kib,
        .has_target = true,
        .target_kib = guest->target_kib,
        .static_max_kib = units_whole_pages(domain->ceiling_kib),
        .floor_kib = units_whole_pages(domain->floor_kib),
        .ceiling_kib = units_whole_pages(domain->ceiling_kib),
        .weight = domain->weight,
        .headroom_permyriad = domain->headroom_permyriad,
        .voice = SNAPSHOT_VOICE_NONE,
    };
}

/* Makes room at its place in the snapshot, or closes the gap there. */
static void shift_snapshot(struct host *host, unsigned int place, bool is_open)
{
    unsigned int from = is_open ? place : place + 1;
    unsigned int to = is_open ? place + 1 : place;
    unsigned int behind = host->snapshot.count - from;
    unsigned int i;

    memmove(&host->snapshot.domains[to], &host->snapshot.domains[from],
            behind * sizeof(*host->snapshot.domains));
    memmove(&host->domains_of[to], &host->domains_of[from],
            behind * sizeof(*host->domains_of));
    host->snapshot.count = to + behind;
    for (i = to; i < host->snapshot.count; i++) {
        host->seen_as[host->domains_of[i]] = i;
    }
}

int host_come(struct host *host, unsigned int id)
{
    const struct course_domain *domain = &host->course->domains[id];
    struct guest *guest = &host->guests[id];
    uint64_t wants =
        domain->start_kib != 0 ? domain->start_kib : domain->floor_kib;
    unsigned int place = 0;

    if (!domain->is_static) {
        host->voices[id] = voice_new();
        if (host->voices[id] == NULL) {
            return -ENOMEM;
        }
    }
    wants =
        units_min(units_min(wants, domain->ceiling_kib), unspoken_for(host));
    guest_start(guest, host->now_ms, units_whole_pages(wants));
    guest->limit_kib = guest->target_kib + SNAPSHOT_SLACK_KIB;
    host->held_kib += guest->current_kib;
    host->aside_kib += guest->current_kib;

    while (place < host->snapshot.count && host->domains_of[place] < id) {
        place++;
    }
    shift_snapshot(host, place, true);
    host->domains_of[place] = id;
    host->seen_as[id] = place;
    describe(host, id, &host->snapshot.domains[place]);
    return 0;
}

void host_go(struct host *host, unsigned int id)
{
    struct guest *guest = &host->guests[id];

    guest_step(guest);
    host->held_kib -= guest->current_kib;
    host->aside_kib -= aside_for(guest);
    shift_snapshot(host, host->seen_as[id], false);
    voice_free(host->voices[id]);
    host->voices[id] = NULL;
}

/* ---- The host itself ---------------------------------------------------- */

int host_init(struct host *host, const struct course *course,
              uint64_t memory_kib)
{
    size_t count = (size_t)course->count + 1; /* none is no failure */
    unsigned int i;

    *host = (struct host){
        .course = course,
        .memory_kib = memory_kib,
        .guests = calloc(count, sizeof(*host->guests)),
        .voices = calloc(count, sizeof(*host->voices)),
        .place_of = calloc(count, sizeof(*host->place_of)),
        .seen_as = calloc(count, sizeof(*host->seen_as)),
        .followed = calloc(count, sizeof(*host->followed)),
        .domains_of = calloc(count, sizeof(*host->domains_of)),
        .snapshot.domains = calloc(count, sizeof(*host->snapshot.domains)),
        .snapshot.total_kib = memory_kib,
        .snapshot.idle_tax_permyriad = course->idle_tax_permyriad,
    };
    if (host->guests == NULL || host->voices == NULL ||
        host->place_of == NULL || host->seen_as == NULL ||
        host->followed == NULL || host->domains_of == NULL ||
        host->snapshot.domains == NULL) {
        return -ENOMEM;
    }
    host->snapshot.reserve_kib = course->reserve_kib == UINT64_MAX
                                     ? SETTINGS_RESERVE_DEFAULT_KIB
                                     : course->reserve_kib;
    for (i = 0; i < course->count; i++) {
        guest_init(&host->guests[i], course, &course->domains[i]);
        host->place_of[i] = NOWHERE;
    }
    return 0;
}

void host_done(struct host *host)
{
    unsigned int i;

    for (i = 0; host->voices != NULL && i < host->course->count; i++) {
        voice_free(host->voices[i]);
    }
    free(host->guests);
    free(host->voices);
    free(host->place_of);
    free(host->seen_as);
    free(host->followed);
    free(host->domains_of);
    free(host->snapshot.domains);
    *host = (struct host){0};
}
