/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every reason has a word and a sentence of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/reason.h"
#include "common/units.h"
#include "control/gueststatus.h"

#define MIB UINT64_C(1024)

static struct reason reason_of(int code, uint64_t a_kib, uint64_t b_kib)
{
    return (struct reason){(enum reason_code)code, a_kib, b_kib};
}

static void every_code_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        const char *word = reason_word((enum reason_code)i);

        assert_non_null(word);
        assert_true(word[0] != '\0');
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"),
                         strlen(word));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(word, reason_word((enum reason_code)j));
        }
    }
}

static void every_code_has_a_sentence_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        struct reason reason = reason_of(i, 7 * MIB, 9 * MIB);
        char text[REASON_TEXT_MAX];

        assert_ptr_equal(reason_text(&reason, text), text);
        assert_true(strlen(text) > 10);
        assert_null(strpbrk(text, "{}"));
        assert_true(text[strlen(text) - 1] != '.');
        for (int j = 0; j < i; j++) {
            struct reason other = reason_of(j, 7 * MIB, 9 * MIB);
            char other_text[REASON_TEXT_MAX];

            assert_string_not_equal(text, reason_text(&other, other_text));
        }
    }
}

/* The tool's own, for the word alone is in the store. */
static void every_word_has_a_sentence_for_the_guests_owner(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        const char *word = reason_word((enum reason_code)i);
        struct gueststatus status = {.pid = 0};

        (void)snprintf(status.reason, sizeof(status.reason), "%s", word);
        if (strcmp(gueststatus_reason_text(&status), word) == 0) {
            fail_msg("no sentence for the owner: %s", word);
        }
    }
}

static void the_longest_amounts_fit(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_CODES; i++) {
        struct reason reason =
            reason_of(i, UNITS_KIB_MAX - 1, UNITS_KIB_MAX - 1);
        char text[REASON_TEXT_MAX];

        assert_true(strlen(reason_text(&reason, text)) < REASON_TEXT_MAX - 1);
        reason.a_kib = UINT64_MAX;
        reason.b_kib = UINT64_MAX;
        (void)reason_text(&reason, text);
    }
}

static void amounts_stand_where_they_belong(void **state)
{
    struct reason held = reason_of(REASON_OPERATOR, 512 * MIB, 0);
    struct reason stuck = reason_of(REASON_STUCK, 300 * MIB, 200 * MIB);
    char text[REASON_TEXT_MAX];

    (void)state;
    assert_string_equal(reason_text(&held, text),
                        "held at 512 MiB by the operator (xl mem-set); "
                        "'xenballoon release' gives it back");
    assert_string_equal(reason_text(&stuck, text),
                        "left alone: it holds 300 MiB and does not move "
                        "towards 200 MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_word_of_its_own),
        cmocka_unit_test(every_code_has_a_sentence_of_its_own),
        cmocka_unit_test(every_word_has_a_sentence_for_the_guests_owner),
        cmocka_unit_test(the_longest_amounts_fit),
        cmocka_unit_test(amounts_stand_where_they_belong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
