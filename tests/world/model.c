/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a guest; see model.h.  Time goes in small steps while
 * something moves, and in one leap while nothing does.
 */
#include "tests/world/model.h"

#include <errno.h>
#include <string.h>

#include "common/protocol.h"
#include "common/units.h"

/* As often as the frontend looks at its shortest. */
#define STEP_MS 100

/* A disk that is neither fast nor slow. */
#define DISK_KIB_S (UINT64_C(100) * 1024)

/* Linux: PAGE_SIZE / 8 pages at a time. */
#define BALLOON_CHUNK_KIB 2048

/* Linux: 2, 4, 8 s between attempts, and an hour after the fourth. */
#define BALLOON_FIRST_DELAY_MS 2000
#define BALLOON_MAX_DELAY_MS 32000
#define BALLOON_MAX_RETRIES 4
#define BALLOON_NAP_MS 3600000

#define US_PER_MS 1000

#define TOKEN "target"

/* ---- What it holds ----------------------------------------------------- */

/* The balloon's size in the kernel's count. */
static uint64_t current_kib(const struct model *model)
{
    const struct hypervisor_domain *domain =
        ledger_find(model->ledger, model->domid);

    return domain == NULL ? 0
                          : units_less(domain->current_kib,
                                       model->nature->extra_kib +
                                           model->nature->uncounted_kib);
}

/* MemTotal */
static uint64_t total_kib(const struct model *model)
{
    return units_less(current_kib(model), model->nature->kernel_kib / 4);
}

/* What programs and files can have: all but the kernel's and its watermarks. */
static uint64_t room_kib(const struct model *model)
{
    uint64_t total = total_kib(model);

    return units_less(total, model->nature->kernel_kib * 3 / 4 + total / 128);
}

static uint64_t resident_kib(const struct model *model)
{
    return model->anonymous_kib - model->swapped_kib;
}

/* What is in swap and touched. */
static uint64_t missed_kib(const struct model *model,
                           const struct model_point *want)
{
    return units_less(model->swapped_kib, want->idle_kib);
}

static uint64_t used_kib(const struct model *model)
{
    return resident_kib(model) + model->active_kib + model->inactive_kib;
}

static uint64_t free_room_kib(const struct model *model)
{
    return units_less(room_kib(model), used_kib(model));
}

/*
 * What the kernel keeps available by swapping ahead of need, so that a full
 * guest with swap can still give.  A guess.
 */
static uint64_t margin_kib(const struct model *model)
{
    return model->nature->swap_kib > model->swapped_kib ? total_kib(model) / 64
                                                        : 0;
}

/*
 * The last of memory is had by reclaiming only, which who asks for it waits
 * for, a little, before there is none.  A guess.
 */
static uint64_t brink_kib(const struct model *model)
{
    return total_kib(model) / 64;
}

/* MemAvailable: free, and files but for half of those in use. */
static uint64_t available_kib(const struct model *model)
{
    return free_room_kib(model) + model->inactive_kib + model->active_kib / 2;
}

/* ---- What programs want ------------------------------------------------ */

static const struct model_point *point_at(const struct model *model,
                                          uint64_t *ret_until_ms)
{
    static const struct model_point nothing = {0, 0, 0, 0};
    const struct model_nature *nature = model->nature;
    const struct model_point *point = &nothing;
    uint64_t life_ms = model->now_ms - model->boot_ms;
    uint64_t since_ms =
        nature->repeat_ms != 0 ? life_ms % nature->repeat_ms : life_ms;
    uint64_t until_ms = nature->repeat_ms != 0 ? nature->repeat_ms : UINT64_MAX;
    unsigned int i;

    for (i = 0; i < nature->point_count; i++) {
        if (nature->points[i].at_ms > since_ms) {
            until_ms = units_min(until_ms, nature->points[i].at_ms);
            break;
        }
        point = &nature->points[i];
    }
    *ret_until_ms = until_ms == UINT64_MAX
                        ? UINT64_MAX
                        : model->now_ms + (until_ms - since_ms);
    return point;
}

static uint64_t in_time(uint64_t kib_s, uint64_t elapsed_ms)
{
    return units_scale(kib_s, elapsed_ms, 1000);
}

static uint64_t take_up_to(uint64_t *kib, uint64_t most_kib)
{
    uint64_t taken = units_min(*kib, most_kib);

    *kib -= taken;
    return taken;
}

