/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Others who move memory on this host: qmemman, squeezed, and xl itself with
 * autoballoon.  Two balancers undo each other's work for ever, so the daemon
 * refuses to start beside one.
 */
#ifndef BALLOON_BACKEND_RIVALS_H
#define BALLOON_BACKEND_RIVALS_H

#include <stdbool.h>
#include <stddef.h>

#define RIVALS_TEXT_MAX 256

/*
 * Looks for a running qmemman or squeezed among the processes below proc_dir
 * ("/proc").  Returns true and one line into text that names it, its pid, and
 * what to do.
 */
bool rivals_find_process(const char *proc_dir, char text[RIVALS_TEXT_MAX]);

/*
 * Whether xl would balloon dom0 by itself: autoballoon in the xl.conf at path
 * says "on", or "auto" (the default, also without a file) while the
 * hypervisor's command line has no dom0_mem=.  Returns true and one line of
 * text that says what to do.
 */
bool rivals_find_autoballoon(const char *xl_conf, const char *xen_command_line,
                             char text[RIVALS_TEXT_MAX]);

#endif
