/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in the syntax of xl.conf, read by libxlutil; the only file that knows
 * its header.
 */
#ifndef BALLOON_BACKEND_XLCONF_XEN_H
#define BALLOON_BACKEND_XLCONF_XEN_H

#include <stddef.h>

/* A longer text is a mistake, and libxlutil counts in int. */
#define XLCONF_TEXT_MAX (1024U * 1024U)

struct xlconf;

struct xlconf_error {
    unsigned int line; /* from 1; 0 when the text as a whole is meant */
    char what[160];    /* libxlutil's words, printable */
};

/*
 * 0 and *ret_conf, to be freed; or -EINVAL and *ret_error, also for a text
 * that is too long or holds a NUL (on which libxlutil 4.17 aborts, inside
 * quotes); or -ENOMEM.  text need not end in a newline.
 */
int xlconf_parse(const char *text, size_t len, struct xlconf **ret_conf,
                 struct xlconf_error *ret_error);
void xlconf_free(struct xlconf *conf);

/*
 * The value of key, NULL when it has none or has a list.  Numbers come as they
 * were written.  What is returned lives as long as conf.
 */
const char *xlconf_string(const struct xlconf *conf, const char *key);

/* The number of items in the list of key, -EINVAL when it is no list. */
int xlconf_list_len(const struct xlconf *conf, const char *key);

/* NULL when the item is itself a list, or there is none of that index. */
const char *xlconf_list_item(const struct xlconf *conf, const char *key,
                             int index);

#endif
