/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "xenballoon replay": the one command that decides by itself, so the backend
 * need not run.
 */
#include "control/command.h"

#include <stdio.h>

#include "backend/replay.h"

int command_replay(const struct command_call *call)
{
    int status = COMMAND_OK;

    for (int i = 0; i < call->count; i++) {
        char error[REPLAY_ERROR_MAX];
        struct replay_tally tally = {0};
        int r = replay_file(call->words[i], stdout, &tally, error);

        if (r < 0) {
            (void)fflush(stdout);
            (void)fprintf(stderr, "xenballoon: %s\n", error);
        }
        if (r < 0 || tally.different_fields > 0) {
            status = COMMAND_REFUSED;
        }
    }
    return status;
}
