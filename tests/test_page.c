/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of plots: well-formed, in want of nothing from elsewhere, safe
 * against whatever a domain is named, and with what it is to show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/page.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define MIB UINT64_C(1024)
#define GIB (1024 * MIB)

/* ---- Is it well-formed? -------------------------------------------------- */

#define DEPTH_MAX 32
#define TAG_MAX 16

struct checker {
    char open[DEPTH_MAX][TAG_MAX];
    unsigned int depth;
};

static const char *take_name(const char *at, char name[TAG_MAX])
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");

    assert_in_range(len, 1, TAG_MAX - 1);
    memcpy(name, at, len);
    name[len] = '\0';
    return at + len;
}

/* name="value", without "<" in it and with each "&" an entity. */
static const char *take_attribute(const char *at)
{
    at += strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "-0123456789");
    assert_true(at[0] == '=' && at[1] == '"');
    at += 2;
    for (; *at != '"'; at++) {
        assert_true(*at != '\0' && *at != '<');
    }
    return at + 1;
}

static const char *take_tag(struct checker *checker, const char *at)
{
    char name[TAG_MAX];

    if (*at == '/') {
        at = take_name(at + 1, name);
        assert_true(checker->depth > 0);
        assert_string_equal(checker->open[--checker->depth], name);
        assert_true(*at == '>');
        return at + 1;
    }
    at = take_name(at, name);
    while (*at == ' ') {
        at = take_attribute(at + 1);
    }
    if (at[0] == '/' && at[1] == '>') {
        return at + 2;
    }
    assert_true(*at == '>');
    assert_true(checker->depth < DEPTH_MAX);
    (void)snprintf(checker->open[checker->depth++], TAG_MAX, "%s", name);
    /* Scripts and styles are no text. */
    if (strcmp(name, "script") == 0) {
        return strstr(at, "</script>");
    }
    return at + 1;
}

static void check_entity(const char *at)
{
    static const char *const entities[] = {"&amp;",  "&lt;",  "&gt;",
                                           "&quot;", "&#39;", "&#247;"};
    bool is_known = false;

    for (size_t i = 0; i < COUNT_OF(entities); i++) {
        is_known =
            is_known || strncmp(at, entities[i], strlen(entities[i])) == 0;
    }
    assert_true(is_known);
}

static void expect_well_formed(const char *text)
{
    static const char doctype[] = "<!DOCTYPE html>";
    struct checker checker = {.depth = 0};
    const char *at = text + strlen(doctype);

    assert_int_equal(strncmp(text, doctype, strlen(doctype)), 0);
    while (*at) {
        assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
        if (*at == '<') {
            at = take_tag(&checker, at + 1);
            assert_non_null(at);
            continue;
        }
        if (*at == '&') {
            check_entity(at);
        }
        at++;
    }
    assert_int_equal(checker.depth, 0);
}

static void expect_self_contained(const char *text)
{
    static const char *const elsewhere[] = {
        "http:", "https:", "src=",  "@import",
        "url(",  "<link",  "//www", "href=\"/"};

    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        if (strstr(text, elsewhere[i])) {
            fail_msg("it has %s", elsewhere[i]);
        }
    }
    for (const char *at = text; (at = strstr(at, "href=")); at++) {
        assert_int_equal(strncmp(at, "href=\"#", 7), 0);
    }
}

static unsigned int count(const char *text, const char *part)
{
    unsigned int found = 0;

    for (const char *at = strstr(text, part); at;
         at = strstr(at + strlen(part), part)) {
        found++;
    }
    return found;
}

/* ---- An outcome ---------------------------------------------------------- */

#define SAMPLES 20

struct play {
    struct course course;
    struct outcome outcome;
    struct page page;
};

static void fill_curve(struct outcome_curve *curve, unsigned int samples)
{
    curve->samples = calloc(SAMPLES, sizeof(*curve->samples));
    assert_non_null(curve->samples);
    for (curve->count = 0; curve->count < samples; curve->count++) {
        curve->samples[curve->count] = (struct outcome_sample){
            .at_ms = curve->count * UINT64_C(5000),
            .working_set_kib = (1 + curve->count % 3) * GIB,
            .current_kib = 2 * GIB,
            .target_kib = 2 * GIB,
            .demand_kib = curve->count * 100 * MIB,
        };
    }
}

static void begin(struct play *play, const char *const *names,
                  unsigned int domains)
{
    memset(play, 0, sizeof(*play));
    course_init(&play->course);
    play->course.duration_ms = 100000;
    play->outcome.domains = calloc(domains + 1, sizeof(struct outcome_domain));
    assert_non_null(play->outcome.domains);
    play->outcome.host_memory_kib = 8 * GIB;
    play->outcome.ended_ms = 100000;
    play->outcome.count = domains;
    fill_curve(&play->outcome.curve, SAMPLES);
    for (unsigned int i = 0; i < domains; i++) {
        struct course_domain *domain = course_add(&play->course);

        assert_non_null(domain);
        (void)snprintf(domain->name, sizeof(domain->name), "%s", names[i]);
        domain->floor_kib = 512 * MIB;
        domain->ceiling_kib = 4 * GIB;
        fill_curve(&play->outcome.domains[i].curve, SAMPLES);
    }
    for (unsigned int i = 0; i < domains; i++) {
        play->outcome.domains[i].name = play->course.domains[i].name;
    }
    play->page = (struct page){
        .title = "example",
        .policy = "demand",
        .course = &play->course,
        .outcome = &play->outcome,
    };
}

