/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report's page: the layout as page.h has it, byte by byte, and copies
 * that were made while it was written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/page.h"
#include "common/protocol.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* As the page has it. */
static uint32_t word_at(const unsigned char *page, size_t offset)
{
    uint32_t word;

    memcpy(&word, page + offset, sizeof(word));
    return word;
}

static void put_word(unsigned char *page, size_t offset, uint32_t word)
{
    const unsigned char bytes[] = {
        (unsigned char)word,
        (unsigned char)(word >> 8),
        (unsigned char)(word >> 16),
        (unsigned char)(word >> 24),
    };

    memcpy(page + offset, bytes, sizeof(bytes));
}

static int read_still(const unsigned char *page, const char **ret_report,
                      uint32_t *ret_sequence)
{
    uint32_t word = word_at(page, PAGE_SEQUENCE_OFFSET);

    return page_read(page, word, word, ret_report, ret_sequence);
}

static int write_text(void *page, const char *text)
{
    return (int)page_write(page, text, strlen(text));
}

/* Memory as a kernel shares it: whole, aligned, and another each time. */
static int make_page(void **state)
{
    *state = aligned_alloc(PAGE_BYTES, PAGE_BYTES);
    assert_non_null(*state);
    memset(*state, 0xa5, PAGE_BYTES);
    page_init(*state);
    return 0;
}

static int free_page(void **state)
{
    free(*state);
    return 0;
}

static void layout_is_what_the_specification_says(void **state)
{
    static const unsigned char empty[] = {'b', 'l', 'l', 'n', 1, 0, 0, 0,
                                          0,   0,   0,   0,   0, 0, 0, 0};
    static const unsigned char written[] = {'b', 'l', 'l', 'n', 1,   0, 0,
                                            0,   2,   0,   0,   0,   3, 0,
                                            0,   0,   'a', '=', '1', 0};
    const unsigned char *page = *state;

    assert_memory_equal(page, empty, sizeof(empty));
    for (size_t i = sizeof(empty); i < PAGE_BYTES; i++) {
        assert_int_equal(page[i], 0);
    }

    assert_int_equal(write_text(*state, "a=1"), 2);

    assert_memory_equal(page, written, sizeof(written));
}

static void empty_page_holds_no_report(void **state)
{
    const char *report = NULL;
    uint32_t sequence = 4711;

    assert_int_equal(read_still(*state, &report, &sequence), -ENODATA);
    assert_null(report);
    assert_int_equal(sequence, 4711);
}

static void report_is_read_as_it_was_written(void **state)
{
    char longest[PROTOCOL_REPORT_MAX];
    const unsigned char *page = *state;
    const char *report;
    uint32_t sequence;

    assert_int_equal(write_text(*state, "longer"), 2);
    assert_int_equal(write_text(*state, "short"), 4);
    assert_int_equal(read_still(page, &report, &sequence), 5);
    assert_int_equal(sequence, 4);
    assert_memory_equal(report, "short", 5);

    memset(longest, 'x', sizeof(longest));
    assert_int_equal(page_write(*state, longest, sizeof(longest)), 6);
    assert_int_equal(read_still(page, &report, &sequence), sizeof(longest));
    assert_memory_equal(report, longest, sizeof(longest));
    for (size_t i = PAGE_USED_BYTES; i < PAGE_BYTES; i++) {
        assert_int_equal(page[i], 0);
    }
}

static void report_of_no_length_or_too_much_is_not_written(void **state)
{
    char much[PROTOCOL_REPORT_MAX + 1] = {0};
    const char *report;
    uint32_t sequence;

    assert_int_equal(write_text(*state, "good"), 2);
    assert_int_equal(page_write(*state, much, 0), -EINVAL);
    assert_int_equal(page_write(*state, much, sizeof(much)), -EINVAL);
    assert_int_equal(read_still(*state, &report, &sequence), 4);
    assert_int_equal(sequence, 2);
}

static void sequence_wraps_past_no_report_yet(void **state)
{
    const char *report;
    uint32_t sequence;

    put_word(*state, PAGE_SEQUENCE_OFFSET, UINT32_MAX - 1);
    assert_int_equal(write_text(*state, "a"), 2);
    assert_int_equal(read_still(*state, &report, &sequence), 1);
    assert_int_equal(sequence, 2);

    put_word(*state, PAGE_SEQUENCE_OFFSET, UINT32_MAX - 3);
    assert_int_equal(page_write(*state, "a", 1), UINT32_MAX - 1);
}

