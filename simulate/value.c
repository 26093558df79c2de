/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/value.h"

#include <errno.h>
#include <string.h>

#include "backend/settings.h"
#include "common/number.h"
#include "common/units.h"

int value_time(const char *text, uint64_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"", 1000},   {"ms", 1},      {"s", 1000},
        {"m", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    size_t digits = strspn(text, "0123456789");
    uint64_t number;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + digits, units[i].unit) != 0) {
            continue;
        }
        if (number_parse(text, digits, VALUE_TIME_MAX_MS / units[i].ms,
                         &number) < 0) {
            return -EINVAL;
        }
        *ret_ms = number * units[i].ms;
        return 0;
    }
    return -EINVAL;
}

int value_size(const char *text, uint64_t *ret_kib)
{
    uint64_t kib;

    if (number_parse_size(text, &kib) < 0) {
        return -EINVAL;
    }
    *ret_kib = units_whole_pages(kib);
    return 0;
}

int value_percent(const char *text, uint64_t *ret_permyriad)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t percent;

    if ((text[digits] != '\0' && strcmp(text + digits, "%") != 0) ||
        number_parse(text, digits, 99, &percent) < 0) {
        return -EINVAL;
    }
    *ret_permyriad = percent * 100;
    return 0;
}

int value_weight(const char *text, uint64_t *ret_weight)
{
    uint64_t weight;

    if (number_parse(text, strlen(text), SETTINGS_WEIGHT_MAX, &weight) < 0 ||
        weight < SETTINGS_WEIGHT_MIN) {
        return -EINVAL;
    }
    *ret_weight = weight;
    return 0;
}
