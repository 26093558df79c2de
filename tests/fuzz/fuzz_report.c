/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's bytes: whatever is accepted is sound and survives a round trip. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/protocol.h"
#include "common/report.h"
#include "common/units.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[PROTOCOL_REPORT_MAX], once_more[PROTOCOL_REPORT_MAX];
    struct report report, again;
    int len;

    if (report_parse((const char *)data, size, &report) < 0) {
        return 0;
    }
    must(report.total_kib <= UNITS_KIB_MAX);
    must(report.available_kib <= report.total_kib);
    must(report.free_kib <= report.total_kib);
    must(report.swap_free_kib <= report.swap_total_kib);

    len = report_format(&report, text, sizeof(text));
    must(len > 0);
    must(report_parse(text, (size_t)len, &again) == 0);
    must(report_format(&again, once_more, sizeof(once_more)) == len);
    must(strcmp(text, once_more) == 0);
    return 0;
}