/* Makes room until so much of it is left, as far as it can. */
static uint64_t swap_out(struct model *model, uint64_t wanted_kib)
{
    uint64_t out =
        units_less(wanted_kib, free_room_kib(model) + model->inactive_kib);

    out = units_min(out, model->nature->swap_kib - model->swapped_kib);
    out = units_min(out, resident_kib(model));
    model->swapped_kib += out;
    model->swapped_out_kib += out;
    return out;
}

/* Takes back what does not fit any more, the least missed first. */
static void reclaim(struct model *model)
{
    uint64_t room = room_kib(model);
    uint64_t over = units_less(used_kib(model), room);

    over -= take_up_to(&model->inactive_kib, over);
    if (over > 0) {
        model->stalls++;
        over -= take_up_to(&model->active_kib, over);
    }
    over -= units_min(over, swap_out(model, over + margin_kib(model)));
    if (over > 0 && model->anonymous_kib > 0) {
        uint64_t dead = units_max(over, resident_kib(model) / 4);

        /* The victim's memory is free at once; it will start again. */
        model->oom_kills++;
        model->anonymous_kib -= units_min(dead, resident_kib(model));
    }
}

/*
 * How much of growth there is room for, if the disk is to be waited for.  A
 * guest that has no swap left has nothing to wait for.
 */
static uint64_t hold_up(struct model *model, uint64_t growth_kib,
                        uint64_t elapsed_ms)
{
    uint64_t room =
        units_add(units_less(free_room_kib(model) + model->inactive_kib +
                                 model->active_kib,
                             margin_kib(model)),
                  in_time(DISK_KIB_S, elapsed_ms));

    model->held_up_kib = 0;
    if (model->nature->waits_for_swap &&
        model->swapped_kib < model->nature->swap_kib) {
        model->held_up_kib = units_less(growth_kib, room);
    }
    return growth_kib - model->held_up_kib;
}

static bool is_at_brink(const struct model *model)
{
    return free_room_kib(model) + model->inactive_kib < brink_kib(model);
}

static void grow_programs(struct model *model, const struct model_point *want,
                          uint64_t elapsed_ms)
{
    uint64_t step = in_time(model->nature->growth_kib_s, elapsed_ms);

    step = hold_up(
        model,
        units_min(step, units_less(want->anonymous_kib, model->anonymous_kib)),
        elapsed_ms);
    if (want->anonymous_kib <= model->anonymous_kib) {
        model->anonymous_kib = want->anonymous_kib;
        model->swapped_kib =
            units_min(model->swapped_kib, model->anonymous_kib);
    } else {
        model->anonymous_kib += step;
        if (is_at_brink(model)) {
            model->waited_us += elapsed_ms * (US_PER_MS / 10);
        }
    }
    model->active_kib = units_min(model->active_kib, want->file_kib);
    reclaim(model);
}

/* Fills what is free from the disk: what is wanted first. */
static void read_back(struct model *model, const struct model_point *want,
                      uint64_t elapsed_ms)
{
    uint64_t most = in_time(DISK_KIB_S, elapsed_ms);
    uint64_t room =
        units_min(units_less(free_room_kib(model) + model->inactive_kib,
                             margin_kib(model)),
                  most);
    uint64_t back = units_min(missed_kib(model, want), room);
    uint64_t files = units_min(want->file_kib - model->active_kib, room - back);

    model->swapped_kib -= back;
    model->swapped_in_kib += back;
    model->active_kib += files;
    model->refaults += files / UNITS_KIB_PER_PAGE;
    model->inactive_kib = units_min(
        model->inactive_kib,
        units_less(room_kib(model), resident_kib(model) + model->active_kib));
    model->inactive_kib +=
        units_min(units_less(model->nature->cold_kib, model->inactive_kib),
                  units_min(free_room_kib(model), most));
}

/* What does not fit is read again and again, and waited for. */
static void suffer(struct model *model, const struct model_point *want,
                   uint64_t elapsed_ms)
{
    uint64_t files = want->file_kib - model->active_kib;
    uint64_t missed = missed_kib(model, want);
    uint64_t missing = missed + files;
    uint64_t all = want->anonymous_kib + want->file_kib;
    uint64_t growth = in_time(model->nature->growth_kib_s, elapsed_ms);
    uint64_t share = units_add(units_scale(missing, 40000, all),
                               units_scale(model->held_up_kib, 10000, growth));
    uint64_t most = in_time(DISK_KIB_S, elapsed_ms);

    if (missing == 0 && model->held_up_kib == 0) {
        return;
    }
    model->waited_us += elapsed_ms * units_min(10000, share) / 10;
    model->refaults += units_min(files, most) / UNITS_KIB_PER_PAGE;
    model->swapped_in_kib += units_min(missed, most) / 4;
    model->swapped_out_kib += units_min(missed, most) / 4;
}

