/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any file in the place of the frontend's: what is believed can be shown, to
 * people and to programs, without a byte that steers a terminal.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "control/gueststatus.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(const struct gueststatus *status)
{
    char *text = gueststatus_text(status);

    must(text != NULL);
    for (const char *at = text; *at; at++) {
        must(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
    }
    free(text);
}

static void check_json(const struct gueststatus *status)
{
    json_t *object = gueststatus_json(status);

    must(json_is_object(object));
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gueststatus status = {.pid = 0};

    if (gueststatus_parse((const char *)data, size, &status) < 0) {
        must(status.pid == 0);
        return 0;
    }
    must(status.pid != 0 && status.could_have_kib <= UNITS_KIB_MAX &&
         status.holds_kib <= UNITS_KIB_MAX &&
         status.target_kib <= UNITS_KIB_MAX &&
         status.announced_wait_ms <= ANNOUNCEMENT_WAIT_MAX_MS);
    must(gueststatus_ballooned_kib(&status) <= status.could_have_kib);
    check_text(&status);
    check_json(&status);
    return 0;
}
