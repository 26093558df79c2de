/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and names, no more.  The kernel is trusted to be well-meaning, not to
 * be of a version that we know.
 */
#include "frontend/procfs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/number.h"
#include "common/units.h"

struct span {
    const char *start;
    size_t len;
};

/* Takes everything up to the next separator, or to the end, off *rest. */
static struct span take_until(struct span *rest, char separator)
{
    const char *end = memchr(rest->start, separator, rest->len);
    struct span taken = {rest->start, rest->len};
    size_t used = rest->len;

    if (end != NULL) {
        taken.len = (size_t)(end - rest->start);
        used = taken.len + 1;
    }
    rest->start += used;
    rest->len -= used;
    return taken;
}

static bool span_is(struct span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.start, text, span.len) == 0;
}

static bool span_begins(struct span span, const char *text)
{
    size_t len = strlen(text);

    return span.len >= len && memcmp(span.start, text, len) == 0;
}

static void add_at(struct guest_sample *sample, size_t offset, uint64_t value)
{
    uint64_t sum;

    memcpy(&sum, (char *)sample + offset, sizeof(sum));
    sum = units_add(sum, value);
    memcpy((char *)sample + offset, &sum, sizeof(sum));
}

static void clear_at(struct guest_sample *sample, size_t offset)
{
    memset((char *)sample + offset, 0, sizeof(uint64_t));
}

/* --- /proc/meminfo ------------------------------------------------------- */

#define FIELD(member) offsetof(struct guest_sample, member)

static const struct {
    const char *name;
    size_t offset;
    bool required;
} meminfo_lines[] = {
    {"MemTotal", FIELD(total_kib), true},
    {"MemFree", FIELD(free_kib), false},
    {"MemAvailable", FIELD(available_kib), true},
    {"Active(file)", FIELD(file_active_kib), false},
    {"Inactive(file)", FIELD(file_inactive_kib), false},
    {"SwapTotal", FIELD(swap_total_kib), false},
    {"SwapFree", FIELD(swap_free_kib), false},
    {"AnonPages", FIELD(anonymous_kib), false},
    {"Committed_AS", FIELD(committed_kib), false},
};

#define MEMINFO_LINES (sizeof(meminfo_lines) / sizeof(meminfo_lines[0]))

/* "       24684092 kB" */
static int parse_amount(struct span text, uint64_t *ret_kib)
{
    struct span number;

    while (text.len > 0 && text.start[0] == ' ') {
        text.start++;
        text.len--;
    }
    number = take_until(&text, ' ');
    if (!span_is(text, "kB")) {
        return -EINVAL;
    }
    return number_parse(number.start, number.len, UINT64_MAX, ret_kib);
}

static int parse_meminfo_line(struct span line, struct guest_sample *sample,
                              unsigned int *seen)
{
    struct span name = take_until(&line, ':');
    uint64_t kib;

    for (unsigned int i = 0; i < MEMINFO_LINES; i++) {
        if (!span_is(name, meminfo_lines[i].name)) {
            continue;
        }
        if (parse_amount(line, &kib) < 0) {
            return -EINVAL;
        }
        clear_at(sample, meminfo_lines[i].offset);
        add_at(sample, meminfo_lines[i].offset, kib);
        *seen |= 1U << i;
    }
    return 0;
}

int procfs_parse_meminfo(const char *text, size_t len,
                         struct guest_sample *sample)
{
    struct guest_sample parsed = *sample;
    struct span rest = {text, len};
    unsigned int seen = 0;

    for (unsigned int i = 0; i < MEMINFO_LINES; i++) {
        clear_at(&parsed, meminfo_lines[i].offset);
    }
    while (rest.len > 0) {
        if (parse_meminfo_line(take_until(&rest, '\n'), &parsed, &seen) < 0) {
            return -EINVAL;
        }
    }
    for (unsigned int i = 0; i < MEMINFO_LINES; i++) {
        if (meminfo_lines[i].required && (seen & (1U << i)) == 0) {
            return -EINVAL;
        }
    }
    *sample = parsed;
    return 0;
}

/* --- /proc/swaps --------------------------------------------------------- */

/* Takes the next word off *rest, which may be empty. */
static struct span take_word(struct span *rest)
{
    size_t len = 0;
    struct span word;

    while (rest->len > 0 && (rest->start[0] == ' ' || rest->start[0] == '\t')) {
        rest->start++;
        rest->len--;
    }
    while (len < rest->len && rest->start[len] != ' ' &&
           rest->start[len] != '\t') {
        len++;
    }
    word = (struct span){rest->start, len};
    rest->start += len;
    rest->len -= len;
    return word;
}

