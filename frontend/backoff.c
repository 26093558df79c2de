/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doubling delays with an end.  Pure: no clock. */
#include "frontend/backoff.h"

#include "common/units.h"

void backoff_failed(struct backoff *backoff, uint64_t now_ms)
{
    backoff->delay_ms =
        units_clamp(backoff->delay_ms * 2, BACKOFF_FIRST_MS, BACKOFF_LAST_MS);
    backoff->retry_ms = units_add(now_ms, backoff->delay_ms);
}

void backoff_clear(struct backoff *backoff)
{
    backoff->delay_ms = 0;
    backoff->retry_ms = 0;
}

bool backoff_is_due(const struct backoff *backoff, uint64_t now_ms)
{
    return backoff->delay_ms == 0 || now_ms >= backoff->retry_ms;
}

uint64_t backoff_next_ms(const struct backoff *backoff, uint64_t now_ms)
{
    return backoff_is_due(backoff, now_ms) ? UINT64_MAX : backoff->retry_ms;
}
