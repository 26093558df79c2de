/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/plot.h"

#include <inttypes.h>
#include <stdbool.h>

#include "common/number.h"
#include "common/units.h"

/* Around the frame, in pixels: room for what stands at the axes. */
#define MARGIN_LEFT 62U
#define MARGIN_RIGHT 12U
#define MARGIN_TOP 10U
#define MARGIN_BOTTOM 24U

/* About the least distance of two ticks, in pixels. */
#define TICK_X 90U
#define TICK_Y 42U

#define TEN 10U /* tenths of a pixel */

/* The inside of the axes, in tenths of a pixel. */
struct frame {
    unsigned int left;
    unsigned int top;
    unsigned int width;
    unsigned int height;
};

static struct frame frame_of(unsigned int width, unsigned int height)
{
    return (struct frame){
        .left = MARGIN_LEFT * TEN,
        .top = MARGIN_TOP * TEN,
        .width = (width - MARGIN_LEFT - MARGIN_RIGHT) * TEN,
        .height = (height - MARGIN_TOP - MARGIN_BOTTOM) * TEN,
    };
}

static uint64_t x_of(const struct frame *frame, uint64_t value, uint64_t most)
{
    return frame->left + units_scale(frame->width, units_min(value, most),
                                     units_max(most, 1));
}

static uint64_t y_of(const struct frame *frame, uint64_t value, uint64_t most)
{
    return frame->top + frame->height -
           units_scale(frame->height, units_min(value, most),
                       units_max(most, 1));
}

static void put(FILE *out, uint64_t tenths)
{
    (void)fprintf(out, "%" PRIu64 ".%" PRIu64, tenths / TEN, tenths % TEN);
}

static void put_attribute(FILE *out, const char *name, uint64_t tenths)
{
    (void)fprintf(out, " %s=\"", name);
    put(out, tenths);
    (void)fputc('"', out);
}

static void put_line(FILE *out, const char *class, uint64_t x1, uint64_t y1,
                     uint64_t x2, uint64_t y2)
{
    (void)fprintf(out, "<line class=\"%s\"", class);
    put_attribute(out, "x1", x1);
    put_attribute(out, "y1", y1);
    put_attribute(out, "x2", x2);
    put_attribute(out, "y2", y2);
    (void)fputs("/>", out);
}

/* anchor as in SVG; text needs no escape. */
static void put_text(FILE *out, const char *anchor, uint64_t x, uint64_t y,
                     const char *text)
{
    (void)fprintf(out, "<text text-anchor=\"%s\"", anchor);
    put_attribute(out, "x", x);
    put_attribute(out, "y", y);
    (void)fprintf(out, ">%s</text>", text);
}

/* ---- Axes ---------------------------------------------------------------- */

/* The smallest power of two, of 4 MiB at least, that makes few enough ticks. */
static uint64_t size_step(uint64_t most_kib, unsigned int ticks)
{
    uint64_t step_kib = UINT64_C(4) * UNITS_KIB_PER_MIB;

    while (most_kib / step_kib > ticks && step_kib <= UNITS_KIB_MAX) {
        step_kib *= 2;
    }
    return step_kib;
}

static void put_sizes_up(FILE *out, const struct frame *frame, uint64_t top_kib)
{
    uint64_t step_kib = size_step(top_kib, frame->height / TEN / TICK_Y + 1);

    for (uint64_t kib = 0; kib <= top_kib; kib += step_kib) {
        uint64_t y = y_of(frame, kib, top_kib);
        char text[NUMBER_SIZE_TEXT];

        put_line(out, "grid", frame->left, y, frame->left + frame->width, y);
        put_text(out, "end", frame->left - 6 * TEN, y + 4 * TEN,
                 kib == 0 ? "0" : number_format_size(text, sizeof(text), kib));
    }
}