/* "/dev/zram0    partition    65532    0    -2": name, type, size, used */
static int parse_swap_line(struct span line, struct guest_sample *sample)
{
    struct span name = take_word(&line);
    struct span size, used;
    uint64_t size_kib, used_kib;

    if (!span_begins(name, "/dev/zram")) {
        return 0;
    }
    (void)take_word(&line);
    size = take_word(&line);
    used = take_word(&line);
    if (number_parse(size.start, size.len, UINT64_MAX, &size_kib) < 0 ||
        number_parse(used.start, used.len, UINT64_MAX, &used_kib) < 0) {
        return -EINVAL;
    }
    sample->zram_used_kib = units_add(sample->zram_used_kib, used_kib);
    sample->zram_free_kib =
        units_add(sample->zram_free_kib, units_less(size_kib, used_kib));
    return 0;
}

int procfs_parse_swaps(const char *text, size_t len,
                       struct guest_sample *sample)
{
    struct guest_sample parsed = *sample;
    struct span rest = {text, len};

    parsed.zram_used_kib = 0;
    parsed.zram_free_kib = 0;
    while (rest.len > 0) {
        if (parse_swap_line(take_until(&rest, '\n'), &parsed) < 0) {
            return -EINVAL;
        }
    }
    *sample = parsed;
    return 0;
}

/* --- /proc/vmstat -------------------------------------------------------- */

/*
 * The names that begin so are summed: refaults of either kind were one counter
 * before Linux 5.9, and allocation stalls are counted for each zone.
 */
static const struct {
    const char *prefix;
    size_t offset;
    bool whole; /* the name ends there */
    bool in_pages;
} vmstat_counters[] = {
    {"pswpin", FIELD(swapped_in_kib), true, true},
    {"pswpout", FIELD(swapped_out_kib), true, true},
    {"workingset_refault", FIELD(refaults), false, false},
    {"pgmajfault", FIELD(major_faults), true, false},
    {"allocstall", FIELD(allocation_stalls), false, false},
    {"oom_kill", FIELD(oom_kills), true, false},
};

#define VMSTAT_COUNTERS (sizeof(vmstat_counters) / sizeof(vmstat_counters[0]))

static int parse_vmstat_line(struct span line, uint64_t page_kib,
                             struct guest_sample *sample)
{
    struct span name = take_until(&line, ' ');
    uint64_t count;

    for (size_t i = 0; i < VMSTAT_COUNTERS; i++) {
        if (vmstat_counters[i].whole
                ? !span_is(name, vmstat_counters[i].prefix)
                : !span_begins(name, vmstat_counters[i].prefix)) {
            continue;
        }
        if (number_parse(line.start, line.len, UINT64_MAX, &count) < 0) {
            return -EINVAL;
        }
        if (vmstat_counters[i].in_pages) {
            count = units_scale(count, page_kib, 1);
        }
        add_at(sample, vmstat_counters[i].offset, count);
    }
    return 0;
}

int procfs_parse_vmstat(const char *text, size_t len, uint64_t page_kib,
                        struct guest_sample *sample)
{
    struct guest_sample parsed = *sample;
    struct span rest = {text, len};

    for (size_t i = 0; i < VMSTAT_COUNTERS; i++) {
        clear_at(&parsed, vmstat_counters[i].offset);
    }
    while (rest.len > 0) {
        if (parse_vmstat_line(take_until(&rest, '\n'), page_kib, &parsed) < 0) {
            return -EINVAL;
        }
    }
    *sample = parsed;
    return 0;
}

/* --- /proc/pressure/memory ----------------------------------------------- */

/* " avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static int parse_total(struct span rest, uint64_t *ret_us)
{
    while (rest.len > 0) {
        struct span word = take_until(&rest, ' ');
        struct span name = take_until(&word, '=');

        if (span_is(name, "total")) {
            return number_parse(word.start, word.len, UINT64_MAX, ret_us);
        }
    }
    return -EINVAL;
}

int procfs_parse_pressure(const char *text, size_t len,
                          struct guest_sample *sample)
{
    struct span rest = {text, len};
    uint64_t some_us = 0, full_us = 0;
    bool has_some = false, has_full = false;

    while (rest.len > 0) {
        struct span line = take_until(&rest, '\n');
        struct span name = take_until(&line, ' ');

        if (span_is(name, "some")) {
            has_some = parse_total(line, &some_us) == 0;
        } else if (span_is(name, "full")) {
            has_full = parse_total(line, &full_us) == 0;
        }
    }
    if (!has_some || !has_full) {
        return -EINVAL;
    }
    sample->has_pressure = true;
    sample->pressure_some_us = some_us;
    sample->pressure_full_us = full_us;
    return 0;
}

/* --- One number ---------------------------------------------------------- */

int procfs_parse_number(const char *text, size_t len, uint64_t *ret_value)
{
    struct span rest = {text, len};
    struct span line = take_until(&rest, '\n');

    return number_parse(line.start, line.len, UINT64_MAX, ret_value) < 0
               ? -EINVAL
               : 0;
}
