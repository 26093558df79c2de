/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ratios are whole numbers of thousandths here, printed with a point.
 */
#include "simulate/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/escape.h"
#include "common/number.h"
#include "common/units.h"
#include "control/table.h"

#define MS_PER_MINUTE UINT64_C(60000)

/* A name of 127 bytes, escaped. */
#define CELL_MAX 520

/* ---- JSON --------------------------------------------------------------- */

/* A number with three decimals, which jansson itself has only as a float. */
static json_t *json_milli(uint64_t milli)
{
    char text[OUTCOME_MILLI_TEXT];

    return json_loads(outcome_milli_text(milli, text), JSON_DECODE_ANY, NULL);
}

static int set_count(json_t *object, const char *key, uint64_t count)
{
    return json_object_set_new(object, key, json_integer((json_int_t)count));
}

static int set_figures(json_t *object, const struct outcome_figures *figures)
{
    int r = 0;

    r |= json_object_set_new(object, "unmet_permyriad",
                             json_milli(outcome_unmet_millipermyriad(figures)));
    r |= json_object_set_new(object, "short_domain_minutes",
                             json_milli(outcome_short_milliminutes(figures)));
    r |= set_count(object, "moved_kib", figures->moved_kib);
    r |= json_object_set_new(object, "moved_over_rises",
                             json_milli(outcome_moved_milli(figures)));
    r |= json_object_set_new(object, "reversals_per_domain_hour",
                             json_milli(outcome_reversals_milli(figures)));
    r |= set_count(object, "floor_violations", figures->floor_violations);
    r |= set_count(object, "writes", figures->writes);
    r |= set_count(object, "peak_demand_kib", figures->peak_demand_kib);
    r |= set_count(object, "lived_ms", figures->lived_ms);
    r |= set_count(object, "rises_kib", figures->rises_kib);
    r |= set_count(object, "reversals", figures->reversals);
    return r;
}

static int set_domain(json_t *object, const struct outcome_domain *domain)
{
    int r = json_object_set_new(object, "name", json_string(domain->name));

    r |= set_figures(object, &domain->figures);
    r |= set_count(object, "final_current_kib", domain->final_current_kib);
    r |= set_count(object, "final_target_kib", domain->final_target_kib);
    return r;
}

static json_t *domains_json(const struct outcome *outcome)
{
    json_t *domains = json_array();
    unsigned int i;
    int r = domains == NULL ? -1 : 0;

    for (i = 0; r == 0 && i < outcome->count; i++) {
        json_t *object = json_object();

        r = json_array_append_new(domains, object);
        if (r == 0) {
            r = set_domain(object, &outcome->domains[i]);
        }
    }
    if (r != 0) {
        json_decref(domains);
        return NULL;
    }
    return domains;
}

char *show_outcome_json(const struct outcome *outcome, const char *policy)
{
    json_t *object = json_object();
    char *text = NULL;
    int r = 0;

    r |= json_object_set_new(object, "policy", json_string(policy));
    r |= set_count(object, "host_memory_kib", outcome->host_memory_kib);
    r |= set_count(object, "simulated_ms", outcome->ended_ms);
    r |= json_object_set_new(object, "is_partial",
                             json_boolean(outcome->is_interrupted));
    r |= set_figures(object, &outcome->all);
    r |= json_object_set_new(object, "domains", domains_json(outcome));
    if (r == 0) {
        text = json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII |
                                      JSON_REAL_PRECISION(15));
    }
    json_decref(object);
    return text;
}

/* ---- Text --------------------------------------------------------------- */

static void print_time(FILE *out, const struct outcome *outcome)
{
    uint64_t minutes = outcome->ended_ms / MS_PER_MINUTE;

    (void)fprintf(out, "%-26s  %" PRIu64 " d %" PRIu64 " h %" PRIu64 " min%s\n",
                  "simulated", minutes / 1440, minutes / 60 % 24, minutes % 60,
                  outcome->is_interrupted ? ", interrupted: what follows is "
                                            "of this part only"
                                          : "");
}