/* ---- The balloon driver ------------------------------------------------ */

static uint64_t distance_kib(const struct model *model)
{
    return units_distance(current_kib(model), model->target_kib);
}

static bool is_asleep(const struct model *model)
{
    return model->now_ms < model->retry_ms &&
           distance_kib(model) == model->failed_kib;
}

static bool is_stuck(const struct model *model)
{
    const struct model_nature *nature = model->nature;
    uint64_t life_ms = model->now_ms - model->boot_ms;

    return (life_ms >= nature->stuck_from_ms &&
            life_ms < nature->stuck_until_ms) ||
           (nature->stuck_period_ms != 0 &&
            life_ms % nature->stuck_period_ms < nature->stuck_for_ms);
}

static void balloon_failed(struct model *model)
{
    model->retries++;
    model->budget_kib = 0;
    model->failed_kib = distance_kib(model);
    if (model->retries >= BALLOON_MAX_RETRIES) {
        model->has_given_up = true;
        model->retry_ms = model->now_ms + BALLOON_NAP_MS;
        return;
    }
    model->delay_ms = units_clamp(model->delay_ms * 2, BALLOON_FIRST_DELAY_MS,
                                  BALLOON_MAX_DELAY_MS);
    model->retry_ms = model->now_ms + model->delay_ms;
}

static void balloon_woke(struct model *model)
{
    model->has_given_up = false;
    model->retries = 0;
    model->delay_ms = 0;
    model->retry_ms = 0;
}

static uint64_t give_back(struct model *model, uint64_t chunk_kib)
{
    const struct model_nature *nature = model->nature;
    const struct hypervisor_domain *domain =
        ledger_find(model->ledger, model->domid);

    chunk_kib = units_min(chunk_kib, available_kib(model));
    if (nature->floor_kib != 0) {
        chunk_kib = units_min(
            chunk_kib, units_less(domain->current_kib, nature->floor_kib));
    }
    chunk_kib = units_whole_pages(chunk_kib);
    ledger_give_back(model->ledger, model->domid, chunk_kib);
    reclaim(model);
    return chunk_kib;
}

static uint64_t take(struct model *model, uint64_t chunk_kib)
{
    const struct model_nature *nature = model->nature;
    const struct hypervisor_domain *domain =
        ledger_find(model->ledger, model->domid);

    if (nature->ceiling_kib != 0) {
        chunk_kib = units_min(
            chunk_kib, units_less(nature->ceiling_kib, domain->current_kib));
    }
    return ledger_populate(model->ledger, model->domid,
                           units_whole_pages(chunk_kib));
}

/* One round of the driver; false when there is no more to do for now. */
static bool inflate(struct model *model)
{
    uint64_t current = current_kib(model);
    uint64_t chunk = units_whole_pages(units_min(
        units_min(BALLOON_CHUNK_KIB, distance_kib(model)), model->budget_kib));
    uint64_t moved;

    if (chunk == 0) {
        return false;
    }
    moved = current > model->target_kib ? give_back(model, chunk)
                                        : take(model, chunk);
    if (moved == 0) {
        balloon_failed(model);
        return false;
    }
    model->budget_kib -= moved;
    balloon_woke(model);
    return true;
}

static void run_balloon(struct model *model, uint64_t elapsed_ms)
{
    bool shrinks = current_kib(model) > model->target_kib;
    uint64_t speed =
        shrinks ? model->nature->down_kib_s : model->nature->up_kib_s;

    if (distance_kib(model) < UNITS_KIB_PER_PAGE ||
        model->nature->has_no_balloon) {
        model->budget_kib = 0;
        balloon_woke(model);
        return;
    }
    if (is_stuck(model) || is_asleep(model)) {
        model->budget_kib = 0;
        return;
    }
    if (model->has_given_up) {
        balloon_woke(model);
    }
    model->budget_kib += in_time(speed, elapsed_ms);
    while (inflate(model)) {
    }
}

