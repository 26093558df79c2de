/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxlutil reports to a stream, in lines such as
 *
 *     NAME:7: config parsing error near `foo': lexical error
 *
 * of which the first is kept.
 */
#include "backend/xlconf_xen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxlutil.h>

#include "common/escape.h"
#include "common/number.h"

struct xlconf {
    XLU_Config *config;
    FILE *report; /* libxlutil keeps it as long as config lives */
    char *reported;
    size_t reported_len;
};

static int fail(struct xlconf_error *error, unsigned int line, const char *what)
{
    error->line = line;
    (void)snprintf(error->what, sizeof(error->what), "%s", what);
    return -EINVAL;
}

static unsigned int line_of(const char *text, const char *at)
{
    unsigned int line = 1;

    for (; text < at; text++) {
        line += *text == '\n';
    }
    return line;
}

static int check_text(const char *text, size_t len, struct xlconf_error *error)
{
    const char *nul = memchr(text, '\0', len);

    if (len > XLCONF_TEXT_MAX) {
        return fail(error, 0, "longer than 1 MiB");
    }
    if (nul) {
        return fail(error, line_of(text, nul), "a byte of value 0");
    }
    return 0;
}

/*
 * A copy with a newline at its end: without one, a last comment is an error;
 * with one too many, an open list seems to end behind the last line.
 */
static char *copy_with_newline(const char *text, size_t len, int *ret_len)
{
    bool has_newline = len > 0 && text[len - 1] == '\n';
    char *copy = malloc(len + 1);

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\n';
        *ret_len = (int)len + !has_newline;
    }
    return copy;
}

/*
 * libxlutil takes one off the line twice when the thing that it did not
 * expect is the end of a line (4.17; the code is that of 2010).
 */
static unsigned int mend_line(unsigned int line, const char *what)
{
    return strstr(what, "unexpected NEWLINE") ? line + 1 : line;
}

/* To the end of the line, without the parser's names for what it expected. */
static size_t useful_len(const char *what)
{
    size_t len = strcspn(what, "\n");
    const char *names =
        memmem(what, len, ", unexpected ", strlen(", unexpected "));

    return names ? (size_t)(names - what) : len;
}

static int explain(const char *reported, struct xlconf_error *error)
{
    static const char source[] = ":";
    static const char noise[] = "config parsing error ";
    const char *line_text = reported + strlen(source);
    size_t line_len = strcspn(line_text, ":\n");
    const char *what = line_text + line_len;
    uint64_t line;

    if (strncmp(reported, source, strlen(source)) != 0 ||
        number_parse(line_text, line_len, XLCONF_TEXT_MAX, &line) < 0) {
        return fail(error, 0, "not understood");
    }
    what += strspn(what, ": ");
    if (strncmp(what, noise, strlen(noise)) == 0) {
        what += strlen(noise);
    }
    error->line = mend_line((unsigned int)line, what);
    (void)escape_text(error->what, sizeof(error->what), what, useful_len(what));
    return -EINVAL;
}

static int read_text(struct xlconf *conf, const char *text, size_t len,
                     struct xlconf_error *error)
{
    char *copy;
    int copy_len = 0;
    int r;

    conf->report = open_memstream(&conf->reported, &conf->reported_len);
    if (!conf->report) {
        return -ENOMEM;
    }
    conf->config = xlu_cfg_init(conf->report, "");
    copy = copy_with_newline(text, len, &copy_len);
    if (!conf->config || !copy) {
        free(copy);
        return -ENOMEM;
    }
    r = xlu_cfg_readdata(conf->config, copy, copy_len);
    free(copy);
    if (r == 0) {
        return 0;
    }
    if (r == ENOMEM || fflush(conf->report) != 0) {
        return -ENOMEM;
    }
    return explain(conf->reported, error);
}

int xlconf_parse(const char *text, size_t len, struct xlconf **ret_conf,
                 struct xlconf_error *ret_error)
{
    struct xlconf *conf;
    int r;

    r = check_text(text, len, ret_error);
    if (r < 0) {
        return r;
    }
    conf = calloc(1, sizeof(*conf));
    if (!conf) {
        return -ENOMEM;
    }
    r = read_text(conf, text, len, ret_error);
    if (r < 0) {
        xlconf_free(conf);
        return r;
    }
    *ret_conf = conf;
    return 0;
}

void xlconf_free(struct xlconf *conf)
{
    if (!conf) {
        return;
    }
    if (conf->config) {
        xlu_cfg_destroy(conf->config);
    }
    if (conf->report) {
        (void)fclose(conf->report);
    }
    free(conf->reported);
    free(conf);
}

const char *xlconf_string(const struct xlconf *conf, const char *key)
{
    const char *value;

    return xlu_cfg_get_string(conf->config, key, &value, true) == 0 ? value
                                                                    : NULL;
}

int xlconf_list_len(const struct xlconf *conf, const char *key)
{
    int count;

    return xlu_cfg_get_list(conf->config, key, NULL, &count, true) == 0
               ? count
               : -EINVAL;
}

const char *xlconf_list_item(const struct xlconf *conf, const char *key,
                             int index)
{
    XLU_ConfigList *list;

    if (xlu_cfg_get_list(conf->config, key, &list, NULL, true) != 0) {
        return NULL;
    }
    return xlu_cfg_get_listitem(list, index);
}
