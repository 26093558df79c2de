/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers from text and sizes for people.  Nothing here trusts its input, and
 * nothing depends on the locale.
 */
#include "common/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int number_parse(const char *text, size_t len, uint64_t max,
                 uint64_t *ret_value)
{
    uint64_t value = 0;
    bool too_large = false;

    if (len == 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit;

        if (!is_digit(text[i])) {
            return -EINVAL; /* also after an overflow: it is no number */
        }
        digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            too_large = true;
        } else {
            value = value * 10 + digit;
        }
    }
    if (too_large || value > max) {
        return -ERANGE;
    }
    *ret_value = value;
    return 0;
}

/* KiB in one unit of the suffix, or 0 when it is none. */
static uint64_t suffix_kib(const char *suffix)
{
    static const struct {
        char upper, lower;
        uint64_t kib;
    } units[] = {
        {'K', 'k', 1},
        {'M', 'm', UNITS_KIB_PER_MIB},
        {'G', 'g', UNITS_KIB_PER_GIB},
        {'T', 't', UINT64_C(1024) * UNITS_KIB_PER_GIB},
    };

    if (suffix[0] == '\0') {
        return UNITS_KIB_PER_MIB;
    }
    if (strcmp(suffix + 1, "") != 0 && strcmp(suffix + 1, "B") != 0 &&
        strcmp(suffix + 1, "iB") != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (suffix[0] == units[i].upper || suffix[0] == units[i].lower) {
            return units[i].kib;
        }
    }
    return 0;
}

int number_parse_size(const char *text, uint64_t *ret_kib)
{
    uint64_t count, unit_kib;
    size_t digits = 0;
    int r;

    while (is_digit(text[digits])) {
        digits++;
    }
    unit_kib = suffix_kib(text + digits);
    if (unit_kib == 0) {
        return -EINVAL;
    }
    r = number_parse(text, digits, UNITS_KIB_MAX / unit_kib, &count);
    if (r < 0) {
        return r;
    }
    *ret_kib = count * unit_kib;
    return 0;
}

int number_parse_percent(const char *text, uint64_t max_percent,
                         uint64_t *ret_permyriad)
{
    size_t len = strlen(text);
    uint64_t percent;
    int r;

    if (len > 0 && text[len - 1] == '%') {
        len--;
    }
    r = number_parse(text, len, max_percent, &percent);
    if (r == 0) {
        *ret_permyriad = percent * 100;
    }
    return r;
}

char *number_format_size(char *text, size_t size, uint64_t kib)
{
    static const struct {
        uint64_t kib;
        const char *name;
    } units[] = {
        {UINT64_C(1024) * UNITS_KIB_PER_GIB, "TiB"},
        {UNITS_KIB_PER_GIB, "GiB"},
        {UNITS_KIB_PER_MIB, "MiB"},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t whole = kib / units[i].kib;
        /* Rounded down, so that no size is shown as more than it is. */
        uint64_t hundredths =
            units_scale(kib % units[i].kib, 100, units[i].kib);

        if (whole == 0) {
            continue;
        }
        if (kib % units[i].kib == 0) {
            (void)snprintf(text, size, "%" PRIu64 " %s", whole, units[i].name);
        } else {
            (void)snprintf(text, size, "%" PRIu64 ".%02" PRIu64 " %s", whole,
                           hundredths, units[i].name);
        }
        return text;
    }
    (void)snprintf(text, size, "%" PRIu64 " KiB", kib);
    return text;
}
