/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any line as a request, of root and of others, to a backend without domains:
 * one line of printable JSON.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "backend/answer.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const char *line, bool is_root)
{
    struct balancer balancer = {0};
    char *text = answer(&balancer, line, is_root, 1000);
    json_t *object;

    must(text != NULL);
    for (const char *at = text; *at; at++) {
        must(*at >= 0x20 && *at < 0x7f);
    }
    object = json_loads(text, 0, NULL);
    must(json_is_object(object));
    json_decref(object);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);

    must(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';
    check(line, true);
    check(line, false);
    free(line);
    return 0;
}
