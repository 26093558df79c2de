/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report's page: one page of 4096 bytes that the frontend shares with
 * dom0, and that the backend copies, never maps.
 *
 *     offset  size  little-endian
 *          0     4  magic, PAGE_MAGIC
 *          4     4  layout, PAGE_LAYOUT
 *          8     4  sequence: odd while the page is written, two more after
 *                   each report; begins at 0, which is "no report yet"
 *         12     4  length of the report in bytes, 1 to PROTOCOL_REPORT_MAX
 *         16        the report, as in a record (report.h); no NUL
 *
 * The writer makes the sequence odd, writes length and report, makes it even;
 * with the barriers that make a copy taken meanwhile show an odd or a changed
 * sequence.  A grant copy is not atomic: a reader copies sequence, then the
 * page, then the sequence again, in this order within one call, and believes
 * the page when both are the same and even.
 */
#ifndef BALLOON_COMMON_PAGE_H
#define BALLOON_COMMON_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096U
#define PAGE_MAGIC 0x6e6c6c62U /* "blln" */
#define PAGE_LAYOUT 1U
#define PAGE_SEQUENCE_OFFSET 8U
#define PAGE_REPORT_OFFSET 16U

/* All of a page that is ever looked at. */
#define PAGE_USED_BYTES (PAGE_REPORT_OFFSET + 1536U)

/* An empty page. */
void page_init(void *shared_page);

/*
 * Writes len bytes of report into a page that others may be reading.  Returns
 * the new, even sequence; -EINVAL when len is not 1 to PROTOCOL_REPORT_MAX.
 */
int64_t page_write(void *shared_page, const char *report, size_t len);

/*
 * What was copied: the used part of a page, and its sequence as it was before
 * and after that, both as they stand in the page.  Returns the length of the report and sets *ret_report to
 * its place in copy and *ret_sequence; -EAGAIN when it was written meanwhile
 * (try again, a bounded number of times), -ENODATA when there is none yet,
 * -EINVAL when it is no such page.  Reads nothing but copy.
 */
int page_read(const unsigned char copy[PAGE_USED_BYTES],
              uint32_t sequence_before, uint32_t sequence_after,
              const char **ret_report, uint32_t *ret_sequence);

#endif
