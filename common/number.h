/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict parsing of numbers and sizes.  Everything read from a guest, a file,
 * a socket or the store passes through here: no sign, no white space, no
 * leading "+", no hexadecimal, nothing left over, no silent overflow.
 */
#ifndef BALLOON_COMMON_NUMBER_H
#define BALLOON_COMMON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/*
 * The decimal number in the len bytes at text, which need not end in NUL.
 * Returns 0 and writes *ret_value, or -EINVAL (no number, or more than a
 * number) or -ERANGE (above max); *ret_value is untouched on failure.
 */
int number_parse(const char *text, size_t len, uint64_t max,
                 uint64_t *ret_value);

/*
 * A size as an operator writes it: digits and one of K, M, G, T in either
 * case, with an optional "iB" or "B" after it.  A bare number is MiB, as in
 * xl mem-set and in domain configurations.  Fractions are not accepted.
 * Returns 0 and writes *ret_kib (at most UNITS_KIB_MAX), or -EINVAL, -ERANGE.
 */
int number_parse_size(const char *text, uint64_t *ret_kib);

/*
 * A percentage, digits with or without "%" behind them, as permyriad.  0, or
 * -EINVAL, or -ERANGE above max_percent.
 */
int number_parse_percent(const char *text, uint64_t max_percent,
                         uint64_t *ret_permyriad);

/* Long enough for any size that number_format_size() prints. */
#define NUMBER_SIZE_TEXT 24

/*
 * A size for people: "96 MiB", "1.50 GiB"; writes at most size bytes with
 * the NUL and returns text.
 */
char *number_format_size(char *text, size_t size, uint64_t kib);

#endif
