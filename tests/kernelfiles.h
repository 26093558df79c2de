/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory with files of the kernel's names, below which an adapter looks
 * instead of "/".
 */
#ifndef BALLOON_TESTS_KERNELFILES_H
#define BALLOON_TESTS_KERNELFILES_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* What begins with it has the process's own number in its place. */
#define SELF_PID "proc/self-pid"

static char root[64];

static inline const char *path_of(const char *name)
{
    static char path[256];

    if (strncmp(name, SELF_PID, strlen(SELF_PID)) == 0) {
        (void)snprintf(path, sizeof(path), "%s/proc/%d%s", root, (int)getpid(),
                       name + strlen(SELF_PID));
    } else {
        (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    }
    return path;
}

static inline void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Folders stand behind those that they are in.  0 or -1. */
static inline int kernelfiles_make(const char *const *folders, size_t count)
{
    (void)strcpy(root, "kernel-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (mkdir(path_of(folders[i]), 0700) < 0) {
            return -1;
        }
    }
    return 0;
}

static inline int kernelfiles_remove(const char *const *folders,
                                     size_t folder_count,
                                     const char *const *files,
                                     size_t file_count)
{
    for (size_t i = 0; i < file_count; i++) {
        (void)unlink(path_of(files[i])); /* not every test made each */
    }
    for (size_t i = folder_count; i > 0; i--) {
        (void)rmdir(path_of(folders[i - 1]));
    }
    return rmdir(root);
}

#endif