/* What a clock or a calendar is divided into. */
static uint64_t time_step(uint64_t most_ms, unsigned int ticks)
{
    static const uint64_t steps_s[] = {
        1,     2,     5,      10,     15,     30,      60,      120,
        300,   600,   900,    1800,   3600,   7200,    10800,   21600,
        43200, 86400, 172800, 432000, 864000, 2592000, 7776000, 31536000,
    };
    unsigned int i = 0;

    while (i + 1 < sizeof(steps_s) / sizeof(steps_s[0]) &&
           most_ms / (steps_s[i] * 1000) > ticks) {
        i++;
    }
    return steps_s[i] * 1000;
}

/* "30 s", "2:30 min", "1:30 h", "2 d", "2 d 6 h". */
static void put_time(FILE *out, const struct frame *frame, uint64_t x,
                     uint64_t ms)
{
    uint64_t s = ms / 1000;
    char text[48] = "0";

    if (s >= 86400 && s % 86400 != 0) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " d %" PRIu64 " h",
                       s / 86400, s / 3600 % 24);
    } else if (s >= 86400) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " d", s / 86400);
    } else if (s >= 3600 && s % 3600 != 0) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 ":%02" PRIu64 " h",
                       s / 3600, s / 60 % 60);
    } else if (s >= 3600) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " h", s / 3600);
    } else if (s >= 60 && s % 60 != 0) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 ":%02" PRIu64 " min",
                       s / 60, s % 60);
    } else if (s >= 60) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " min", s / 60);
    } else if (s > 0) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 " s", s);
    }
    put_text(out, "middle", x, frame->top + frame->height + 16 * TEN, text);
}

static void put_times(FILE *out, const struct frame *frame,
                      uint64_t duration_ms)
{
    uint64_t step_ms = time_step(duration_ms, frame->width / TEN / TICK_X + 1);

    for (uint64_t ms = 0; ms <= duration_ms; ms += step_ms) {
        uint64_t x = x_of(frame, ms, duration_ms);

        put_line(out, "grid", x, frame->top, x, frame->top + frame->height);
        put_time(out, frame, x, ms);
    }
}

/* ---- Curves -------------------------------------------------------------- */

typedef uint64_t value_fn(const struct outcome_sample *sample);

static uint64_t working_set_of(const struct outcome_sample *sample)
{
    return sample->working_set_kib;
}

static uint64_t current_of(const struct outcome_sample *sample)
{
    return sample->current_kib;
}

static uint64_t target_of(const struct outcome_sample *sample)
{
    return sample->target_kib;
}

static uint64_t demand_of(const struct outcome_sample *sample)
{
    return sample->demand_kib;
}

static uint64_t top_of(const struct plot *plot)
{
    uint64_t top_kib = UNITS_KIB_PER_MIB;

    for (unsigned int i = 0; i < plot->curve->count; i++) {
        const struct outcome_sample *sample = &plot->curve->samples[i];

        top_kib = units_max(
            top_kib, units_max(sample->working_set_kib, sample->current_kib));
        top_kib = units_max(top_kib,
                            units_max(sample->target_kib, sample->demand_kib));
    }
    for (unsigned int i = 0; i < plot->mark_count; i++) {
        /* A ceiling far above all that happens would press it flat. */
        if (plot->marks[i].kib <= 2 * top_kib) {
            top_kib = units_max(top_kib, plot->marks[i].kib);
        }
    }
    return top_kib + top_kib / 12;
}

/* A point between two of the same height is on their line. */
static bool is_needless(const struct outcome_curve *curve, unsigned int i,
                        value_fn *value)
{
    uint64_t kib = value(&curve->samples[i]);

    return i > 0 && i + 1 < curve->count &&
           value(&curve->samples[i - 1]) == kib &&
           value(&curve->samples[i + 1]) == kib;
}

static void put_points(FILE *out, const struct frame *frame,
                       const struct plot *plot, uint64_t top_kib,
                       value_fn *value)
{
    for (unsigned int i = 0; i < plot->curve->count; i++) {
        const struct outcome_sample *sample = &plot->curve->samples[i];

        if (is_needless(plot->curve, i, value)) {
            continue;
        }
        put(out, x_of(frame, sample->at_ms, plot->duration_ms));
        (void)fputc(',', out);
        put(out, y_of(frame, value(sample), top_kib));
        (void)fputc(' ', out);
    }
}

