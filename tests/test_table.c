/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, and the answers of the backend as people see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/show.h"
#include "control/table.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const struct table_column columns[] = {
    {"NAME", false, 0},
    {"SIZE", true, 1},
    {"MAX", true, 2},
    {"WHY", false, 0},
};

static const char *const cells[] = {
    "a", "1", "22222", "because of the weather", "long-one", "1000", "", "",
};

static char *render(size_t width)
{
    struct table *table = table_new(columns, COUNT_OF(columns));
    char *text;

    assert_non_null(table);
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        assert_int_equal(table_add(table, cells[i]), 0);
    }
    text = table_render(table, width);
    assert_non_null(text);
    table_free(table);
    table_free(NULL);
    return text;
}

static void a_table_keeps_within_its_width(void **state)
{
    static const struct {
        size_t width;
        const char *text;
        const char *why;
    } cases[] = {
        {0,
         "NAME      SIZE    MAX  WHY\n"
         "a            1  22222  because of the weather\n"
         "long-one  1000\n",
         "no bound"},
        {45,
         "NAME      SIZE    MAX  WHY\n"
         "a            1  22222  because of the weather\n"
         "long-one  1000\n",
         "just wide enough"},
        {44,
         "NAME      SIZE  WHY\n"
         "a            1  because of the weather\n"
         "long-one  1000\n",
         "the column with the highest order goes first"},
        {37,
         "NAME      WHY\n"
         "a         because of the weather\n"
         "long-one\n",
         "then the next"},
        {31,
         "NAME      WHY\n"
         "a         because of the wea...\n"
         "long-one\n",
         "the last one is cut when nothing else is left"},
        {1,
         "NAME      WHY\n"
         "a         becau...\n"
         "long-one\n",
         "and not to nothing"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = render(cases[i].width);

        if (strcmp(text, cases[i].text) != 0) {
            fail_msg("%s:\n%s", cases[i].why, text);
        }
        free(text);
    }
}

static void a_table_without_rows_has_titles(void **state)
{
    struct table *table = table_new(columns, COUNT_OF(columns));
    char *text = table_render(table, 80);

    (void)state;
    assert_string_equal(text, "NAME  SIZE  MAX  WHY\n");
    free(text);
    table_free(table);
}

/* Single quotes stand for double ones. */
static json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    json_t *value;

    assert_non_null(copy);
    for (char *at = copy; *at; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    free(copy);
    return value;
}

static void domains_are_listed_with_sizes_for_people(void **state)
{
    json_t *answer = json_of(
        "{'domains':[{'domid':3,'name':'web1','state':'managed',"
        "'current_kib':524288,'target_kib':1572864,'limit_kib':1573888,"
        "'demand_kib':null,'floor_kib':0,'ceiling_kib':2097152,"
        "'transport':'page','reason_text':'grown: it needs 1.50 GiB'}]}");
    char *text = show_list(answer, 0);

    (void)state;
    assert_string_equal(
        text, "NAME  ID  STATE    CURRENT    TARGET     LIMIT  DEMAND  FLOOR  "
              "CEILING  VIA   WHY\n"
              "web1   3  managed  512 MiB  1.50 GiB  1.50 GiB       -  0 KiB  "
              "  2 GiB  page  grown: it needs 1.50 GiB\n");
    free(text);
    json_decref(answer);
}

static void foreign_text_does_not_steer_the_terminal(void **state)
{
    json_t *answer =
        json_of("{'domains':[{'domid':1,'name':'\\u001b[2Jx\\u009b',"
                "'state':'a\\nb','reason_text':'\\u202e'}]}");
    char *text = show_list(answer, 0);

    (void)state;
    assert_non_null(strstr(text, "\\x1b[2Jx\\xc2\\x9b"));
    assert_non_null(strstr(text, "a\\x0ab"));
    for (const char *at = text; *at; at++) {
        assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
    }
    free(text);
    json_decref(answer);
}

static void answers_of_another_form_are_shown_as_far_as_they_go(void **state)
{
    static const char *const answers[] = {
        "{}",
        "{'domains':5,'host':5}",
        "{'domains':[],'host':{}}",
        "{'domains':[5,null,[],{}],'host':{'domains':5}}",
        "{'domains':[{'domid':-1,'name':5,'current_kib':'x','demand_kib':1.5,"
        "'reason_text':''}],'host':{'domains':{'managed':'x','a':-5},"
        "'total_kib':-1,'uptime_ms':9223372036854775807}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        json_t *answer = json_of(answers[i]);
        char *list = show_list(answer, 80);
        char *status = show_status(answer);

        assert_non_null(list);
        assert_non_null(status);
        free(list);
        free(status);
        json_decref(answer);
    }
}

static void the_host_is_shown_line_by_line(void **state)
{
    json_t *answer =
        json_of("{'host':{'version':'1.2','state':'careful','uptime_ms':"
                "7260000,'total_kib':4194304,"
                "'free_kib':1048576,'claimed_kib':0,'reserve_kib':131072,"
                "'promised_kib':1024,'spendable_kib':916480,'wanted_kib':0,"
                "'spare_kib':2048,'learned_kib':4096,'domains':{'managed':2,'"
                "stuck':0,'static':1},"
                "'ticks':99,'writes':3,'last_write_ms':61000,"
                "'low_memory':{'times':2,'last_ms':5000}}}");
    char *text = show_status(answer);

    (void)state;
    assert_string_equal(
        text,
        "state          careful  all have what they need, and share the "
        "head-room\n"
        "total            4 GiB  memory of the host\n"
        "free             1 GiB  in Xen, held by no domain\n"
        "claimed          0 KiB  of it, by domains being built\n"
        "promised         1 MiB  of it, domains may take it at any time\n"
        "reserve        128 MiB  of it, to be kept free\n"
        "spendable      895 MiB  what is left to give\n"
        "wanted           0 KiB  what domains lack\n"
        "spare            2 MiB  what domains hold above their demand\n"
        "bursts           4 MiB  what was wanted within seconds lately\n"
        "domains              3  2 managed, 1 static\n"
        "alarm                2  times Xen said that memory runs low, last 5 s "
        "ago\n"
        "backend            1.2  up 2 h, ticks 99, writes 3, last one 61 s "
        "ago\n");
    free(text);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_keeps_within_its_width),
        cmocka_unit_test(a_table_without_rows_has_titles),
        cmocka_unit_test(domains_are_listed_with_sizes_for_people),
        cmocka_unit_test(foreign_text_does_not_steer_the_terminal),
        cmocka_unit_test(answers_of_another_form_are_shown_as_far_as_they_go),
        cmocka_unit_test(the_host_is_shown_line_by_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
