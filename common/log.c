/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Composes a line and hands it to the sink that was chosen.  Texts from
 * guests end up here, so no control byte passes: one message is one line, and
 * none can steer a terminal.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <syslog.h>

/* syslog(3) and the journal take more, people do not. */
#define LOG_LINE_MAX 1024

enum sink {
    SINK_STDERR,
    SINK_STDERR_JOURNAL,
    SINK_SYSLOG,
    SINK_NOWHERE,
    SINK_TAKER,
};

/* As it is before anybody chose: a failure at start-up must be seen. */
static struct {
    enum sink sink;
    enum log_level level;
    const char *name;
    log_take_fn *take;
} chosen = {SINK_STDERR, LOG_LEVEL_INFO, "xenballoon", NULL};

static const struct {
    const char *word;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_to_stderr(const char *name, enum log_level level, bool journal_prefix)
{
    chosen.sink = journal_prefix ? SINK_STDERR_JOURNAL : SINK_STDERR;
    chosen.level = level;
    chosen.name = name;
}

void log_to_syslog(const char *name, enum log_level level)
{
    chosen.sink = SINK_SYSLOG;
    chosen.level = level;
    chosen.name = name;
    openlog(name, LOG_PID, LOG_DAEMON);
}

void log_to_nowhere(void)
{
    chosen.sink = SINK_NOWHERE;
}

void log_to_taker(log_take_fn *take, enum log_level level)
{
    chosen.sink = SINK_TAKER;
    chosen.level = level;
    chosen.take = take;
}

bool log_wants(enum log_level level)
{
    return chosen.sink != SINK_NOWHERE && level <= chosen.level;
}

static void replace_control_bytes(char *line)
{
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list arguments)
{
    char line[LOG_LINE_MAX];

    if (!log_wants(level)) {
        return;
    }
    (void)vsnprintf(line, sizeof(line), format, arguments);
    replace_control_bytes(line);

    /* Nobody is left to be told when a log cannot be written. */
    switch (chosen.sink) {
    case SINK_STDERR:
        (void)fprintf(stderr, "%s: %s: %s\n", chosen.name, levels[level].word,
                      line);
        break;
    case SINK_STDERR_JOURNAL:
        (void)fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
        break;
    case SINK_SYSLOG:
        syslog(levels[level].priority, "%s", line);
        break;
    case SINK_TAKER:
        chosen.take(level, line);
        break;
    case SINK_NOWHERE:
        break;
    }
}

void log_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_ERROR, format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_WARNING, format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_INFO, format, arguments);
    va_end(arguments);
}

void log_debug(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_LEVEL_DEBUG, format, arguments);
    va_end(arguments);
}
