/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/process.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/textfile.h"

/* Enough for an interpreter's options and the path of its script. */
#define COMMAND_MAX 4096

const char *process_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *process_read(const char *proc_dir, const char *pid, const char *file,
                   size_t *ret_len)
{
    char path[PATH_MAX];
    char *text;

    if (snprintf(path, sizeof(path), "%s/%s/%s", proc_dir, pid, file) >=
            (int)sizeof(path) ||
        textfile_read(path, COMMAND_MAX, &text, ret_len) < 0) {
        return NULL;
    }
    return text;
}

static bool is_process_of(const char *proc_dir, const char *pid, uid_t owner)
{
    char path[PATH_MAX];
    struct stat status;

    return isdigit((unsigned char)pid[0]) &&
           snprintf(path, sizeof(path), "%s/%s", proc_dir, pid) <
               (int)sizeof(path) &&
           stat(path, &status) == 0 && status.st_uid == owner;
}

bool process_find(const char *proc_dir, process_fn *is_right, void *arg)
{
    DIR *directory = opendir(proc_dir);
    const struct dirent *entry;
    struct stat status;
    bool is_found = false;

    if (!directory) {
        return false;
    }
    if (fstat(dirfd(directory), &status) == 0) {
        while (!is_found && (entry = readdir(directory)) != NULL) {
            is_found = is_process_of(proc_dir, entry->d_name, status.st_uid) &&
                       is_right(arg, proc_dir, entry->d_name);
        }
    }
    (void)closedir(directory);
    return is_found;
}
