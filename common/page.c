/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/page.h"

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "common/protocol.h"

/* The head of the page; words are little-endian in it. */
struct page {
    uint32_t magic;
    uint32_t layout;
    _Atomic uint32_t sequence;
    uint32_t length;
    char report[PROTOCOL_REPORT_MAX];
};

_Static_assert(offsetof(struct page, sequence) == PAGE_SEQUENCE_OFFSET &&
                   offsetof(struct page, report) == PAGE_REPORT_OFFSET &&
                   sizeof(struct page) == PAGE_USED_BYTES,
               "the layout is the protocol's");

void page_init(void *shared_page)
{
    struct page *page = shared_page;

    memset(shared_page, 0, PAGE_BYTES);
    page->layout = htole32(PAGE_LAYOUT);
    page->magic = htole32(PAGE_MAGIC);
}

int64_t page_write(void *shared_page, const char *report, size_t len)
{
    struct page *page = shared_page;
    uint32_t sequence =
        le32toh(atomic_load_explicit(&page->sequence, memory_order_relaxed));

    if (len == 0 || len > PROTOCOL_REPORT_MAX) {
        return -EINVAL;
    }
    /* Left odd by a writer that was killed, it is as good as even. */
    sequence |= 1;
    atomic_store_explicit(&page->sequence, htole32(sequence),
                          memory_order_relaxed);
    /* Who sees any of what follows sees the odd sequence, too. */
    atomic_thread_fence(memory_order_release);
    page->length = htole32((uint32_t)len);
    memcpy(page->report, report, len);
    /* Never 0 again: that is "no report yet". */
    sequence = sequence + 1 == 0 ? 2 : sequence + 1;
    atomic_store_explicit(&page->sequence, htole32(sequence),
                          memory_order_release);
    return sequence;
}

static uint32_t word_at(const unsigned char *copy, size_t offset)
{
    uint32_t word;

    memcpy(&word, copy + offset, sizeof(word));
    return le32toh(word);
}

int page_read(const unsigned char copy[PAGE_USED_BYTES],
              uint32_t sequence_before, uint32_t sequence_after,
              const char **ret_report, uint32_t *ret_sequence)
{
    uint32_t sequence = word_at(copy, PAGE_SEQUENCE_OFFSET);
    uint32_t length = word_at(copy, offsetof(struct page, length));

    if (word_at(copy, offsetof(struct page, magic)) != PAGE_MAGIC ||
        word_at(copy, offsetof(struct page, layout)) != PAGE_LAYOUT) {
        return -EINVAL;
    }
    if (sequence != le32toh(sequence_before) ||
        sequence != le32toh(sequence_after) || sequence % 2 != 0) {
        return -EAGAIN;
    }
    if (sequence == 0) {
        return -ENODATA;
    }
    if (length == 0 || length > PROTOCOL_REPORT_MAX) {
        return -EINVAL;
    }
    *ret_report = (const char *)copy + PAGE_REPORT_OFFSET;
    *ret_sequence = sequence;
    return (int)length;
}