static void read_target(struct model *model)
{
    uint64_t target;

    if (bus_read_kib(model->bus, BUS_NO_TRANSACTION, PROTOCOL_TARGET,
                     &target) == 0) {
        model->target_kib = units_less(target, model->nature->uncounted_kib);
    }
}

/* ---- Time -------------------------------------------------------------- */

static bool is_moving(const struct model *model)
{
    const struct model_nature *nature = model->nature;
    uint64_t until_ms;
    const struct model_point *want = point_at(model, &until_ms);
    uint64_t speed = current_kib(model) > model->target_kib ? nature->down_kib_s
                                                            : nature->up_kib_s;

    if (want->anonymous_kib != model->anonymous_kib &&
        nature->growth_kib_s > 0) {
        return true;
    }
    if (free_room_kib(model) + model->inactive_kib > margin_kib(model) &&
        (missed_kib(model, want) > 0 || model->active_kib < want->file_kib)) {
        return true;
    }
    if (free_room_kib(model) > 0 && model->inactive_kib < nature->cold_kib) {
        return true;
    }
    return distance_kib(model) >= UNITS_KIB_PER_PAGE && speed > 0 &&
           !nature->has_no_balloon && !is_asleep(model);
}

static uint64_t step_ms(const struct model *model)
{
    return model->nature->step_ms != 0 ? model->nature->step_ms : STEP_MS;
}

uint64_t model_next_ms(const struct model *model)
{
    uint64_t until_ms;

    if (is_moving(model)) {
        return model->now_ms + step_ms(model);
    }
    (void)point_at(model, &until_ms);
    return model->retry_ms > model->now_ms
               ? units_min(until_ms, model->retry_ms)
               : until_ms;
}

static void step(struct model *model, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - model->now_ms;
    uint64_t until_ms;
    /* What was wanted in this time, not what will be from its end on. */
    const struct model_point *want = point_at(model, &until_ms);

    model->now_ms = now_ms;
    run_balloon(model, elapsed_ms);
    grow_programs(model, want, elapsed_ms);
    read_back(model, want, elapsed_ms);
    suffer(model, want, elapsed_ms);
}

void model_run(struct model *model, uint64_t now_ms)
{
    struct bus_event event;
    bool has_event = false;

    while (model->now_ms < now_ms) {
        step(model, units_min(now_ms, model_next_ms(model)));
    }
    while (bus_next_event(model->bus, &event) == 1) {
        has_event = true;
    }
    if (has_event) {
        read_target(model);
    }
}

void model_boot(struct model *model, const struct model_nature *nature,
                struct ledger *ledger, const struct bus *bus, uint32_t domid,
                uint64_t now_ms)
{
    memset(model, 0, sizeof(*model));
    model->nature = nature;
    model->ledger = ledger;
    model->bus = bus;
    model->domid = domid;
    model->boot_ms = now_ms;
    model->now_ms = now_ms;
    model->target_kib = current_kib(model);
    (void)bus_watch(bus, PROTOCOL_TARGET, TOKEN);
}

void model_move(struct model *model, uint32_t domid, uint64_t now_ms)
{
    uint64_t away_ms = now_ms - model->now_ms;

    model->domid = domid;
    /* Its own clock stood still. */
    model->boot_ms += away_ms;
    model->now_ms = now_ms;
}

uint64_t model_wants_kib(const struct model *model)
{
    uint64_t until_ms;
    const struct model_point *want = point_at(model, &until_ms);

    return want->anonymous_kib + want->file_kib;
}

/* Nobody misses what is idle in swap. */
uint64_t model_has_kib(const struct model *model)
{
    uint64_t until_ms;
    const struct model_point *want = point_at(model, &until_ms);

    return model->anonymous_kib - missed_kib(model, want) + model->active_kib;
}

/* ---- What the frontend sees -------------------------------------------- */

/* What is not available is what it seems to need. */
static uint64_t lie(const struct model *model, uint64_t available)
{
    uint64_t total = total_kib(model);
    uint64_t need = units_less(total, available);

    if (model->nature->lie_permyriad == 0) {
        return available;
    }
    return units_less(total,
                      units_scale(need, model->nature->lie_permyriad, 10000));
}

