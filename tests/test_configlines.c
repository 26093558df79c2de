/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and items of a configuration text, and their lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/configlines.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* "K1=reserve I2='a'": kind, line and text of each place. */
static void scan(const char *text, size_t len, char *found, size_t size)
{
    static const char kinds[] = {
        [CONFIGLINES_KEY] = 'K',
        [CONFIGLINES_ADDITION] = 'A',
        [CONFIGLINES_ITEM] = 'I',
    };
    struct configlines lines;
    struct configlines_place place;
    size_t used = 0;

    found[0] = '\0';
    configlines_init(&lines, text, len);
    while (configlines_next(&lines, &place) && used < size) {
        used += (size_t)snprintf(found + used, size - used, "%s%c%u=%.*s",
                                 used ? " " : "", kinds[place.kind], place.line,
                                 (int)place.len, place.text);
    }
}

static void keys_and_items_are_found_on_their_lines(void **state)
{
    static const struct {
        const char *text;
        const char *found;
        const char *why;
    } cases[] = {
        {"", "", "nothing"},
        {"a=1", "K1=a", "a key without a newline"},
        {"a=1\nb_2 = 'x'\n", "K1=a K2=b_2", "two keys"},
        {"a=1; b=2", "K1=a K1=b", "two on a line"},
        {"a += 1\nb+=1", "A1=a A2=b", "additions"},
        {"a.b = 1", "K1=a.b", "a dot in a key"},
        {"# a=1\n  # b=2\nc=3 # d=4", "K3=c", "comments hide keys"},
        {"a='b=1'\nc=\"d=1\"", "K1=a K2=c", "strings hide keys"},
        {"a='\\'b=1'\nc=1", "K1=a K2=c", "a quote behind a backslash"},
        {"a='#'\nb=1", "K1=a K2=b", "no comment in a string"},
        {"# it's\nb=1", "K2=b", "no string in a comment"},
        {"a=[1,2]\nb=[]", "K1=a I1=1 I1=2 K2=b", "numbers in a list"},
        {"a=[\n'x',\n\n# c ]\n\"y\" # z\n]\nb=1", "K1=a I2='x' I5=\"y\" K7=b",
         "items on lines of their own"},
        {"a=[ 'b=1', c ]", "K1=a I1='b=1' I1=c", "no keys in a list"},
        {"a=[ 'x', [ 'y', 'z' ], 'w' ]", "K1=a I1='x' I1=[ I1='w'",
         "a list in a list is one item"},
        {"a=[\n[\n[1]\n]\n, 2]\nb=1", "K1=a I2=[ I5=2 K6=b", "deep lists"},
        {"a='open\nb=1", "K1=a K2=b", "a string ends with its line"},
        {"]]]a=1", "K1=a", "brackets that close nothing"},
        {"[[[", "I1=[", "brackets that nothing closes"},
        {"a='\\", "K1=a", "a backslash at the end"},
        {"a +", "", "a plus at the end"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char found[256];

        scan(cases[i].text, strlen(cases[i].text), found, sizeof(found));
        if (strcmp(found, cases[i].found) != 0) {
            fail_msg("%s: %s", cases[i].why, found);
        }
    }
}

static void a_copy_goes_on_from_where_it_was_taken(void **state)
{
    static const char text[] = "a=[1,2]\nb=1";
    struct configlines lines;
    struct configlines copy;
    struct configlines_place place;

    (void)state;
    configlines_init(&lines, text, strlen(text));
    assert_true(configlines_next(&lines, &place));
    copy = lines;
    assert_true(configlines_next(&copy, &place));
    assert_true(configlines_next(&copy, &place));
    assert_memory_equal(place.text, "2", 1);
    assert_true(configlines_next(&lines, &place));
    assert_memory_equal(place.text, "1", 1);
}

static void the_end_of_the_bytes_is_the_end(void **state)
{
    static const char text[] = "a=['x','y']";

    (void)state;
    for (size_t len = 0; len < strlen(text); len++) {
        char found[256];

        scan(text, len, found, sizeof(found));
        assert_null(strstr(found, "'y'") && len < 9 ? "seen too far" : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_items_are_found_on_their_lines),
        cmocka_unit_test(a_copy_goes_on_from_where_it_was_taken),
        cmocka_unit_test(the_end_of_the_bytes_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
