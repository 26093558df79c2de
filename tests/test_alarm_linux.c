/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which alarms are found, on a directory with files of the kernel's names, and
 * how they ring: the events are real ones, of this process itself, where the
 * kernel allows them.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frontend/alarm_linux.h"
#include "tests/kernelfiles.h"

/* Waiting is what rings: the kernel counts the switch to somebody else. */
#define WAIT_MS 5000

#define TRACEFS "sys/kernel/tracing"
#define DEBUGFS "sys/kernel/debug/tracing"
#define POINT "/events/vmscan/mm_vmscan_direct_reclaim_begin"

/* Its id in the files, and not that of any in a kernel. */
#define POINT_ID 2147483646

static const char *const folders[] = {
    "proc",
    SELF_PID,
    "proc/pressure",
    "proc/bus",
    "sys",
    "sys/kernel",
    TRACEFS,
    TRACEFS "/events",
    TRACEFS "/events/vmscan",
    TRACEFS POINT,
    "sys/kernel/debug",
    DEBUGFS,
    DEBUGFS "/events",
    DEBUGFS "/events/vmscan",
    DEBUGFS POINT,
};

static const char *const files[] = {
    SELF_PID "/stat",    "proc/pressure/memory", "proc/version",
    TRACEFS POINT "/id", DEBUGFS POINT "/id",
};

static struct loop loop;
static struct alarm_linux alarms;

/* --- The kernel, as it would answer elsewhere ---------------------------- */

static int refusal;                  /* errno of each event; 0: none */
static int cpus;                     /* how many there are, and */
static int offline_cpu;              /* one that is not online; -1: all are */
static struct perf_event_attr asked; /* the last that was asked for */

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

/* As asked for, but of this process's switches to others. */
static int open_own_event(struct perf_event_attr attr)
{
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
    return (int)__real_syscall(SYS_perf_event_open, &attr, 0, -1, -1,
                               PERF_FLAG_FD_CLOEXEC);
}

/* An event of a CPU becomes one of ours, which anybody may have. */
long __wrap_syscall(long number, ...)
{
    const struct perf_event_attr *attr;
    va_list args;
    int pid, cpu;

    assert_int_equal(number, SYS_perf_event_open);
    va_start(args, number);
    attr = va_arg(args, const struct perf_event_attr *);
    pid = va_arg(args, int);
    cpu = va_arg(args, int);
    va_end(args);
    asked = *attr;
    if (refusal != 0) {
        errno = refusal;
        return -1;
    }
    if (pid == -1 && (cpu >= cpus || cpu == offline_cpu)) {
        errno = ENODEV;
        return -1;
    }
    assert_true(pid == -1 || (pid == getpid() && cpu == -1));
    return open_own_event(asked);
}

static bool kernel_allows_events(void)
{
    struct perf_event_attr attr = {.size = sizeof(attr), .disabled = 1};
    int fd = open_own_event(attr);

    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

/* --- The directory ------------------------------------------------------- */

static int make_root(void **state)
{
    (void)state;
    if (kernelfiles_make(folders, COUNT_OF(folders)) < 0) {
        return -1;
    }
    put("proc/version", "Linux\n");
    refusal = 0;
    cpus = 2;
    offline_cpu = -1;
    return loop_init(&loop);
}

static int remove_root(void **state)
{
    (void)state;
    alarm_linux_close(&alarms);
    loop_done(&loop);
    return kernelfiles_remove(folders, COUNT_OF(folders), files,
                              COUNT_OF(files));
}

static void put_id(const char *name)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d\n", POINT_ID);
    put(name, text);
}

static void put_kswapd(void)
{
    put(SELF_PID "/stat", "45 (kswapd0) S 2 0 0 0 -1 2230336 0 0\n");
}

static void assert_names(const char *expected)
{
    char text[ALARM_LINUX_NAMES_MAX];

    assert_string_equal(alarm_linux_names(&alarms, text, sizeof(text)),
                        expected);
}

/* --- What is found ------------------------------------------------------- */

