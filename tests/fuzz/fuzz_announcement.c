/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Either end's word to the other: what is accepted survives a round trip. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/announcement.h"
#include "common/units.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void announcement(const char *data, size_t size)
{
    struct announcement once, again;
    char text[ANNOUNCEMENT_TEXT_MAX];
    int len;

    if (announcement_parse(data, size, &once) < 0) {
        return;
    }
    must(once.number != 0 && once.target_kib <= UNITS_KIB_MAX);
    len = announcement_format(&once, text);
    must(len > 0 && len < ANNOUNCEMENT_TEXT_MAX);
    must(announcement_parse(text, (size_t)len, &again) == 0);
    must(memcmp(&once, &again, sizeof(once)) == 0);
}

static void answer(const char *data, size_t size)
{
    struct answer once, again;
    char text[ANNOUNCEMENT_TEXT_MAX];
    int len;

    if (answer_parse(data, size, &once) < 0) {
        return;
    }
    must(once.number != 0 && once.can_give_kib <= UNITS_KIB_MAX);
    len = answer_format(&once, text);
    must(len > 0 && len < ANNOUNCEMENT_TEXT_MAX);
    must(answer_parse(text, (size_t)len, &again) == 0);
    must(once.number == again.number && once.is_ready == again.is_ready &&
         once.can_give_kib == again.can_give_kib);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    announcement((const char *)data, size);
    answer((const char *)data, size);
    return 0;
}
