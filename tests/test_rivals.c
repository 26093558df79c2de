/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else moves memory on this host; /proc is a folder of the test's own. */
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

#include "backend/rivals.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

struct files {
    char folder[64];
    char path[128];
};

static int make_folder(void **state)
{
    struct files *files = calloc(1, sizeof(*files));

    assert_non_null(files);
    (void)snprintf(files->folder, sizeof(files->folder), "rivals-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    *state = files;
    return 0;
}

static const char *path_of(struct files *files, const char *name)
{
    (void)snprintf(files->path, sizeof(files->path), "%s/%s", files->folder,
                   name);
    return files->path;
}

static void write_file(struct files *files, const char *name, const char *bytes,
                       size_t len)
{
    FILE *file = fopen(path_of(files, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Process 42; command holds len bytes. */
static void add_process(struct files *files, const char *comm,
                        const char *command, size_t len)
{
    assert_int_equal(mkdir(path_of(files, "42"), 0700), 0);
    if (comm) {
        write_file(files, "42/comm", comm, strlen(comm));
    }
    if (command) {
        write_file(files, "42/cmdline", command, len);
    }
}

static void remove_process(struct files *files)
{
    (void)unlink(path_of(files, "42/comm"));
    (void)unlink(path_of(files, "42/cmdline"));
    (void)rmdir(path_of(files, "42"));
}

static int remove_folder(void **state)
{
    struct files *files = *state;

    remove_process(files);
    (void)unlink(path_of(files, "xl.conf"));
    (void)rmdir(files->folder);
    free(files);
    return 0;
}

static void rivals_are_told_by_their_process(void **state)
{
    static const struct {
        const char *comm;
        const char *command;
        size_t len;
        const char *unit; /* NULL: no rival */
        const char *why;
    } cases[] = {
#define COMMAND(text) text, sizeof(text)
        {"squeezed\n", COMMAND("/opt/xensource/libexec/squeezed\0-daemon"),
         "squeezed", "squeezed"},
        {"qmemmand\n", COMMAND("/usr/bin/python3\0/usr/bin/qmemmand"),
         "qubes-qmemman", "qmemman by the kernel's name"},
        {"python3\n", COMMAND("/usr/bin/python3\0/usr/bin/qmemmand"),
         "qubes-qmemman", "qmemman by its script"},
        {"python3.11\n", COMMAND("python3.11\0-s\0-E\0/usr/bin/qubes-qmemman"),
         "qubes-qmemman", "behind the options of python"},
        {"qubes-qmemman\n", NULL, 0, "qubes-qmemman", "no command line"},
        {NULL, COMMAND("squeezed"), "squeezed", "no name"},
        {"vi\n", COMMAND("vi\0/usr/bin/qmemmand"), NULL, "an editor"},
        {"python3\n", COMMAND("python3\0x.py\0qmemmand"), NULL,
         "a word further on"},
        {"systemctl\n", COMMAND("systemctl\0stop\0squeezed"), NULL,
         "who stops it"},
        {"kworker/0:1\n", COMMAND(""), NULL, "a kernel thread"},
        {"python3\n", "python3", 7, NULL, "a command line without NUL"},
        {"python3\n", COMMAND("python3\0-"), NULL, "nothing but options"},
        {"squeezedx\n", COMMAND("squeezedx"), NULL, "a longer name"},
        {"", "", 0, NULL, "empty files"},
#undef COMMAND
    };
    struct files *files = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[RIVALS_TEXT_MAX] = "";
        char advice[64];
        bool is_found;

        add_process(files, cases[i].comm, cases[i].command, cases[i].len);
        is_found = rivals_find_process(files->folder, text);
        remove_process(files);

        (void)snprintf(advice, sizeof(advice), "systemctl disable --now %s",
                       cases[i].unit ? cases[i].unit : "");
        if (is_found != (cases[i].unit != NULL) ||
            (is_found && (!strstr(text, advice) || !strstr(text, "pid 42")))) {
            fail_msg("%s: %s", cases[i].why, text);
        }
    }
}

static void processes_of_others_than_the_owner_do_not_count(void **state)
{
    struct files *files = *state;
    char text[RIVALS_TEXT_MAX];

    if (geteuid() != 0) {
        return; /* only root can make a process of somebody else */
    }
    add_process(files, "squeezed\n", NULL, 0);
    assert_true(rivals_find_process(files->folder, text));
    assert_int_equal(chown(path_of(files, "42"), 65534, (gid_t)-1), 0);
    assert_false(rivals_find_process(files->folder, text));
}

static void without_processes_there_is_no_rival(void **state)
{
    struct files *files = *state;
    char text[RIVALS_TEXT_MAX];

    assert_false(rivals_find_process(files->folder, text));
    assert_false(rivals_find_process("/nowhere", text));
}

static void autoballoon_is_read_as_xl_reads_it(void **state)
{
    static const char fixed[] =
        "placeholder dom0_mem=2048M,max:2048M loglvl=all";
    static const struct {
        const char *conf; /* NULL: no file */
        const char *command_line;
        bool is_found;
        const char *why;
    } cases[] = {
        {NULL, "", true, "auto is the default, without a file"},
        {NULL, fixed, false, "and means off with dom0_mem="},
        {"", "", true, "nor does an empty file say anything"},
        {"autoballoon=\"auto\"\n", "", true, "auto"},
        {"autoballoon=\"auto\"\n", fixed, false, "auto, with dom0_mem="},
        {"autoballoon=\"on\"\n", fixed, true, "on, whatever Xen was told"},
        {"autoballoon=1\n", fixed, true, "a number"},
        {"autoballoon=\"off\"\n", "", false, "off"},
        {"autoballoon=0\n", "", false, "a number"},
        {"autoballoon='off' # c", "", false, "a comment without newline"},
        {"autoballoon=\"no\"\n", "", true, "a word xl does not know"},
        {"autoballoon=[\"off\"]\n", "", true, "a list"},
        {"# autoballoon=\"off\"\n", "", true, "a comment"},
        {"autoballoon=off\n", "", true, "quotes forgotten: xl fails"},
        {NULL, "dom0_mem=max:4G", false, "a maximum"},
        {NULL, "dom0_mem=min:1G,max:4G", false, "two"},
        {NULL, "dom0_mem=10%", false, "a share"},
        {NULL, "dom0_mem=1G+10%,max:50%", false, "an amount and a share"},
        {NULL, "dom0_mem=-1G", false, "all but so much"},
        {NULL, "dom0_mem=", true, "no amount"},
        {NULL, "dom0_mem=lots", true, "no number"},
        {NULL, "xdom0_mem=1G", true, "another option"},
        {NULL, "dom0_mem=1G,bogus", true, "not all of it"},
    };
    struct files *files = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[RIVALS_TEXT_MAX] = "";
        bool is_found;

        (void)unlink(path_of(files, "xl.conf"));
        if (cases[i].conf) {
            write_file(files, "xl.conf", cases[i].conf, strlen(cases[i].conf));
        }
        is_found = rivals_find_autoballoon(path_of(files, "xl.conf"),
                                           cases[i].command_line, text);

        if (is_found != cases[i].is_found ||
            (is_found && !strstr(text, "autoballoon=\"off\""))) {
            fail_msg("%s: %s", cases[i].why, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rivals_are_told_by_their_process,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(
            processes_of_others_than_the_owner_do_not_count, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(without_processes_there_is_no_rival,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(autoballoon_is_read_as_xl_reads_it,
                                        make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
