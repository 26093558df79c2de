/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is being saved or migrated; libxl's folder and /proc are folders of the
 * test's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/savers.h"

/* With the NUL that stands behind the last argument. */
#define COMMAND(text) text, sizeof(text)

static void whom_it_saves_stands_in_its_arguments(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool is_saver;
        uint32_t domid;
    } commands[] = {
        {COMMAND("/usr/lib/xen-4.17/bin/libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "-1\0"
                 "12\0"
                 "1\0"
                 "136\0"
                 "0"),
         true, 12},
        {COMMAND("libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13\0"
                 "7"),
         true, 7},
        {COMMAND("libxl-save-helper\0--restore-domain\0"
                 "13\0"
                 "22\0"
                 "12\0"
                 "1"),
         false, 0},
        {COMMAND("vi\0libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13\0"
                 "12"),
         false, 0},
        {COMMAND("libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13"),
         false, 0},
        {COMMAND("libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13\0"
                 "12x\0"
                 "3"),
         false, 0},
        {COMMAND("libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13\0"
                 "-1\0"
                 "3"),
         false, 0},
        {COMMAND("libxl-save-helper\0--save-domain\0"
                 "17\0"
                 "13\0"
                 "32752\0" /* DOMID_FIRST_RESERVED */
                 "3"),
         false, 0},
        {COMMAND("libxl-save-helper"), false, 0},
        {"", 0, false, 0}, /* of a process that has just ended */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        uint32_t domid = 0;

        assert_int_equal(
            savers_parse(commands[i].text, commands[i].len, &domid),
            commands[i].is_saver);
        assert_int_equal(domid, commands[i].domid);
    }
}

/* ---- Folders -------------------------------------------------------------- */

struct folders {
    char top[32];
    char libexec[64];
    char proc[64];
    char path[128];
};

static const char *path_of(struct folders *folders, const char *folder,
                           const char *name)
{
    (void)snprintf(folders->path, sizeof(folders->path), "%s/%s", folder, name);
    return folders->path;
}

static int make_folders(void **state)
{
    struct folders *folders = calloc(1, sizeof(*folders));

    assert_non_null(folders);
    (void)snprintf(folders->top, sizeof(folders->top), "savers-XXXXXX");
    assert_non_null(mkdtemp(folders->top));
    (void)snprintf(folders->libexec, sizeof(folders->libexec), "%s/xen-4.17",
                   folders->top);
    (void)snprintf(folders->proc, sizeof(folders->proc), "%s/proc",
                   folders->top);
    assert_int_equal(mkdir(folders->libexec, 0700), 0);
    assert_int_equal(mkdir(folders->proc, 0700), 0);
    *state = folders;
    return 0;
}

static void end_helper(struct folders *folders)
{
    (void)unlink(path_of(folders, folders->proc, "42/cmdline"));
    (void)rmdir(path_of(folders, folders->proc, "42"));
}

static int remove_folders(void **state)
{
    struct folders *folders = *state;

    end_helper(folders);
    (void)unlink(path_of(folders, folders->libexec, "libxl-save-helper"));
    (void)unlink(path_of(folders, folders->libexec, "xl"));
    (void)rmdir(folders->libexec);
    (void)rmdir(folders->proc);
    (void)rmdir(folders->top);
    free(folders);
    return 0;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void begin_helper(struct folders *folders, const char *command,
                         size_t len)
{
    assert_int_equal(mkdir(path_of(folders, folders->proc, "42"), 0700), 0);
    write_file(path_of(folders, folders->proc, "42/cmdline"), command, len);
}

/* As the kernel does when it is run, and when it has ended. */
static void open_file(struct folders *folders, const char *name)
{
    FILE *file = fopen(path_of(folders, folders->libexec, name), "r");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static int open_savers(struct folders *folders, struct savers **savers)
{
    char pattern[64];
    const char *patterns[] = {"/nowhere/at/all", pattern, NULL};

    (void)snprintf(pattern, sizeof(pattern), "%s/xen-*", folders->top);
    return savers_open(patterns, folders->proc, savers);
}

static void what_begins_and_ends_is_heard(void **state)
{
    struct folders *folders = *state;
    struct savers *savers;
    uint64_t next_ms;

    write_file(path_of(folders, folders->libexec, "libxl-save-helper"), "", 0);
    write_file(path_of(folders, folders->libexec, "xl"), "", 0);
    assert_int_equal(open_savers(folders, &savers), 0);
    assert_int_equal(savers_look(savers, 5000), UINT64_MAX);

    open_file(folders, "xl");
    assert_int_equal(savers_take(savers, 6000), 0);
    assert_int_equal(savers_look(savers, 6000), UINT64_MAX);

    /* Its arguments are there a moment after its file was opened. */
    open_file(folders, "libxl-save-helper");
    assert_int_equal(savers_take(savers, 7000), 1);
    next_ms = savers_look(savers, 7000);
    assert_in_range(next_ms, 7001, 7100);
    assert_false(savers_save(savers, 3));
    begin_helper(folders, COMMAND("libxl-save-helper\0--save-domain\0"
                                  "17\0"
                                  "13\0"
                                  "3\0"
                                  "1"));
    (void)savers_look(savers, next_ms);
    assert_true(savers_save(savers, 3));
    assert_false(savers_save(savers, 13));

    /* It is looked after for as long as it takes. */
    next_ms = savers_look(savers, 60000);
    assert_in_range(next_ms, 60001, 61000);
    assert_true(savers_save(savers, 3));
    end_helper(folders);
    assert_int_equal(savers_look(savers, next_ms), UINT64_MAX);
    assert_false(savers_save(savers, 3));
    savers_close(savers);
}

static void who_was_at_it_before_is_found(void **state)
{
    struct folders *folders = *state;
    struct savers *savers;

    begin_helper(folders, COMMAND("libxl-save-helper\0--save-domain\0"
                                  "17\0"
                                  "13\0"
                                  "5\0"
                                  "1"));
    write_file(path_of(folders, folders->libexec, "libxl-save-helper"), "", 0);
    assert_int_equal(open_savers(folders, &savers), 0);
    assert_true(savers_save(savers, 5));
    savers_close(savers);
}

static void without_a_helper_there_is_nothing_to_hear(void **state)
{
    const char *const nowhere[] = {"/nowhere/at/all", NULL};
    struct folders *folders = *state;
    struct savers *savers = NULL;

    assert_int_equal(savers_open(nowhere, folders->proc, &savers), -ENOENT);
    assert_null(savers);
    assert_false(savers_save(savers, 1));
    savers_close(savers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whom_it_saves_stands_in_its_arguments),
        cmocka_unit_test_setup_teardown(what_begins_and_ends_is_heard,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(who_was_at_it_before_is_found,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(
            without_a_helper_there_is_nothing_to_hear, make_folders,
            remove_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