static void a_kernel_without_alarms_has_none(void **state)
{
    (void)state;
    alarm_linux_open(&alarms, root, &loop);

    assert_names("none");
    assert_int_equal(alarm_linux_woken_by(&alarms), ALARM_NONE);
    assert_int_equal(alarm_linux_settle(&alarms, true, 1), UINT64_MAX);

    alarm_linux_close(&alarms);
    alarm_linux_close(&alarms);
    alarm_linux_open(&alarms, "no-such-folder", &loop);
    assert_names("none");
}

static void a_kernel_may_have_pressure_alone(void **state)
{
    char text[64] = "";
    FILE *file;

    (void)state;
    put("proc/pressure/memory", "");
    alarm_linux_open(&alarms, root, &loop);

    assert_names("pressure");
    assert_true(alarm_linux_has(&alarms, ALARM_PRESSURE));
    assert_false(alarm_linux_has(&alarms, ALARM_RECLAIM));
    file = fopen(path_of("proc/pressure/memory"), "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "some 1000 500000");
}

static void an_id_that_makes_no_sense_is_none(void **state)
{
    static const char *const texts[] = {"",     "\n",           "abc\n",
                                        "-1\n", "4294967296\n", "12 13\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put(TRACEFS POINT "/id", texts[i]);
        asked.type = PERF_TYPE_MAX;
        alarm_linux_open(&alarms, root, &loop);

        assert_names("none");
        assert_int_equal(asked.type, PERF_TYPE_MAX); /* nothing was */
        alarm_linux_close(&alarms);
    }
}

static void what_only_calls_itself_kswapd_is_not_it(void **state)
{
    static const char *const texts[] = {
        "",
        "45",
        "45 (kswapd0",
        "45 (kswapd0)",
        "45 (kswapd0) S",
        "45 (kswapd0) S 1 0 0",
        "45 (kswapd0) S 22 0 0",
        "45 (kswapd0) S 2",
        "45 (kswapd0) S 2 0) S 1 0 0",
        "45 (kswapd) S 2 0 0",
        "45 (kswapdx) S 2 0 0",
        "45 (kswapd0 ) S 2 0 0",
        "45 (my kswapd0) S 2 0 0",
        "45 )kswapd0( S 2 0 0",
        "45 (kcompactd0) S 2 0 0",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put(SELF_PID "/stat", texts[i]);
        asked.type = PERF_TYPE_MAX;
        alarm_linux_open(&alarms, root, &loop);

        assert_names("none");
        if (asked.type != PERF_TYPE_MAX) {
            fail_msg("taken for kswapd: \"%s\"", texts[i]);
        }
        alarm_linux_close(&alarms);
    }
}

static void events_are_asked_for_as_the_kernel_wants_them(void **state)
{
    (void)state;
    refusal = EACCES;
    put_id(TRACEFS POINT "/id");
    alarm_linux_open(&alarms, root, &loop);
    assert_int_equal(asked.type, PERF_TYPE_TRACEPOINT);
    assert_int_equal(asked.config, POINT_ID);
    assert_true(asked.disabled && asked.sample_period == 1);
    alarm_linux_close(&alarms);

    put_kswapd();
    alarm_linux_open(&alarms, root, &loop);
    assert_int_equal(asked.type, PERF_TYPE_SOFTWARE);
    assert_int_equal(asked.config, PERF_COUNT_SW_CONTEXT_SWITCHES);
    assert_true(asked.disabled && asked.sample_period == 1);
}

static void what_is_refused_is_left_out(void **state)
{
    static const int refusals[] = {EACCES, EPERM, ENOSYS, EMFILE, EINVAL};

    (void)state;
    put_id(TRACEFS POINT "/id");
    put_kswapd();
    put("proc/pressure/memory", "");
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        refusal = refusals[i];
        alarm_linux_open(&alarms, root, &loop);

        assert_names("pressure");
        assert_int_equal(alarms.count, 1);
        alarm_linux_close(&alarms);
    }
}

/* --- How they ring ------------------------------------------------------- */

static void all_that_there_is_is_named(void **state)
{
    (void)state;
    if (!kernel_allows_events()) {
        print_message("# no events for us here\n");
        return;
    }
    cpus = 4;
    offline_cpu = 1;
    put_id(DEBUGFS POINT "/id");
    put_kswapd();
    put("proc/pressure/memory", "");
    alarm_linux_open(&alarms, root, &loop);

    assert_names("direct-reclaim kswapd pressure");
    assert_int_equal(alarms.count, 3 + 1 + 1);
}