/* A writer was killed between its two stores, and another took over. */
static void page_left_odd_is_unread_until_it_is_written_again(void **state)
{
    const char *report;
    uint32_t sequence;

    assert_int_equal(write_text(*state, "old"), 2);
    put_word(*state, PAGE_SEQUENCE_OFFSET, 3);
    assert_int_equal(read_still(*state, &report, &sequence), -EAGAIN);

    assert_int_equal(write_text(*state, "new"), 4);
    assert_int_equal(read_still(*state, &report, &sequence), 3);
    assert_memory_equal(report, "new", 3);
}

/*
 * What a copy shows that was half done when the writer did its next step.  The
 * writer's states are odd with the old text, odd with some of the new, and
 * even again; the copier reads the sequence, the bytes upwards, the sequence.
 */
static void torn_copy_is_never_believed(void **state)
{
    unsigned char phases[4][PAGE_USED_BYTES];
    unsigned char copy[PAGE_USED_BYTES];
    unsigned int believed = 0;

    /* Before, odd, odd with the new text, after. */
    assert_int_equal(write_text(*state, "the old report"), 2);
    memcpy(phases[0], *state, PAGE_USED_BYTES);
    memcpy(phases[1], phases[0], PAGE_USED_BYTES);
    put_word(phases[1], PAGE_SEQUENCE_OFFSET, 3);
    assert_int_equal(write_text(*state, "A NEW AND LONGER ONE"), 4);
    memcpy(phases[3], *state, PAGE_USED_BYTES);
    memcpy(phases[2], phases[3], PAGE_USED_BYTES);
    put_word(phases[2], PAGE_SEQUENCE_OFFSET, 3);

    for (unsigned int first = 0; first < 4; first++) {
        for (unsigned int second = first; second < 4; second++) {
            for (size_t cut = 0; cut <= PAGE_USED_BYTES; cut++) {
                const char *report = NULL;
                uint32_t sequence = 0;
                int len;

                memcpy(copy, phases[first], cut);
                memcpy(copy + cut, phases[second] + cut, PAGE_USED_BYTES - cut);
                len = page_read(copy,
                                word_at(phases[first], PAGE_SEQUENCE_OFFSET),
                                word_at(phases[second], PAGE_SEQUENCE_OFFSET),
                                &report, &sequence);
                if (len >= 0) {
                    const unsigned char *whole = phases[sequence == 2 ? 0 : 3];

                    assert_memory_equal(copy, whole, PAGE_USED_BYTES);
                    believed++;
                } else {
                    assert_int_equal(len, -EAGAIN);
                    assert_null(report);
                }
            }
        }
    }
    /* Those that saw one moment alone, and no others. */
    assert_int_equal(believed, 2 * (PAGE_USED_BYTES + 1));
}

static void either_sequence_beside_the_copy_counts(void **state)
{
    const char *report;
    uint32_t sequence;

    assert_int_equal(write_text(*state, "a"), 2);
    assert_int_equal(page_read(*state, 2, 2, &report, &sequence), 1);
    assert_int_equal(page_read(*state, 0, 2, &report, &sequence), -EAGAIN);
    assert_int_equal(page_read(*state, 2, 4, &report, &sequence), -EAGAIN);
    assert_int_equal(page_read(*state, 3, 3, &report, &sequence), -EAGAIN);
}

static void page_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *why;
        size_t offset;
        uint32_t word;
    } cases[] = {
        {"no magic", 0, 0},
        {"another magic", 0, PAGE_MAGIC + 1},
        {"other byte order", 0, 0x626c6c6e},
        {"no layout", 4, 0},
        {"a later layout", 4, PAGE_LAYOUT + 1},
        {"no length", 12, 0},
        {"too long", 12, PROTOCOL_REPORT_MAX + 1},
        {"as long as can be said", 12, UINT32_MAX},
        {"negative, to some", 12, 0x80000000},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *report = NULL;
        uint32_t sequence;

        page_init(*state);
        assert_int_equal(write_text(*state, "a"), 2);
        put_word(*state, cases[i].offset, cases[i].word);
        if (read_still(*state, &report, &sequence) != -EINVAL ||
            report != NULL) {
            fail_msg("%s", cases[i].why);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_page, free_page)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(layout_is_what_the_specification_says),
        TEST(empty_page_holds_no_report),
        TEST(report_is_read_as_it_was_written),
        TEST(report_of_no_length_or_too_much_is_not_written),
        TEST(sequence_wraps_past_no_report_yet),
        TEST(page_left_odd_is_unread_until_it_is_written_again),
        TEST(torn_copy_is_never_believed),
        TEST(either_sequence_beside_the_copy_counts),
        TEST(page_of_another_kind_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
