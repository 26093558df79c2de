/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log sink, the one mutable global of the tree.
 *
 *   error    the operator must act
 *   warning  we coped; what happened and how
 *   info     life cycle, and plans that changed something
 *   debug    the rest
 *
 * One line a message: a short sentence, then key=value.  A quiet system
 * writes nothing.
 */
#ifndef BALLOON_COMMON_LOG_H
#define BALLOON_COMMON_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/*
 * Lines at or above level go to standard error, each with the "<N>" prefix
 * that the journal reads when $JOURNAL_STREAM said so to the caller
 * (journal_prefix), or to syslog under name.  name must stay valid.
 */
void log_to_stderr(const char *name, enum log_level level, bool journal_prefix);
void log_to_syslog(const char *name, enum log_level level);

/* For tests and fuzzers: nothing is written. */
void log_to_nowhere(void);

/* For tests: lines at or above level are handed over, without their end. */
typedef void log_take_fn(enum log_level level, const char *line);
void log_to_taker(log_take_fn *take, enum log_level level);

bool log_wants(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
