/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's text.  The files come from a guest of 256 MiB without swap
 * (Linux 6.1, Debian 12) after two processes had been killed for want of
 * memory; they are in the corpus of the fuzz target.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/procfs.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define TEXT_MAX 16384

static size_t load(const char *name, char *text)
{
    const char *corpus = getenv("FUZZ_CORPUS");
    char path[1024];
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof(path), "%.900s/procfs/%s",
                   corpus != NULL ? corpus : "tests/fuzz/corpus", name);
    file = fopen(path, "r");
    assert_non_null(file);
    len = fread(text, 1, TEXT_MAX, file);
    (void)fclose(file);
    assert_true(len > 0 && len < TEXT_MAX);
    return len;
}

static void meminfo_of_linux_6_1_is_understood(void **state)
{
    struct guest_sample sample = {.swap_total_kib = 7, .refaults = 7};
    char text[TEXT_MAX];
    size_t len = load("meminfo-linux-6.1", text);

    (void)state;
    assert_int_equal(procfs_parse_meminfo(text, len, &sample), 0);

    assert_int_equal(sample.total_kib, 210752);
    assert_int_equal(sample.free_kib, 104024);
    assert_int_equal(sample.available_kib, 105220);
    assert_int_equal(sample.anonymous_kib, 100);
    assert_int_equal(sample.committed_kib, 81916);
    assert_int_equal(sample.swap_total_kib, 0);
    assert_int_equal(sample.refaults, 7); /* another file's */
}

static void vmstat_of_linux_6_1_is_understood(void **state)
{
    struct guest_sample sample = {.oom_kills = 99};
    char text[TEXT_MAX];
    size_t len = load("vmstat-linux-6.1", text);

    (void)state;
    assert_int_equal(procfs_parse_vmstat(text, len, 4, &sample), 0);

    assert_int_equal(sample.allocation_stalls, 34);
    assert_int_equal(sample.oom_kills, 2);
    assert_int_equal(sample.refaults, 0);
}

static void swap_in_memory_is_told_from_swap_on_disk(void **state)
{
    static const char text[] =
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/zram0                              partition\t65532\t\t532\t\t"
        "100\n"
        "/dev/xvda2                              partition\t999999\t\t0\t\t-2\n"
        "/dev/zram1                              partition\t1000\t\t0\t\t100\n";
    struct guest_sample sample = {.zram_free_kib = 7, .refaults = 7};

    (void)state;
    assert_int_equal(procfs_parse_swaps(text, strlen(text), &sample), 0);
    assert_int_equal(sample.zram_free_kib, 66000);
    assert_int_equal(sample.zram_used_kib, 532);
    assert_int_equal(sample.refaults, 7); /* another file's */

    /* Cut in the middle of a line that matters. */
    assert_int_equal(procfs_parse_swaps(text, 95, &sample), -EINVAL);
    assert_int_equal(sample.zram_free_kib, 66000);
    assert_int_equal(procfs_parse_swaps(text, 0, &sample), 0);
    assert_int_equal(sample.zram_free_kib, 0);
}

static void pressure_of_linux_6_1_is_understood(void **state)
{
    struct guest_sample sample = {0};
    char text[TEXT_MAX];
    size_t len = load("pressure-linux-6.1", text);

    (void)state;
    assert_int_equal(procfs_parse_pressure(text, len, &sample), 0);

    assert_true(sample.has_pressure);
    assert_int_equal(sample.pressure_some_us, 32370);
    assert_int_equal(sample.pressure_full_us, 29499);
}