static int op_sample(void *state, struct guest_sample *ret_sample)
{
    const struct model *model = state;
    const struct model_nature *nature = model->nature;
    struct guest_sample sample = {
        .total_kib = total_kib(model),
        .available_kib = lie(model, available_kib(model)),
        .free_kib = free_room_kib(model) + total_kib(model) / 128,
        .anonymous_kib = resident_kib(model),
        .file_active_kib = model->active_kib,
        .file_inactive_kib = model->inactive_kib,
        .committed_kib = model->anonymous_kib + nature->kernel_kib / 4,
        .swap_total_kib = nature->swap_kib,
        .swap_free_kib = nature->swap_kib - model->swapped_kib,
        .swapped_in_kib = model->swapped_in_kib,
        .swapped_out_kib = model->swapped_out_kib,
        .refaults = model->refaults,
        .major_faults = model->refaults,
        .allocation_stalls = model->stalls,
        .oom_kills = model->oom_kills,
        .has_pressure = !nature->has_no_pressure,
        .pressure_some_us = model->waited_us,
        .pressure_full_us = model->waited_us / 2,
        .has_balloon = !nature->has_no_balloon,
        .balloon_current_kib = current_kib(model),
        .balloon_target_kib = model->target_kib,
        .balloon_retries = model->retries,
    };

    *ret_sample = sample;
    return 0;
}

static int op_set_balloon_target(void *state, uint64_t target_kib)
{
    struct model *model = state;

    model->target_kib = target_kib;
    return 0;
}

/* One at a time, so that a frontend which forgets its page is found out. */
static int op_share_page(void *state, void **ret_page, uint32_t *ret_reference)
{
    struct model *model = state;

    if (model->nature->has_no_grants) {
        return -EOPNOTSUPP;
    }
    if (model->shared != NULL) {
        return -ENOSPC;
    }
    model->shared = ledger_share(model->ledger, model->domid, ret_reference);
    *ret_page = model->shared;
    return 0;
}

static void op_unshare_page(void *state, void *page)
{
    struct model *model = state;

    ledger_unshare(model->ledger, page);
    model->shared = NULL;
}

/* As with pages, one at a time. */
static int op_bind_bell(void *state, uint32_t *ret_port)
{
    struct model *model = state;

    if (model->bell != 0) {
        return -ENOSPC;
    }
    model->bell = ledger_open_port(model->ledger, model->domid);
    *ret_port = model->bell;
    return 0;
}

static int op_ring_bell(void *state)
{
    const struct model *model = state;

    ledger_ring(model->ledger, model->domid, model->bell);
    return 0;
}

static unsigned int op_ways(void *state)
{
    const struct model *model = state;

    return (model->nature->hook_ms > 0 ? (unsigned int)GUEST_HAS_HOOKS : 0) |
           (model->nature->can_reclaim ? (unsigned int)GUEST_CAN_RECLAIM : 0);
}

static int op_run_hooks(void *state, const struct guest_shrink *shrink)
{
    struct model *model = state;

    model->hooks_until_ms = shrink->now_ms + model->nature->hook_ms;
    return 0;
}

/* At once: what it costs in time is nothing to the disk. */
static int op_reclaim(void *state, uint64_t kib)
{
    struct model *model = state;

    (void)swap_out(model, free_room_kib(model) + model->inactive_kib + kib);
    return 0;
}

static bool op_is_at_work(void *state, uint64_t now_ms)
{
    const struct model *model = state;

    return now_ms < model->hooks_until_ms;
}

static void op_stop_work(void *state)
{
    struct model *model = state;

    model->hooks_until_ms = 0;
}

void model_frontend_ended(struct model *model)
{
    if (model->shared != NULL) {
        op_unshare_page(model, model->shared);
    }
    if (model->bell != 0) {
        ledger_close_port(model->ledger, model->domid, model->bell);
        model->bell = 0;
    }
}

static const struct guest_ops model_ops = {
    .sample = op_sample,
    .set_balloon_target = op_set_balloon_target,
    .share_page = op_share_page,
    .unshare_page = op_unshare_page,
    .bind_bell = op_bind_bell,
    .ring_bell = op_ring_bell,
    .ways = op_ways,
    .run_hooks = op_run_hooks,
    .reclaim = op_reclaim,
    .is_at_work = op_is_at_work,
    .stop_work = op_stop_work,
};

struct guest model_guest(struct model *model)
{
    struct guest guest = {&model_ops, model};

    return guest;
}
