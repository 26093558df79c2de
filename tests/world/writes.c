/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of the simulated store; see writes.h.
 */
#include "tests/world/writes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/memory.h"

const struct write *writes_add(struct writes *writes, const struct write *one)
{
    struct write *added;

    if (writes->count == writes->room) {
        writes->room = writes->room == 0 ? 256 : writes->room * 2;
        writes->writes =
            memory_array(writes->writes, writes->room, sizeof(struct write));
    }
    added = &writes->writes[writes->count++];
    *added = *one;
    added->path = memory_copy(one->path, strlen(one->path));
    added->value =
        one->value != NULL ? memory_copy(one->value, one->len) : NULL;
    return added;
}

static bool is_wanted(const struct write *one, uint64_t since_ms,
                      const char *name, const char *part)
{
    return one->ms >= since_ms &&
           (name == NULL || strcmp(one->name, name) == 0) &&
           (part == NULL || strstr(one->path, part) != NULL);
}

unsigned int writes_count(const struct writes *writes, uint64_t since_ms,
                          const char *name, const char *part)
{
    unsigned int sum = 0;
    unsigned int i;

    for (i = 0; i < writes->count; i++) {
        sum += is_wanted(&writes->writes[i], since_ms, name, part) ? 1 : 0;
    }
    return sum;
}

void writes_print(const struct writes *writes, uint64_t since_ms,
                  const char *name, const char *part)
{
    unsigned int i;

    for (i = 0; i < writes->count; i++) {
        const struct write *one = &writes->writes[i];

        if (is_wanted(one, since_ms, name, part)) {
            (void)fprintf(stderr, "%8" PRIu64 " ms %s: %s = %s\n", one->ms,
                          one->name, one->path,
                          one->value != NULL ? one->value : "(removed)");
        }
    }
}

void writes_clear(struct writes *writes)
{
    unsigned int i;

    for (i = 0; i < writes->count; i++) {
        free(writes->writes[i].path);
        free(writes->writes[i].value);
    }
    free(writes->writes);
    memset(writes, 0, sizeof(*writes));
}