/* What is needed is an area, as it is what all else is held against. */
static void put_area(FILE *out, const struct frame *frame,
                     const struct plot *plot, uint64_t top_kib)
{
    const struct outcome_curve *curve = plot->curve;
    uint64_t bottom = frame->top + frame->height;

    (void)fputs("<polygon class=\"area\" points=\"", out);
    put(out, x_of(frame, curve->samples[0].at_ms, plot->duration_ms));
    (void)fputc(',', out);
    put(out, bottom);
    (void)fputc(' ', out);
    put_points(out, frame, plot, top_kib, working_set_of);
    put(out,
        x_of(frame, curve->samples[curve->count - 1].at_ms, plot->duration_ms));
    (void)fputc(',', out);
    put(out, bottom);
    (void)fputs("\"/>", out);
}

static void put_curves(FILE *out, const struct frame *frame,
                       const struct plot *plot, uint64_t top_kib)
{
    static const struct {
        const char *class;
        value_fn *value;
    } lines[] = {
        {"working-set", working_set_of},
        {"demand", demand_of},
        {"current", current_of},
        {"target", target_of},
    };

    if (plot->curve->count == 0) {
        return;
    }
    put_area(out, frame, plot, top_kib);
    for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        (void)fprintf(out, "<polyline class=\"%s\" points=\"", lines[i].class);
        put_points(out, frame, plot, top_kib, lines[i].value);
        (void)fputs("\"/>", out);
    }
}

static void put_marks(FILE *out, const struct frame *frame,
                      const struct plot *plot, uint64_t top_kib)
{
    for (unsigned int i = 0; i < plot->mark_count; i++) {
        const struct plot_mark *mark = &plot->marks[i];
        uint64_t y = y_of(frame, mark->kib, top_kib);

        if (mark->kib > top_kib) {
            continue;
        }
        put_line(out, mark->class, frame->left, y, frame->left + frame->width,
                 y);
        if (mark->label) {
            put_text(out, "end", frame->left + frame->width - 4 * TEN,
                     y - 5 * TEN, mark->label);
        }
    }
}

void plot_curve(FILE *out, const struct plot *plot)
{
    struct frame frame = frame_of(plot->width, plot->height);
    uint64_t top_kib = top_of(plot);

    (void)fprintf(out,
                  "<svg class=\"plot\" viewBox=\"0 0 %u %u\" role=\"img\" "
                  "aria-label=\"%s\" data-top=\"%" PRIu64
                  "\" data-ms=\"%" PRIu64 "\" data-frame=\"%u %u %u %u\">",
                  plot->width, plot->height, plot->label, top_kib,
                  plot->duration_ms, frame.left / TEN, frame.top / TEN,
                  frame.width / TEN, frame.height / TEN);
    put_sizes_up(out, &frame, top_kib);
    put_times(out, &frame, plot->duration_ms);
    put_curves(out, &frame, plot, top_kib);
    put_marks(out, &frame, plot, top_kib);
    (void)fputs("</svg>\n", out);
}

/* ---- Unmet demand over the size of the host ------------------------------ */

/* From a hundredth of a permyriad on, logarithmic; what is less is at 0. */
#define LEAST_MILLI 10U

/* Times 1024; in between two powers of two a straight line is near enough. */
static uint64_t log2_1024(uint64_t value)
{
    unsigned int whole = 63U - (unsigned int)__builtin_clzll(value | 1);

    return whole * UINT64_C(1024) + units_scale(value - (UINT64_C(1) << whole),
                                                1024, UINT64_C(1) << whole);
}

static uint64_t height_of(uint64_t milli)
{
    return milli < LEAST_MILLI
               ? 0
               : 2400 + log2_1024(milli) - log2_1024(LEAST_MILLI);
}

static uint64_t top_milli(const struct plot_size *sizes, unsigned int count)
{
    uint64_t top = 1000;

    for (unsigned int i = 0; i < count; i++) {
        while (top < sizes[i].unmet_milli) {
            top *= 10;
        }
    }
    return top;
}

