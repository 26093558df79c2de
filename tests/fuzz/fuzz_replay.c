/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a recording: it is read and decided again, or refused in one
 * printable line that names the place.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/replay.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_line(const char *line)
{
    must(strncmp(line, "F:", 2) == 0);
    for (; *line; line++) {
        must((unsigned char)*line >= 0x20 && (unsigned char)*line < 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[REPLAY_ERROR_MAX] = "";
    struct replay_tally tally = {0};
    char *text = malloc(size + 1);
    FILE *in;
    FILE *out;

    must(text != NULL);
    memcpy(text, data, size);
    /* fmemopen() refuses to open nothing. */
    in = size > 0 ? fmemopen(text, size, "r") : fopen("/dev/null", "r");
    out = fopen("/dev/null", "w");
    must(in != NULL && out != NULL);
    if (replay_stream("F", in, out, &tally, error) < 0) {
        check_line(error);
    } else {
        must(tally.different_ticks <= tally.ticks);
    }
    (void)fclose(in);
    (void)fclose(out);
    free(text);
    return 0;
}