static char *finish(struct play *play)
{
    char *text = page_text(&play->page);

    assert_non_null(text);
    expect_well_formed(text);
    expect_self_contained(text);
    outcome_done(&play->outcome);
    course_done(&play->course);
    return text;
}

/* ---- Tests --------------------------------------------------------------- */

static void everything_is_there(void **state)
{
    static const char *const names[] = {"web", "db", "mail"};
    static const struct plot_size sizes[] = {
        {4 * GIB, 1234567}, {8 * GIB, 1500}, {16 * GIB, 5}, {32 * GIB, 0}};
    struct play play;
    char *text;

    (void)state;
    begin(&play, names, 3);
    play.outcome.all.needed_kib_ms = 10000;
    play.outcome.all.lacked_kib_ms = 123;
    play.outcome.all.writes = 4711;
    play.outcome.domains[1].figures.needed_kib_ms = 1000;
    play.outcome.domains[1].figures.lacked_kib_ms = 7;
    play.page.sizes = sizes;
    play.page.size_count = COUNT_OF(sizes);
    text = finish(&play);

    assert_non_null(strstr(text, "<h1>example</h1>"));
    assert_non_null(strstr(text, "<b>demand</b>"));
    assert_non_null(strstr(text, "3 domains on 8 GiB"));
    assert_non_null(strstr(text, "<b>123.000</b>"));
    assert_non_null(strstr(text, "<b>4711</b>"));
    assert_non_null(strstr(text, "<h3>mail</h3>"));
    assert_non_null(strstr(text, "<td><a href=\"#d1\">db</a></td><td>70.000"));
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    /* The host and three domains; four dots of the curve over sizes. */
    assert_int_equal(count(text, "<polyline class=\"current\""), 4);
    assert_int_equal(count(text, "<polyline class=\"target\""), 4);
    assert_int_equal(count(text, "<polyline class=\"demand\""), 4);
    assert_int_equal(count(text, "<polyline class=\"working-set\""), 4);
    assert_int_equal(count(text, "<polyline class=\"unmet\""), 1);
    assert_int_equal(count(text, "<circle"), 4);
    assert_non_null(strstr(text, "4 GiB: 1234.567 permyriad unmet"));
    assert_null(strstr(text, "Interrupted"));
    free(text);
}

static void values_are_where_they_belong(void **state)
{
    static const char *const names[] = {"web"};
    struct play play;
    char *text;

    (void)state;
    begin(&play, names, 1);
    play.outcome.host_memory_kib = 6 * GIB;
    text = finish(&play);
    /*
     * The frame is 1086 by 306 pixels, from 62, 10 on; its top is 6.5 GiB, so
     * that 2 GiB stand 94.1 pixels above 316, and 95 of 100 s at 1093.7.
     */
    assert_non_null(strstr(text, "data-top=\"6815744\" data-ms=\"100000\" "
                                 "data-frame=\"62 10 1086 306\""));
    assert_non_null(strstr(text, "<polyline class=\"current\" points=\""
                                 "62.0,221.9 1093.7,221.9 \""));
    free(text);
}

static void names_cannot_do_harm(void **state)
{
    static const char *const names[] = {
        "<script>alert(1)</script>", "\"onload=\"x", "a&b", "'</svg>",
        "\033[31m\xff\x01",          "]]></script>",
    };
    struct play play;
    char *text;

    (void)state;
    begin(&play, names, COUNT_OF(names));
    play.page.title = "</title><b>";
    play.page.policy = "<policy>";
    text = finish(&play);

    assert_int_equal(count(text, "<script>"), 1);
    assert_int_equal(count(text, "</script>"), 1);
    assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(text, "&quot;onload=&quot;x"));
    assert_non_null(strstr(text, "\\x1b[31m\\xff\\x01"));
    free(text);
}

static void long_names_fit(void **state)
{
    char name[SETTINGS_NAME_MAX];
    const char *const names[] = {name};
    struct play play;

    (void)state;
    memset(name, '<', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    begin(&play, names, 1);
    free(finish(&play));
    memset(name, '\xff', sizeof(name) - 1);
    begin(&play, names, 1);
    free(finish(&play));
}

static void little_is_enough(void **state)
{
    static const char *const names[] = {"web"};
    static const struct plot_size sizes[] = {{8 * GIB, 0}, {8 * GIB, 0}};
    struct play play;
    char *text;

    (void)state;
    /* Nothing but its frame. */
    begin(&play, names, 0);
    play.outcome.curve.count = 0;
    play.course.duration_ms = 0;
    play.outcome.host_memory_kib = 0;
    free(finish(&play));

    /* One moment, and a curve over a single size. */
    begin(&play, names, 1);
    play.outcome.curve.count = 1;
    play.outcome.domains[0].curve.count = 1;
    play.outcome.is_interrupted = true;
    play.page.sizes = sizes;
    play.page.size_count = COUNT_OF(sizes);
    text = finish(&play);
    assert_non_null(strstr(text, "Interrupted"));
    free(text);
}

static void hundred_domains_are_drawn(void **state)
{
    const char *names[100];
    struct play play;
    char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        names[i] = "same";
    }
    begin(&play, names, COUNT_OF(names));
    text = finish(&play);
    assert_int_equal(count(text, "<h3>same</h3>"), 100);
    assert_non_null(strstr(text, "id=\"find\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_there),
        cmocka_unit_test(values_are_where_they_belong),
        cmocka_unit_test(names_cannot_do_harm),
        cmocka_unit_test(long_names_fit),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(hundred_domains_are_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
