/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks, as programs that are really run, the two examples among them, and
 * reclaim, in a tree of files that looks like control groups.  Waits for the
 * ends of processes, never for time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "frontend/child.h"
#include "frontend/hooks.h"
#include "frontend/reclaim.h"

#define NOW_MS 1000

struct place {
    char root[64];
    char out[128]; /* what hooks write to */
    struct child child;
    struct hooks hooks;
};

static void path_in(const struct place *place, const char *name,
                    char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%s", place->root, name);
}

static void make_dirs(const struct place *place, const char *name)
{
    char path[PATH_MAX];

    path_in(place, name, path);
    for (char *at = path + strlen(place->root) + 1;
         (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(path, 0755);
        *at = '/';
    }
    (void)mkdir(path, 0755);
}

static void write_file(const struct place *place, const char *name,
                       const char *text, mode_t mode)
{
    char path[PATH_MAX];
    int fd;

    path_in(place, name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static const char *read_text(const char *path)
{
    static char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    text[len < 0 ? 0 : len] = '\0';
    return text;
}

static int begin(void **state)
{
    static struct place place;

    memset(&place, 0, sizeof(place));
    (void)snprintf(place.root, sizeof(place.root), "/tmp/hooks-XXXXXX");
    assert_non_null(mkdtemp(place.root));
    (void)snprintf(place.out, sizeof(place.out), "%s/out", place.root);
    make_dirs(&place, HOOKS_DIR);
    assert_int_equal(
        hooks_init(&place.hooks, place.root, geteuid(), &place.child), 0);
    *state = &place;
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static int end(void **state)
{
    struct place *place = *state;

    hooks_stop(&place->hooks);
    return nftw(place->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void add_hook(const struct place *place, const char *name,
                     const char *script, mode_t mode)
{
    char path[PATH_MAX], text[1024];

    (void)snprintf(path, sizeof(path), HOOKS_DIR "/%s", name);
    (void)snprintf(text, sizeof(text), "#!/bin/sh\nexec >>%s\n%s\n", place->out,
                   script);
    write_file(place, path, text, mode);
}

static void wait_for_an_end(void)
{
    siginfo_t info;

    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

/* Returns the status of the last. */
static int run_for(struct place *place, uint64_t wait_ms)
{
    int status = -1;

    hooks_start(&place->hooks, 300, 700, NOW_MS + wait_ms, NOW_MS);
    while (place->hooks.is_at_work) {
        wait_for_an_end();
        if (!child_runs(&place->child, &status)) {
            (void)hooks_go_on(&place->hooks, status, NOW_MS + 100);
        }
    }
    return status;
}

static void run_all(struct place *place)
{
    (void)run_for(place, 1500);
}

static void they_run_by_name_one_after_the_other(void **state)
{
    struct place *place = *state;

    add_hook(place, "b", "echo b $XENBALLOON_DEADLINE_MS", 0755);
    add_hook(place, "a-1_X",
             "echo a $XENBALLOON_EVENT $XENBALLOON_SHRINK_KIB "
             "$XENBALLOON_TARGET_KIB $XENBALLOON_DEADLINE_MS; exit 3",
             0700);
    add_hook(place, "c.sh", "echo c", 0755); /* no such name */
    add_hook(place, "d~", "echo d", 0755);
    add_hook(place, "e", "echo e", 0644); /* not executable */
    add_hook(place, "f", "echo f", 0775); /* others can write */
    add_hook(place, "g", "echo g", 0757);
    make_dirs(place, HOOKS_DIR "/h");
    assert_true(hooks_are_there(&place->hooks));

    run_all(place);

    assert_string_equal(read_text(place->out),
                        "a shrink 300 700 1500\nb 1400\n");
}

static void surroundings_are_clean(void **state)
{
    struct place *place = *state;
    char expected[64];

    assert_int_equal(setenv("SECRET", "1", 1), 0);
    add_hook(place, "a",
             "echo \"${SECRET-none}\" \"$PATH\"; cat; ps -o pgid= -p $$ | "
             "tr -d ' ' | sed \"s/^$$\\$/own group/\"",
             0755);
    run_all(place);

    (void)snprintf(expected, sizeof(expected), "none /usr/local/sbin:");
    assert_memory_equal(read_text(place->out), expected, strlen(expected));
    assert_non_null(strstr(read_text(place->out), "own group"));
}

/* Its parent goes before everybody else: policy is the 41st of proc(5)'s. */
static void it_runs_as_any_other_program(void **state)
{
    const struct sched_param none = {.sched_priority = 0};
    struct place *place = *state;

    assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    add_hook(place, "policy", "cut -d ' ' -f 41 /proc/self/stat", 0755);
    run_all(place);
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);

    assert_string_equal(read_text(place->out), "0\n");
}

static void none_is_there_unless_it_is_safe(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX];

    assert_false(hooks_are_there(&place->hooks));
    add_hook(place, "f", "echo f", 0775);
    assert_false(hooks_are_there(&place->hooks));
    add_hook(place, "a", "echo a", 0755);
    assert_true(hooks_are_there(&place->hooks));

    place->hooks.owner++; /* somebody else's */
    assert_false(hooks_are_there(&place->hooks));
    place->hooks.owner--;
    path_in(place, HOOKS_DIR, path);
    assert_int_equal(chmod(path, 0777), 0);
    assert_false(hooks_are_there(&place->hooks));
    run_all(place);
    assert_string_equal(read_text(place->out), "");
}

static void one_that_cannot_start_is_passed_over(void **state)
{
    struct place *place = *state;

    write_file(place, HOOKS_DIR "/a", "#!/nowhere/to/be/found\n", 0755);
    add_hook(place, "b", "echo b", 0755);
    run_all(place);
    assert_string_equal(read_text(place->out), "b\n");
}

/* The whole group: a hook's own children end with it. */
static void stop_kills_all_of_it(void **state)
{
    struct place *place = *state;
    int ends[2], status;
    char script[128], byte;

    assert_int_equal(pipe(ends), 0);
    (void)snprintf(script, sizeof(script),
                   "(echo begun >&%d; sleep 1000; true) & sleep 1000; true",
                   ends[1]);
    add_hook(place, "a", script, 0755);
    add_hook(place, "b", "echo b", 0755);

    hooks_start(&place->hooks, 300, 700, NOW_MS + 1500, NOW_MS);
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_true(child_runs(&place->child, &status));
    hooks_stop(&place->hooks);
    /* Ends when nobody has it open any more: neither of the two. */
    while (read(ends[0], &byte, 1) > 0) {
    }
    (void)close(ends[0]);

    wait_for_an_end();
    assert_false(child_runs(&place->child, &status));
    assert_int_equal(place->child.killed, 0);
    assert_false(hooks_go_on(&place->hooks, status, NOW_MS));
    assert_string_equal(read_text(place->out), "");
}

/* ---- The examples -------------------------------------------------------- */

/* What an example calls instead of the program of that name; $out is ours. */
static void add_tool(const struct place *place, const char *name,
                     const char *script)
{
    char path[PATH_MAX], text[1024];

    (void)snprintf(path, sizeof(path), "bin/%s", name);
    (void)snprintf(text, sizeof(text), "#!/bin/sh\nout=%s\n%s\n", place->out,
                   script);
    write_file(place, path, text, 0755);
}

/* With its /proc and /run, and programs, in our root. */
static void add_example(const struct place *place, const char *name)
{
    const char *examples = getenv("HOOK_EXAMPLES");
    char script[512];

    make_dirs(place, "bin");
    (void)snprintf(script, sizeof(script),
                   "PATH=%s/bin:$PATH\n"
                   "sed 's,/\\(proc\\|run\\)/,%s&,g' %s/%s >%s/example\n"
                   "exec sh %s/example",
                   place->root, place->root,
                   examples != NULL ? examples : "frontend/hooks", name,
                   place->root, place->root);
    add_hook(place, name, script, 0755);
}

/* Two Java machines; the second is a service with a /tmp of its own. */
static void add_jvm(const struct place *place)
{
    add_example(place, "jvm");
    add_tool(place, "jcmd", "echo jcmd >>$out");
    add_tool(place, "pgrep", "echo 11 22");
    add_tool(place, "stat", "case $2 in %u) echo 101 ;; %g) echo 102 ;; esac");
    add_tool(place, "ps", "echo app$4.service");
    add_tool(place, "systemctl",
             "case $4 in app22.service) echo yes ;; *) echo no ;; esac");
    add_tool(place, "systemd-run", "echo systemd-run \"$*\" >>$out");
    add_tool(place, "setpriv", "echo setpriv \"$*\" >>$out");
}

static void jvm_collects_outside_the_units_sandbox(void **state)
{
    struct place *place = *state;
    const char *text;

    add_jvm(place);
    make_dirs(place, "run/systemd/system");
    assert_int_equal(run_for(place, 20000), 0);

    text = read_text(place->out);
    assert_non_null(
        strstr(text, "systemd-run --quiet --collect --uid=101 --gid=102 "
                     "--property=Type=oneshot --property=TimeoutStartSec=19 "
                     "--property=StandardOutput=null jcmd 11 GC.run\n"));
    assert_non_null(
        strstr(text, "systemd-run --quiet --collect --uid=101 --gid=102 "
                     "--property=Type=oneshot --property=TimeoutStartSec=19 "
                     "--property=PrivateTmp=yes "
                     "--property=JoinsNamespaceOf=app22.service "
                     "--property=StandardOutput=null jcmd 22 GC.run\n"));
    assert_null(strstr(text, "setpriv"));
}

static void jvm_collects_itself_where_there_is_no_systemd(void **state)
{
    struct place *place = *state;
    const char *text;

    add_jvm(place);
    assert_int_equal(run_for(place, 20000), 0);

    text = read_text(place->out);
    assert_non_null(strstr(text, "setpriv --reuid 101 --regid 102 "
                                 "--clear-groups jcmd 11 GC.run\n"));
    assert_non_null(strstr(text, "setpriv --reuid 101 --regid 102 "
                                 "--clear-groups jcmd 22 GC.run\n"));
    assert_null(strstr(text, "systemd-run"));
}

static void jvm_says_that_one_did_not_collect(void **state)
{
    struct place *place = *state;
    int status;

    add_jvm(place);
    add_tool(place, "setpriv", "[ $7 != 11 ]");
    status = run_for(place, 20000);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void jvm_begins_nothing_that_it_cannot_end(void **state)
{
    struct place *place = *state;

    add_jvm(place);
    assert_int_equal(run_for(place, 1999), 0);
    assert_string_equal(read_text(place->out), "");
}

/* 300 KiB are asked for. */
static void add_drop_cache(const struct place *place, unsigned int cache_kib)
{
    char text[128];

    add_example(place, "drop-cache");
    add_tool(place, "systemd-run", "echo systemd-run \"$*\" >>$out");
    make_dirs(place, "proc/sys/vm");
    write_file(place, "proc/sys/vm/drop_caches", "", 0600);
    (void)snprintf(text, sizeof(text),
                   "MemTotal: 9000 kB\nMemFree: 1000 kB\n"
                   "MemAvailable: %u kB\n",
                   1000 + cache_kib);
    write_file(place, "proc/meminfo", text, 0600);
}

static const char *dropped(const struct place *place)
{
    char path[PATH_MAX];

    path_in(place, "proc/sys/vm/drop_caches", path);
    return read_text(path);
}

static void cache_is_dropped_when_it_is_more_than_asked_for(void **state)
{
    struct place *place = *state;

    add_drop_cache(place, 300);
    assert_int_equal(run_for(place, 20000), 0);
    assert_string_equal(dropped(place), "");

    add_drop_cache(place, 301);
    assert_int_equal(run_for(place, 20000), 0);
    assert_string_equal(dropped(place), "1\n");
    assert_string_equal(read_text(place->out), "");
}

static void cache_is_dropped_outside_the_units_sandbox(void **state)
{
    struct place *place = *state;
    char expected[256];

    make_dirs(place, "run/systemd/system");
    add_drop_cache(place, 300);
    assert_int_equal(run_for(place, 20000), 0);
    assert_string_equal(read_text(place->out), "");

    add_drop_cache(place, 301);
    assert_int_equal(run_for(place, 20000), 0);
    assert_string_equal(dropped(place), "");
    (void)snprintf(expected, sizeof(expected),
                   "systemd-run --quiet --collect --property=Type=oneshot "
                   "sh -c echo 1 >%s/proc/sys/vm/drop_caches\n",
                   place->root);
    assert_string_equal(read_text(place->out), expected);
}

/* ---- Reclaim ------------------------------------------------------------- */

static void add_group(const struct place *place, const char *name,
                      const char *holds, bool can_reclaim)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s", name);
    make_dirs(place, path);
    (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s/memory.current", name);
    write_file(place, path, holds, 0600);
    if (can_reclaim) {
        (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s/memory.reclaim",
                       name);
        write_file(place, path, "", 0600);
    }
}

static const char *asked_of(const struct place *place, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/%s/memory.reclaim",
                   place->root, name);
    return read_text(path);
}

static void groups_are_asked_by_what_they_hold(void **state)
{
    struct place *place = *state;

    assert_false(reclaim_is_there(place->root));
    assert_int_equal(reclaim_now(place->root, 1000), -ENOENT);
    add_group(place, "old", "4096000\n", false);
    assert_false(reclaim_is_there(place->root));
    assert_int_equal(reclaim_now(place->root, 1000), -ENOENT);

    add_group(place, "system.slice", "3072000\n", true); /* 3000 KiB */
    add_group(place, "user.slice", "1024000\n", true);
    add_group(place, "empty.slice", "0\n", true);
    add_group(place, "garbage.slice", "max\n", true);
    assert_true(reclaim_is_there(place->root));
    assert_int_equal(reclaim_now(place->root, 1000), 0);

    assert_string_equal(asked_of(place, "system.slice"), "750K");
    assert_string_equal(asked_of(place, "user.slice"), "250K");
    assert_string_equal(asked_of(place, "empty.slice"), "");
    assert_string_equal(asked_of(place, "garbage.slice"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_run_by_name_one_after_the_other,
                                        begin, end),
        cmocka_unit_test_setup_teardown(surroundings_are_clean, begin, end),
        cmocka_unit_test_setup_teardown(it_runs_as_any_other_program, begin,
                                        end),
        cmocka_unit_test_setup_teardown(none_is_there_unless_it_is_safe, begin,
                                        end),
        cmocka_unit_test_setup_teardown(one_that_cannot_start_is_passed_over,
                                        begin, end),
        cmocka_unit_test_setup_teardown(stop_kills_all_of_it, begin, end),
        cmocka_unit_test_setup_teardown(jvm_collects_outside_the_units_sandbox,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            jvm_collects_itself_where_there_is_no_systemd, begin, end),
        cmocka_unit_test_setup_teardown(jvm_says_that_one_did_not_collect,
                                        begin, end),
        cmocka_unit_test_setup_teardown(jvm_begins_nothing_that_it_cannot_end,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            cache_is_dropped_when_it_is_more_than_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(
            cache_is_dropped_outside_the_units_sandbox, begin, end),
        cmocka_unit_test_setup_teardown(groups_are_asked_by_what_they_hold,
                                        begin, end),
    };

    log_to_stderr("test_hooks", LOG_LEVEL_ERROR, false);
    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
