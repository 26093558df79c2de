/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long alarms rest.  Pure. */
#include "frontend/alarm.h"

#include "common/units.h"

void alarm_rang(struct alarm *alarm, bool in_vain, uint64_t now_ms)
{
    if (now_ms >= units_add(alarm->ready_ms, ALARM_FORGIVEN_MS)) {
        alarm->rest_ms = 0;
    }
    alarm->rest_ms = in_vain
                         ? units_clamp(alarm->rest_ms * 2, ALARM_REST_FIRST_MS,
                                       ALARM_REST_LAST_MS)
                         : ALARM_REST_FIRST_MS;
    alarm->ready_ms = units_add(now_ms, alarm->rest_ms);
}

bool alarm_is_ready(const struct alarm *alarm, uint64_t now_ms)
{
    return now_ms >= alarm->ready_ms;
}

/* What only programs that grow take, wherever the kernel has put it. */
static uint64_t taken_kib(const struct guest_sample *sample)
{
    return units_add(sample->anonymous_kib,
                     units_less(sample->swap_total_kib, sample->swap_free_kib));
}

static bool is_low(const struct guest_sample *sample)
{
    uint64_t left_kib =
        units_add(sample->free_kib, units_add(sample->file_active_kib,
                                              sample->file_inactive_kib));

    return left_kib < sample->total_kib / ALARM_LOW_SHARE;
}

static void note_growth(struct alarm_judge *judge,
                        const struct guest_sample *sample, uint64_t now_ms)
{
    uint64_t taken = taken_kib(sample);
    bool grown = units_less(taken, judge->level_kib) >= ALARM_GROWN_KIB;

    if (!judge->started || grown || sample->oom_kills > judge->kills) {
        judge->grown_ms = now_ms;
    }
    if (!judge->started || grown || taken < judge->level_kib) {
        judge->level_kib = taken;
    }
    judge->kills = sample->oom_kills;
    judge->started = true;
}

bool alarm_is_in_vain(struct alarm_judge *judge,
                      const struct guest_sample *sample, uint64_t now_ms)
{
    note_growth(judge, sample, now_ms);
    return now_ms >= units_add(judge->grown_ms, ALARM_GROWTH_LASTS_MS) &&
           !is_low(sample);
}

const char *alarm_kind_name(enum alarm_kind kind)
{
    static const char *const names[ALARM_KINDS] = {
        [ALARM_NONE] = "none",
        [ALARM_KSWAPD] = "kswapd",
        [ALARM_PRESSURE] = "pressure",
        [ALARM_RECLAIM] = "direct-reclaim",
    };

    return names[kind];
}