static void print_all(FILE *out, const struct outcome *outcome,
                      const char *policy)
{
    const struct outcome_figures *all = &outcome->all;
    char size[NUMBER_SIZE_TEXT];
    char text[OUTCOME_MILLI_TEXT];

    print_time(out, outcome);
    (void)fprintf(out, "%-26s  %s\n", "policy", policy);
    (void)fprintf(
        out, "%-26s  %s\n", "host memory",
        number_format_size(size, sizeof(size), outcome->host_memory_kib));
    (void)fprintf(out, "%-26s  %s\n", "peak demand",
                  number_format_size(size, sizeof(size), all->peak_demand_kib));
    (void)fprintf(out, "%-26s  %s permyriad of what was needed\n",
                  "unmet demand",
                  outcome_milli_text(outcome_unmet_millipermyriad(all), text));
    (void)fprintf(out, "%-26s  %s domain-minutes\n", "more than 5 % short",
                  outcome_milli_text(outcome_short_milliminutes(all), text));
    (void)fprintf(out, "%-26s  %s", "moved",
                  number_format_size(size, sizeof(size), all->moved_kib));
    (void)fprintf(out, ", %s of all rises\n",
                  outcome_milli_text(outcome_moved_milli(all), text));
    (void)fprintf(out, "%-26s  %s\n", "reversals per domain-hour",
                  outcome_milli_text(outcome_reversals_milli(all), text));
    (void)fprintf(out, "%-26s  %" PRIu64 "\n", "targets below a floor",
                  all->floor_violations);
    (void)fprintf(out, "%-26s  %" PRIu64 "\n\n", "writes", all->writes);
}

static const struct table_column columns[] = {
    {"NAME", false, 0},  {"UNMET", true, 0}, {"SHORT", true, 0},
    {"MOVED", true, 2},  {"RATIO", true, 1}, {"REVERSALS", true, 3},
    {"WRITES", true, 4}, {"PEAK", true, 5},  {"HELD", true, 6},
};

static int add_row(struct table *table, const struct outcome_domain *domain)
{
    const struct outcome_figures *figures = &domain->figures;
    char cell[CELL_MAX];
    char text[OUTCOME_MILLI_TEXT];
    int r;

    r = table_add(table, escape_text(cell, sizeof(cell), domain->name,
                                     strlen(domain->name)));
    r |= table_add(
        table, outcome_milli_text(outcome_unmet_millipermyriad(figures), text));
    r |= table_add(
        table, outcome_milli_text(outcome_short_milliminutes(figures), text));
    r |= table_add(table,
                   number_format_size(cell, CELL_MAX, figures->moved_kib));
    r |= table_add(table,
                   outcome_milli_text(outcome_moved_milli(figures), text));
    r |= table_add(table,
                   outcome_milli_text(outcome_reversals_milli(figures), text));
    (void)snprintf(cell, sizeof(cell), "%" PRIu64, figures->writes);
    r |= table_add(table, cell);
    r |= table_add(
        table, number_format_size(cell, CELL_MAX, figures->peak_demand_kib));
    r |= table_add(
        table, number_format_size(cell, CELL_MAX, domain->final_current_kib));
    return r;
}

static char *domains_text(const struct outcome *outcome, size_t width)
{
    struct table *table =
        table_new(columns, sizeof(columns) / sizeof(columns[0]));
    char *text = NULL;
    unsigned int i;
    int r = 0;

    if (table == NULL) {
        return NULL;
    }
    for (i = 0; r == 0 && i < outcome->count; i++) {
        r = add_row(table, &outcome->domains[i]);
    }
    if (r == 0) {
        text = table_render(table, width);
    }
    table_free(table);
    return text;
}

char *show_outcome(const struct outcome *outcome, const char *policy,
                   size_t width)
{
    char *domains = domains_text(outcome, width);
    char *text = NULL;
    size_t len;
    FILE *out;

    if (domains == NULL) {
        return NULL;
    }
    out = open_memstream(&text, &len);
    if (out != NULL) {
        print_all(out, outcome, policy);
        (void)fputs(domains, out);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    free(domains);
    return text;
}
