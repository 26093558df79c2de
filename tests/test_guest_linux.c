/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real adapter on a directory with files of the kernel's names. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "frontend/guest_linux.h"
#include "tests/kernelfiles.h"

#define BALLOON "sys/devices/system/xen_memory/xen_memory0"

#define MEMINFO "MemTotal: 1000 kB\nMemAvailable: 600 kB\nMemFree: 500 kB\n"
#define VMSTAT "pswpin 1\noom_kill 2\n"
#define PRESSURE "some total=10\nfull total=5\n"

static const char *const folders[] = {
    "proc",        "proc/pressure",      "sys",
    "sys/devices", "sys/devices/system", "sys/devices/system/xen_memory",
    BALLOON,       BALLOON "/info",
};

static const char *const files[] = {
    "proc/meminfo",
    "proc/vmstat",
    "proc/pressure/memory",
    "proc/xen",
    BALLOON "/info/current_kb",
    BALLOON "/target_kb",
    BALLOON "/retry_count",
};

static int make_root(void **state)
{
    (void)state;
    if (kernelfiles_make(folders, COUNT_OF(folders)) < 0) {
        return -1;
    }
    put("proc/meminfo", MEMINFO);
    put("proc/vmstat", VMSTAT);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    return kernelfiles_remove(folders, COUNT_OF(folders), files,
                              COUNT_OF(files));
}

static void put_balloon(const char *current, const char *target)
{
    put(BALLOON "/info/current_kb", current);
    put(BALLOON "/target_kb", target);
    put(BALLOON "/retry_count", "3\n");
}

static void everything_that_the_kernel_offers_is_in_the_sample(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;

    (void)state;
    put("proc/pressure/memory", PRESSURE);
    put_balloon("1200\n", "1300\n");
    assert_int_equal(guest_linux_open(root, &guest), 0);

    assert_int_equal(guest_sample(&guest, &sample), 0);

    assert_int_equal(sample.total_kib, 1000);
    assert_int_equal(sample.available_kib, 600);
    assert_int_equal(sample.oom_kills, 2);
    assert_true(sample.has_pressure);
    assert_int_equal(sample.pressure_some_us, 10);
    assert_true(sample.has_balloon);
    assert_int_equal(sample.balloon_current_kib, 1200);
    assert_int_equal(sample.balloon_target_kib, 1300);
    assert_int_equal(sample.balloon_retries, 3);
    guest_linux_close(&guest);
    guest_linux_close(&guest);
}

static void what_the_kernel_does_not_offer_is_absent(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;
    uint32_t reference;
    void *page = NULL;

    (void)state;
    assert_int_equal(guest_linux_open(root, &guest), 0);

    assert_int_equal(guest_sample(&guest, &sample), 0);
    assert_false(sample.has_pressure);
    assert_false(sample.has_balloon);
    assert_int_equal(guest_set_balloon_target(&guest, 1), -ENODEV);
    assert_int_equal(guest_share_page(&guest, &page, &reference), -EOPNOTSUPP);
    assert_null(page);
    assert_true(guest_linux_pressure_fd(root, SAMPLE_HINT_US) < 0);
    guest_linux_close(&guest);
}

static void a_sample_is_fresh_each_time(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;

    (void)state;
    assert_int_equal(guest_linux_open(root, &guest), 0);
    assert_int_equal(guest_sample(&guest, &sample), 0);

    put("proc/meminfo", "MemTotal: 2000 kB\nMemAvailable: 1 kB\n");

    assert_int_equal(guest_sample(&guest, &sample), 0);
    assert_int_equal(sample.total_kib, 2000);
    guest_linux_close(&guest);
}

static void a_file_of_many_pages_is_read_whole(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;
    char text[12000] = "";
    size_t len = 0;

    (void)state;
    while (len < sizeof(text) - 40) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "nr_x 1\n");
    }
    (void)snprintf(text + len, sizeof(text) - len, "oom_kill 77\n");
    put("proc/vmstat", text);
    assert_int_equal(guest_linux_open(root, &guest), 0);

    assert_int_equal(guest_sample(&guest, &sample), 0);

    assert_int_equal(sample.oom_kills, 77);
    guest_linux_close(&guest);
}

static void a_file_that_makes_no_sense_fails_the_sample_alone(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;

    (void)state;
    assert_int_equal(guest_linux_open(root, &guest), 0);

    put("proc/meminfo", "nonsense\n");
    assert_int_equal(guest_sample(&guest, &sample), -EINVAL);

    put("proc/meminfo", MEMINFO);
    assert_int_equal(guest_sample(&guest, &sample), 0);
    guest_linux_close(&guest);
}

static void without_the_memory_files_there_is_no_guest(void **state)
{
    struct guest guest = {0};

    (void)state;
    assert_int_equal(unlink(path_of("proc/meminfo")), 0);
    assert_int_equal(guest_linux_open(root, &guest), -ENOENT);
    assert_int_equal(guest_linux_open("no-such-folder", &guest), -ENOENT);
}

static void a_target_is_written_in_kib(void **state)
{
    struct guest guest = {0};
    struct guest_sample sample;

    (void)state;
    put_balloon("1200\n", "1048576\n");
    assert_int_equal(guest_linux_open(root, &guest), 0);

    assert_int_equal(guest_set_balloon_target(&guest, 65536), 0);

    assert_int_equal(guest_sample(&guest, &sample), 0);
    assert_int_equal(sample.balloon_target_kib, 65536);
    guest_linux_close(&guest);
}

static void xen_is_known_by_its_directory(void **state)
{
    (void)state;
    assert_false(guest_linux_is_on_xen(root));
    put("proc/xen", "");
    assert_true(guest_linux_is_on_xen(root));
    assert_false(guest_linux_is_on_xen("no-such-folder"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_that_the_kernel_offers_is_in_the_sample),
        TEST(what_the_kernel_does_not_offer_is_absent),
        TEST(a_sample_is_fresh_each_time),
        TEST(a_file_of_many_pages_is_read_whole),
        TEST(a_file_that_makes_no_sense_fails_the_sample_alone),
        TEST(without_the_memory_files_there_is_no_guest),
        TEST(a_target_is_written_in_kib),
        TEST(xen_is_known_by_its_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
