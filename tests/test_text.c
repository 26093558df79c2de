/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small helpers for words: escape, nearest, words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/escape.h"
#include "common/nearest.h"
#include "common/words.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static void only_printable_ascii_passes(void **state)
{
    char out[1200];

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char in = (char)byte;

        (void)escape_text(out, sizeof(out), &in, 1);
        if (byte == '\\') {
            assert_string_equal(out, "\\\\");
        } else if (byte >= 0x20 && byte < 0x7f) {
            assert_int_equal(out[0], byte);
            assert_int_equal(strlen(out), 1);
        } else {
            assert_int_equal(strlen(out), 4);
        }
    }
    assert_string_equal(escape_text(out, sizeof(out), "a\033[2Jb\n\xc2\x9b", 9),
                        "a\\x1b[2Jb\\x0a\\xc2\\x9b");
}

static void long_text_is_cut_between_units_and_marked(void **state)
{
    static const struct {
        size_t size;
        const char *in;
        const char *out;
    } cases[] = {
        {8, "1234567", "1234567"},     {8, "12345678", "1234..."},
        {8, "\n\n", "\\x0a..."},       {9, "\n\n", "\\x0a\\x0a"},
        {8, "12\n4567", "12..."},      {8, "12345\n", "1234..."},
        {10, "12345\n", "12345\\x0a"}, {8, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[16];

        memset(out, '#', sizeof(out));
        (void)escape_text(out, cases[i].size, cases[i].in, strlen(cases[i].in));
        assert_string_equal(out, cases[i].out);
        assert_int_equal(out[cases[i].size], '#');
    }
}

static void a_slip_finds_the_word_that_was_meant(void **state)
{
    static const char *const known[] = {"list", "status", "set", "release"};
    static const struct {
        const char *word;
        const char *meant;
        const char *why;
    } cases[] = {
        {"list", "list", "the word itself"},
        {"lst", "list", "a letter left out"},
        {"lists", "list", "a letter added"},
        {"lisr", "list", "a letter changed"},
        {"lsit", "list", "neighbours swapped"},
        {"rlease", "release", "a letter left out of a long word"},
        {"raleese", "release", "two letters changed"},
        {"raleesa", NULL, "three"},
        {"ste", "set", "a short word takes one slip"},
        {"xyt", NULL, "and not two"},
        {"", NULL, "nothing"},
        {"listlistlistlistlistlistlistlistlist", NULL, "too long"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *meant = nearest_word(cases[i].word, strlen(cases[i].word),
                                         known, COUNT_OF(known));

        if (meant != cases[i].meant &&
            (!meant || !cases[i].meant || strcmp(meant, cases[i].meant) != 0)) {
            fail_msg("%s: %s", cases[i].why, meant ? meant : "none");
        }
    }
}

static void words_survive_the_line(void **state)
{
    static const char *const sent[] = {
        "set",      "web1", "a name",    "\"",       "\\",
        "floor=1G", " ",    "a\"b\\c d", "\xc3\xa4", "\\\"",
    };
    char line[256] = "";
    char *words[COUNT_OF(sent)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        assert_int_equal(words_append(line, sizeof(line), sent[i]), 0);
    }

    assert_int_equal(words_split(line, words, (int)COUNT_OF(words)),
                     (int)COUNT_OF(sent));
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        assert_string_equal(words[i], sent[i]);
    }
}

static void lines_are_split_or_refused(void **state)
{
    static const struct {
        const char *line;
        int result;
        const char *why;
    } cases[] = {
        {"", 0, "nothing"},
        {"a", 1, "one"},
        {"a b c", 3, "three"},
        {"a b c d", -E2BIG, "too many"},
        {"a  b", -EINVAL, "two spaces"},
        {" a", -EINVAL, "a space before"},
        {"a ", -EINVAL, "a space behind"},
        {"\"\"", -EINVAL, "an empty word"},
        {"\"a b\"", 1, "a quoted word"},
        {"\"a b", -EINVAL, "an open quote"},
        {"\"a\\", -EINVAL, "a backslash at the end"},
        {"\"a\\\"", -EINVAL, "a quote hidden by a backslash"},
        {"\"a\"b", -EINVAL, "text behind a quote"},
        {"a\"b\"", -EINVAL, "a quote inside"},
        {"a\\b", -EINVAL, "a backslash outside of quotes"},
        {"\"a\" \"b\"", 2, "two quoted"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[64];
        char *words[3];

        memcpy(line, cases[i].line, strlen(cases[i].line) + 1);
        if (words_split(line, words, 3) != cases[i].result) {
            fail_msg("%s", cases[i].why);
        }
    }
}

static void words_that_cannot_be_sent_are_refused(void **state)
{
    char line[16] = "";

    (void)state;
    assert_int_equal(words_append(line, sizeof(line), ""), -EINVAL);
    assert_int_equal(words_append(line, sizeof(line), "a\nb"), -EINVAL);
    assert_int_equal(words_append(line, sizeof(line), "\x7f"), -EINVAL);
    assert_int_equal(words_append(line, sizeof(line), "0123456789abcdef"),
                     -ENOSPC);
    assert_string_equal(line, "");
    while (words_append(line, sizeof(line), "\"") == 0) {
    }
    assert_true(strlen(line) < sizeof(line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_printable_ascii_passes),
        cmocka_unit_test(long_text_is_cut_between_units_and_marked),
        cmocka_unit_test(a_slip_finds_the_word_that_was_meant),
        cmocka_unit_test(words_survive_the_line),
        cmocka_unit_test(lines_are_split_or_refused),
        cmocka_unit_test(words_that_cannot_be_sent_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
