/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/wish.h"

#include <string.h>

#include "common/escape.h"
#include "common/nearest.h"
#include "common/number.h"
#include "common/units.h"
#include "simulate/failure.h"
#include "simulate/policy.h"

void wish_init(struct wish *wish)
{
    *wish = (struct wish){
        .policy = policy_name(0),
        .reserve_kib = UINT64_MAX,
        .ramp_ms = UINT64_MAX,
        .unmet_milli = 1000,
    };
}

/* ---- Values -------------------------------------------------------------- */

/* What stands behind an option is not what it should be. */
static int refuse(const char *option, const char *found, const char *expected)
{
    char text[64];

    return failure_of_usage(
        "%s: found '%s', expected %s", option,
        escape_text(text, sizeof(text), found, strlen(found)), expected);
}

static int parse_size(const char *option, const char *text, uint64_t *ret_kib)
{
    uint64_t kib;

    if (number_parse_size(text, &kib) < 0 || kib == 0) {
        return refuse(option, text, "a size above 0 such as 96G or 512M");
    }
    *ret_kib = units_whole_pages(kib);
    return SIMULATE_OK;
}

/* Of nothing, too. */
static int parse_reserve(const char *text, uint64_t *ret_kib)
{
    if (number_parse_size(text, ret_kib) < 0) {
        return refuse("--reserve", text, "a size such as 512M");
    }
    return SIMULATE_OK;
}

static int parse_seconds(const char *text, uint64_t *ret_ms)
{
    uint64_t seconds;

    if (number_parse(text, strlen(text), 86400, &seconds) < 0) {
        return refuse("--ramp", text, "a number of seconds, 0 to 86400");
    }
    *ret_ms = seconds * 1000;
    return SIMULATE_OK;
}

/* "1", "0.3", "0.125". */
static int parse_unmet(const char *text, uint64_t *ret_milli)
{
    static const char *const expected =
        "a number of permyriad, 0 to 10000, with at most three decimals";
    const char *point = strchrnul(text, '.');
    uint64_t whole, fraction = 0;
    size_t digits;

    if (number_parse(text, (size_t)(point - text), 10000, &whole) < 0) {
        return refuse("--unmet", text, expected);
    }
    if (*point == '.') {
        digits = strlen(point + 1);
        if (digits > 3 || number_parse(point + 1, digits, 999, &fraction) < 0) {
            return refuse("--unmet", text, expected);
        }
        for (; digits < 3; digits++) {
            fraction *= 10;
        }
    }
    *ret_milli = whole * 1000 + fraction;
    return SIMULATE_OK;
}

static int choose_policy(const char *name, const char **ret_name)
{
    const char *names[16];
    const char *meant;
    char text[64];
    unsigned int count = 0;

    while (policy_name(count) != NULL && count < 16) {
        names[count] = policy_name(count);
        if (strcmp(names[count], name) == 0) {
            *ret_name = names[count];
            return SIMULATE_OK;
        }
        count++;
    }
    meant = nearest_word(name, strlen(name), names, count);
    return failure_of_usage("no policy '%s'%s%s%s",
                            escape_text(text, sizeof(text), name, strlen(name)),
                            meant ? ", did you mean '" : "", meant ? meant : "",
                            meant ? "'?" : "");
}

/* ---- Options ------------------------------------------------------------- */

int wish_take(struct wish *wish, int option, const char *value)
{
    switch (option) {
    case 't':
        wish->trace = value;
        return SIMULATE_OK;
    case 'm':
        return parse_size("--host-memory", value, &wish->host_memory_kib);
    case 'F':
        wish->finds = true;
        return SIMULATE_OK;
    case 'u':
        wish->has_unmet = true;
        return parse_unmet(value, &wish->unmet_milli);
    case 'p':
        return choose_policy(value, &wish->policy);
    case 'c':
        wish->command = value;
        (void)escape_text(wish->shown, sizeof(wish->shown), value,
                          strlen(value));
        return SIMULATE_OK;
    case 'f':
        return parse_size("--floor", value, &wish->floor_kib);
    case 'r':
        return parse_reserve(value, &wish->reserve_kib);
    case 'g':
        return parse_size("--grow", value, &wish->grow_kib_s);
    case 's':
        return parse_size("--shrink", value, &wish->shrink_kib_s);
    case 'w':
        return parse_seconds(value, &wish->ramp_ms);
    case 'H':
        wish->html = value;
        return SIMULATE_OK;
    case 'j':
        wish->is_json = true;
        return SIMULATE_OK;
    default:
        return failure_hint(); /* getopt has said what is wrong */
    }
}

int wish_check(const struct wish *wish)
{
    if ((wish->file == NULL) == (wish->trace == NULL)) {
        return failure_of_usage("expected a file, or --trace and a folder");
    }
    if (wish->finds && wish->host_memory_kib != 0) {
        return failure_of_usage(
            "--host-memory says what --find-host-memory is to find");
    }
    if (wish->has_unmet && !wish->finds) {
        return failure_of_usage("--unmet is for --find-host-memory");
    }
    return SIMULATE_OK;
}

/* ---- What it comes to ---------------------------------------------------- */

void wish_override(const struct wish *wish, struct course *course)
{
    unsigned int i;

    if (wish->reserve_kib != UINT64_MAX) {
        course->reserve_kib = wish->reserve_kib;
    }
    if (wish->ramp_ms != UINT64_MAX) {
        course->ramp_ms = wish->ramp_ms;
    }
    if (wish->host_memory_kib != 0) {
        course->host_memory_kib = wish->host_memory_kib;
    }
    for (i = 0; i < course->count; i++) {
        struct course_domain *domain = &course->domains[i];

        if (wish->floor_kib != 0) {
            domain->floor_kib = units_whole_pages(
                units_min(wish->floor_kib, domain->ceiling_kib));
        }
        if (wish->grow_kib_s != 0) {
            domain->grow_kib_s = wish->grow_kib_s;
        }
        if (wish->shrink_kib_s != 0) {
            domain->shrink_kib_s = wish->shrink_kib_s;
        }
    }
}

const char *wish_policy(const struct wish *wish)
{
    return wish->command != NULL ? wish->shown : wish->policy;
}
