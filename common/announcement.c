/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/announcement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/units.h"

#define WORKING "working"
#define READY "ready"

int announcement_format(const struct announcement *announcement,
                        char text[ANNOUNCEMENT_TEXT_MAX])
{
    return snprintf(text, ANNOUNCEMENT_TEXT_MAX,
                    "%" PRIu64 " %" PRIu64 " %" PRIu64, announcement->number,
                    announcement->target_kib, announcement->wait_ms);
}

int answer_format(const struct answer *answer, char text[ANNOUNCEMENT_TEXT_MAX])
{
    return snprintf(text, ANNOUNCEMENT_TEXT_MAX, "%" PRIu64 " %s %" PRIu64,
                    answer->number, answer->is_ready ? READY : WORKING,
                    answer->can_give_kib);
}

struct part {
    const char *text;
    size_t len;
};

/* Exactly three parts, with one space between two. */
static int split(const char *untrusted, size_t len, struct part parts[3])
{
    const char *end = untrusted + len;

    for (int i = 0; i < 3; i++) {
        const char *space = memchr(untrusted, ' ', (size_t)(end - untrusted));

        if ((space == NULL) != (i == 2)) {
            return -EINVAL;
        }
        parts[i].text = untrusted;
        parts[i].len = (size_t)((space ? space : end) - untrusted);
        untrusted = space ? space + 1 : end;
    }
    return 0;
}

static int parse_part(const struct part *part, uint64_t max, uint64_t *ret)
{
    return number_parse(part->text, part->len, max, ret) < 0 ? -EINVAL : 0;
}

static bool is_word(const struct part *part, const char *word)
{
    return part->len == strlen(word) &&
           memcmp(part->text, word, part->len) == 0;
}

int announcement_parse(const char *untrusted, size_t len,
                       struct announcement *ret_announcement)
{
    struct announcement announcement = {0};
    struct part parts[3];
    int r;

    r = split(untrusted, len, parts);
    if (r == 0) {
        r = parse_part(&parts[0], ANNOUNCEMENT_NUMBER_MAX,
                       &announcement.number);
    }
    if (r == 0) {
        r = parse_part(&parts[1], UNITS_KIB_MAX, &announcement.target_kib);
    }
    if (r == 0) {
        r = parse_part(&parts[2], ANNOUNCEMENT_WAIT_MAX_MS,
                       &announcement.wait_ms);
    }
    if (r < 0 || announcement.number == 0) {
        return -EINVAL;
    }
    *ret_announcement = announcement;
    return 0;
}

int answer_parse(const char *untrusted, size_t len, struct answer *ret_answer)
{
    struct answer answer = {0};
    struct part parts[3];
    int r;

    r = split(untrusted, len, parts);
    if (r == 0) {
        r = parse_part(&parts[0], ANNOUNCEMENT_NUMBER_MAX, &answer.number);
    }
    if (r == 0) {
        answer.is_ready = is_word(&parts[1], READY);
        r = answer.is_ready || is_word(&parts[1], WORKING)
                ? parse_part(&parts[2], UNITS_KIB_MAX, &answer.can_give_kib)
                : -EINVAL;
    }
    if (r < 0 || answer.number == 0) {
        return -EINVAL;
    }
    *ret_answer = answer;
    return 0;
}
