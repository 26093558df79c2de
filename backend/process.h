/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes of dom0, as /proc shows them.
 */
#ifndef BALLOON_BACKEND_PROCESS_H
#define BALLOON_BACKEND_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is the one that is looked for; pid is the name of its folder. */
typedef bool process_fn(void *arg, const char *proc_dir, const char *pid);

/*
 * Looks at each process of the user whom proc_dir ("/proc") belongs to, root,
 * until one is the right one; then true.  What others call theirs is no word of
 * the host's.
 */
bool process_find(const char *proc_dir, process_fn *is_right, void *arg);

/*
 * proc_dir/pid/file, such as "comm" or "cmdline", malloc()ed, with a NUL behind
 * it; NULL when the process is gone or it cannot be read.
 */
char *process_read(const char *proc_dir, const char *pid, const char *file,
                   size_t *ret_len);

/* What stands behind the last slash. */
const char *process_base_name(const char *path);

#endif