static void meminfo_is_taken_or_refused_for_a_reason(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *why;
    } cases[] = {
        {"MemTotal: 8 kB\nMemAvailable: 4 kB\n", 0, "the least"},
        {"MemTotal: 8 kB\nMemAvailable: 4 kB", 0, "no newline at the end"},
        {"MemAvailable:4 kB\nMemTotal:8 kB\nHugePages_Total:   0\n", 0,
         "any order, no spaces, unknown lines"},
        {"MemTotalX: 8 kB\nMemTotal: 8 kB\nMemAvailable: 4 kB\n", 0,
         "a name that only begins like ours"},
        {"", -EINVAL, "nothing"},
        {"MemTotal: 8 kB\n", -EINVAL, "before Linux 3.14"},
        {"MemAvailable: 8 kB\n", -EINVAL, "no total"},
        {"MemTotal: 8 MB\nMemAvailable: 4 kB\n", -EINVAL, "another unit"},
        {"MemTotal: 8\nMemAvailable: 4 kB\n", -EINVAL, "no unit"},
        {"MemTotal: -8 kB\nMemAvailable: 4 kB\n", -EINVAL, "a sign"},
        {"MemTotal: kB\nMemAvailable: 4 kB\n", -EINVAL, "no number"},
        {"MemTotal\nMemAvailable: 4 kB\n", -EINVAL, "a line cut short"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct guest_sample sample = {.total_kib = 4711};
        int r =
            procfs_parse_meminfo(cases[i].text, strlen(cases[i].text), &sample);

        if (r != cases[i].result || sample.total_kib != (r == 0 ? 8U : 4711U)) {
            fail_msg("%s: gave %d", cases[i].why, r);
        }
    }
}

static void counters_that_belong_together_are_summed(void **state)
{
    static const char text[] = "workingset_refault_anon 1\n"
                               "workingset_refault_file 20\n"
                               "workingset_restore_file 300\n"
                               "allocstall_dma 1\n"
                               "allocstall_normal 2\n"
                               "allocstall_movable 4\n"
                               "pswpin 3\n"
                               "pswpout 5\n"
                               "pswpout_x 100\n"
                               "oom_kill 6\n"
                               "pgmajfault 7\n";
    struct guest_sample sample = {0};

    (void)state;
    assert_int_equal(procfs_parse_vmstat(text, strlen(text), 16, &sample), 0);

    assert_int_equal(sample.refaults, 21);
    assert_int_equal(sample.allocation_stalls, 7);
    assert_int_equal(sample.swapped_in_kib, 48); /* pages of 16 KiB */
    assert_int_equal(sample.swapped_out_kib, 80);
    assert_int_equal(sample.oom_kills, 6);
    assert_int_equal(sample.major_faults, 7);
}

static void older_kernels_have_one_counter_for_refaults(void **state)
{
    static const char text[] = "workingset_refault 5\nallocstall 3\n";
    struct guest_sample sample = {0};

    (void)state;
    assert_int_equal(procfs_parse_vmstat(text, strlen(text), 4, &sample), 0);
    assert_int_equal(sample.refaults, 5);
    assert_int_equal(sample.allocation_stalls, 3);
}

static void a_counter_that_is_no_number_is_refused(void **state)
{
    static const char text[] = "pgmajfault x\n";
    struct guest_sample sample = {.major_faults = 4711};

    (void)state;
    assert_int_equal(procfs_parse_vmstat(text, strlen(text), 4, &sample),
                     -EINVAL);
    assert_int_equal(sample.major_faults, 4711);
}

static void half_a_pressure_file_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "some avg10=0.00 total=1\n",
        "some total=1\nfull total=\n",
        "some avg10=0.00\nfull avg10=0.00\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct guest_sample sample = {0};

        assert_int_equal(
            procfs_parse_pressure(texts[i], strlen(texts[i]), &sample),
            -EINVAL);
        assert_false(sample.has_pressure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meminfo_of_linux_6_1_is_understood),
        cmocka_unit_test(vmstat_of_linux_6_1_is_understood),
        cmocka_unit_test(swap_in_memory_is_told_from_swap_on_disk),
        cmocka_unit_test(pressure_of_linux_6_1_is_understood),
        cmocka_unit_test(meminfo_is_taken_or_refused_for_a_reason),
        cmocka_unit_test(counters_that_belong_together_are_summed),
        cmocka_unit_test(older_kernels_have_one_counter_for_refaults),
        cmocka_unit_test(a_counter_that_is_no_number_is_refused),
        cmocka_unit_test(half_a_pressure_file_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