static void cpus_beyond_the_last_go_unheard(void **state)
{
    (void)state;
    if (!kernel_allows_events()) {
        print_message("# no events for us here\n");
        return;
    }
    cpus = 1000;
    put_id(TRACEFS POINT "/id");
    alarm_linux_open(&alarms, root, &loop);

    assert_int_equal(alarms.count, ALARM_LINUX_CPUS_MAX);
    assert_false(alarms.has_lost);
}

static void an_alarm_rings_once_and_again_after_its_rest(void **state)
{
    uint64_t now_ms = 1000;

    (void)state;
    if (!kernel_allows_events()) {
        print_message("# no events for us here\n");
        return;
    }
    put_kswapd();
    alarm_linux_open(&alarms, root, &loop);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(loop_wait(&loop, WAIT_MS), 0);
        assert_int_equal(alarm_linux_woken_by(&alarms), ALARM_KSWAPD);

        assert_int_equal(alarm_linux_settle(&alarms, false, now_ms),
                         now_ms + ALARM_REST_FIRST_MS);
        assert_int_equal(loop_wait(&loop, 1), 0);
        assert_int_equal(alarm_linux_woken_by(&alarms), ALARM_NONE);
        assert_int_equal(alarm_linux_settle(&alarms, false, now_ms + 1),
                         now_ms + ALARM_REST_FIRST_MS);

        now_ms += ALARM_REST_FIRST_MS;
        assert_int_equal(alarm_linux_settle(&alarms, false, now_ms),
                         UINT64_MAX);
    }
}

static void a_crowd_of_cpus_rings_as_one(void **state)
{
    (void)state;
    if (!kernel_allows_events()) {
        print_message("# no events for us here\n");
        return;
    }
    cpus = 8;
    put_id(TRACEFS POINT "/id");
    put_kswapd();
    alarm_linux_open(&alarms, root, &loop);
    /* They need not ring in the same moment. */
    for (int i = 0;
         i < 100 && !(alarms.rang[ALARM_RECLAIM] && alarms.rang[ALARM_KSWAPD]);
         i++) {
        assert_int_equal(loop_wait(&loop, WAIT_MS), 0);
    }
    assert_int_equal(alarm_linux_woken_by(&alarms), ALARM_RECLAIM);

    assert_int_equal(alarm_linux_settle(&alarms, true, 1000),
                     1000 + ALARM_REST_FIRST_MS);

    assert_int_equal(loop_wait(&loop, 1), 0);
    assert_int_equal(alarm_linux_woken_by(&alarms), ALARM_NONE);
    assert_int_equal(loop.count, 1); /* the signals */
    assert_int_equal(alarm_linux_settle(&alarms, true, 2000), UINT64_MAX);
    assert_int_equal(loop.count, 1 + 8 + 1);
}

static void one_that_breaks_is_given_up(void **state)
{
    (void)state;
    if (!kernel_allows_events()) {
        print_message("# no events for us here\n");
        return;
    }
    put_kswapd();
    alarm_linux_open(&alarms, root, &loop);
    assert_int_equal(close(alarms.sources[0].fd), 0);

    assert_int_equal(loop_wait(&loop, 0), 0);

    assert_true(alarms.has_lost);
    assert_names("none");
    assert_int_equal(loop.count, 1);
    assert_true(alarm_linux_settle(&alarms, true, 1000) > 1000);
    assert_int_equal(alarm_linux_settle(&alarms, true, 2000), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_kernel_without_alarms_has_none,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_kernel_may_have_pressure_alone,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(an_id_that_makes_no_sense_is_none,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(what_only_calls_itself_kswapd_is_not_it,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(
            events_are_asked_for_as_the_kernel_wants_them, make_root,
            remove_root),
        cmocka_unit_test_setup_teardown(what_is_refused_is_left_out, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(all_that_there_is_is_named, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(cpus_beyond_the_last_go_unheard,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(
            an_alarm_rings_once_and_again_after_its_rest, make_root,
            remove_root),
        cmocka_unit_test_setup_teardown(a_crowd_of_cpus_rings_as_one, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(one_that_breaks_is_given_up, make_root,
                                        remove_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
