/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest may have in its page: eight bytes are the sequence before and
 * after, the rest is the copy.  What is believed lies within it.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/page.h"
#include "common/protocol.h"
#include "common/report.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char copy[PAGE_USED_BYTES] = {0};
    uint32_t around[2] = {0};
    const char *text = NULL;
    struct report report;
    uint32_t sequence = 0;
    size_t head = size < sizeof(around) ? size : sizeof(around);
    int len;

    if (head > 0) {
        memcpy(around, data, head);
        size -= head;
        memcpy(copy, data + head, size < sizeof(copy) ? size : sizeof(copy));
    }
    len = page_read(copy, around[0], around[1], &text, &sequence);
    if (len < 0) {
        must(text == NULL && sequence == 0);
        return 0;
    }
    must(len > 0 && len <= PROTOCOL_REPORT_MAX);
    must(sequence != 0 && sequence % 2 == 0);
    must(text >= (const char *)copy);
    must(text + len <= (const char *)copy + sizeof(copy));
    (void)report_parse(text, (size_t)len, &report);
    return 0;
}
