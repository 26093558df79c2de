/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's text, as no kernel writes it: all parsers see every input. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "frontend/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest_sample sample = {.total_kib = 1};
    const char *text = (const char *)data;
    uint64_t number;

    if (procfs_parse_meminfo(text, size, &sample) < 0 &&
        sample.total_kib != 1) {
        abort(); /* written on failure */
    }
    if (procfs_parse_swaps(text, size, &sample) < 0 &&
        sample.zram_free_kib != 0) {
        abort(); /* written on failure */
    }
    (void)procfs_parse_vmstat(text, size, 4, &sample);
    if (procfs_parse_pressure(text, size, &sample) < 0 && sample.has_pressure) {
        abort();
    }
    (void)procfs_parse_number(text, size, &number);
    return 0;
}