static void put_unmet_up(FILE *out, const struct frame *frame, uint64_t top)
{
    uint64_t milli = 0;

    while (milli <= top) {
        uint64_t y = y_of(frame, height_of(milli), height_of(top));
        char text[OUTCOME_MILLI_TEXT];

        if (milli >= 1000) {
            (void)snprintf(text, sizeof(text), "%" PRIu64, milli / 1000);
        } else {
            (void)snprintf(text, sizeof(text), "0.%0*" PRIu64,
                           milli < 100 ? 2 : 1,
                           milli / (milli < 100 ? 10 : 100));
        }
        put_line(out, "grid", frame->left, y, frame->left + frame->width, y);
        put_text(out, "end", frame->left - 6 * TEN, y + 4 * TEN,
                 milli == 0 ? "0" : text);
        milli = milli == 0 ? LEAST_MILLI : milli * 10;
    }
}

/* The sizes from the first to the last, over the width of the frame. */
struct span {
    uint64_t from_kib;
    uint64_t to_kib;
};

static uint64_t x_in(const struct frame *frame, const struct span *span,
                     uint64_t kib)
{
    return x_of(frame, units_less(kib, span->from_kib),
                units_less(span->to_kib, span->from_kib));
}

static void put_sizes_across(FILE *out, const struct frame *frame,
                             const struct span *span)
{
    uint64_t step_kib = size_step(span->to_kib - span->from_kib,
                                  frame->width / TEN / TICK_X + 1);
    uint64_t kib = (span->from_kib + step_kib - 1) / step_kib * step_kib;

    for (; kib <= span->to_kib; kib += step_kib) {
        uint64_t x = x_in(frame, span, kib);
        char text[NUMBER_SIZE_TEXT];

        put_line(out, "grid", x, frame->top, x, frame->top + frame->height);
        put_text(out, "middle", x, frame->top + frame->height + 16 * TEN,
                 number_format_size(text, sizeof(text), kib));
    }
}

static void put_dot(FILE *out, const struct plot_size *size, uint64_t x,
                    uint64_t y)
{
    char host[NUMBER_SIZE_TEXT];
    char unmet[OUTCOME_MILLI_TEXT];

    (void)fputs("<circle class=\"dot\" r=\"4\"", out);
    put_attribute(out, "cx", x);
    put_attribute(out, "cy", y);
    (void)fprintf(out, "><title>%s: %s permyriad unmet</title></circle>",
                  number_format_size(host, sizeof(host), size->host_memory_kib),
                  outcome_milli_text(size->unmet_milli, unmet));
}

void plot_sizes(FILE *out, const struct plot_size *sizes, unsigned int count,
                uint64_t shown_kib, unsigned int width, unsigned int height)
{
    struct frame frame = frame_of(width, height);
    const struct span span = {
        .from_kib = count > 0 ? sizes[0].host_memory_kib : 0,
        .to_kib = count > 0 ? sizes[count - 1].host_memory_kib : 0,
    };
    uint64_t top = top_milli(sizes, count);
    uint64_t shown = x_in(&frame, &span, shown_kib);

    (void)fprintf(out,
                  "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"unmet "
                  "demand over the size of the host\">",
                  width, height);
    put_unmet_up(out, &frame, top);
    put_sizes_across(out, &frame, &span);
    put_line(out, "host", shown, frame.top, shown, frame.top + frame.height);
    (void)fputs("<polyline class=\"unmet\" points=\"", out);
    for (unsigned int i = 0; i < count; i++) {
        put(out, x_in(&frame, &span, sizes[i].host_memory_kib));
        (void)fputc(',', out);
        put(out, y_of(&frame, height_of(sizes[i].unmet_milli), height_of(top)));
        (void)fputc(' ', out);
    }
    (void)fputs("\"/>", out);
    for (unsigned int i = 0; i < count; i++) {
        put_dot(out, &sizes[i], x_in(&frame, &span, sizes[i].host_memory_kib),
                y_of(&frame, height_of(sizes[i].unmet_milli), height_of(top)));
    }
    (void)fputs("</svg>\n", out);
}
