/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of a scenario, from text: sizes, times and other numbers, as
 * xenballoon-scenario(5) has them.
 */
#ifndef BALLOON_SIMULATE_VALUE_H
#define BALLOON_SIMULATE_VALUE_H

#include <stdint.h>

/* Longer courses are a slip: ten years. */
#define VALUE_TIME_MAX_MS (UINT64_C(10) * 366 * 86400 * 1000)

/* 0, or -EINVAL for untrusted text that is none; *ret_value is then kept. */
typedef int value_fn(const char *text, uint64_t *ret_value);

/* KiB, of whole pages: what a course can hold is in those. */
int value_size(const char *text, uint64_t *ret_kib);

/* "90s", "5m", "250ms"; a bare number is seconds. */
int value_time(const char *text, uint64_t *ret_ms);

/* "75" or "75%"; below 100. */
int value_percent(const char *text, uint64_t *ret_permyriad);

int value_weight(const char *text, uint64_t *ret_weight);

/* What is expected, for messages. */
#define VALUE_EXPECTED_SIZE "a size such as 512M or 2G"
#define VALUE_EXPECTED_TIME "a time such as 90s, 5m, 2h or 250ms"

#endif
