/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/retry.h"

#include "common/units.h"

void retry_failed(struct retry *retry, uint64_t now_ms)
{
    retry->delay_ms =
        units_clamp(retry->delay_ms * 2, RETRY_FIRST_MS, RETRY_LAST_MS);
    retry->failed_ms = now_ms;
}

void retry_clear(struct retry *retry)
{
    *retry = (struct retry){0};
}

uint64_t retry_due_ms(const struct retry *retry, uint64_t last_ms)
{
    return retry->delay_ms == 0
               ? 0
               : retry->failed_ms + units_min(retry->delay_ms, last_ms);
}
