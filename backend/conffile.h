/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backend.conf: the syntax of xl.conf, read by libxlutil.  See
 * backend.conf(5) for the keys.
 *
 * An error names file, line, key and what was expected, and settings are
 * given out whole or not at all: at start the daemon refuses, on reload it
 * keeps the last good ones.
 */
#ifndef BALLOON_BACKEND_CONFFILE_H
#define BALLOON_BACKEND_CONFFILE_H

#include <stddef.h>

#include "backend/settings.h"

#define CONFFILE_ERROR_MAX 512

/*
 * Reads path.  0 and *ret_settings (to be freed with settings_done()), or a
 * negative errno and one line of text in error, without newline:
 * "/etc/xenballoon/backend.conf:7: floor: ...".  -ENOENT when there is no such
 * file.
 */
int conffile_read(const char *path, struct settings *ret_settings,
                  char error[CONFFILE_ERROR_MAX]);

/* The same from memory; name stands for the file in messages. */
int conffile_parse(const char *name, const char *text, size_t len,
                   struct settings *ret_settings,
                   char error[CONFFILE_ERROR_MAX]);

#endif
