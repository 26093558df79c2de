/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock of a program that may run once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/lockfile.h"

static char folder[32];
static char path[48];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "lock-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/lock", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

/* Another descriptor is as another process: the lock is of the open file. */
static void second_is_refused_until_the_first_has_ended(void **state)
{
    int first = lockfile_take(path);
    int next;

    (void)state;
    assert_true(first >= 0);
    assert_int_equal(lockfile_take(path), -EWOULDBLOCK);
    assert_int_equal(close(first), 0);
    next = lockfile_take(path); /* the file is still there */
    assert_true(next >= 0);
    assert_int_equal(close(next), 0);
}

static void nobody_else_gets_it(void **state)
{
    int fd = lockfile_take(path);
    struct stat found;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600); /* others cannot hold it */
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
}

static void place_that_is_none_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(lockfile_take("no-such-folder/lock"), -ENOENT);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(lockfile_take(path), -ELOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            second_is_refused_until_the_first_has_ended, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(nobody_else_gets_it, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(place_that_is_none_is_an_error,
                                        make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
