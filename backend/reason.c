/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table: the word that programs see, and the sentence that people see,
 * with {a} and {b} where the numbers go.
 */
#include "backend/reason.h"

#include <assert.h>
#include <string.h>

#include "common/number.h"

static const struct {
    const char *word;
    const char *sentence;
} reasons[REASON_CODES] = {
    [REASON_NONE] = {"none", "nothing is to be done"},

    [REASON_NEEDS] = {"needs", "grown: it needs {a}, and {b} was free for it"},
    [REASON_NEEDS_PART] = {"needs-part",
                           "grown by {b}, all there was: it needs {a}"},
    [REASON_GIVES] = {"gives",
                      "shrunk: it needs no more than {a}, and others lack {b}"},
    [REASON_REFILLS] = {"refills", "shrunk: it needs no more than {a}, and the "
                                   "host's reserve lacks {b}"},
    [REASON_READIES] = {"readies", "shrunk: it needs no more than {a}, and {b} "
                                   "lack of what is kept free for bursts"},
    [REASON_SHARES] = {"shares", "shrunk below the {a} it needs: the host is "
                                 "short, and its fair share is {b}"},
    [REASON_TRIMS] = {"trims",
                      "shrunk: there is not head-room for all, it would "
                      "like {a}, and others lack {b}"},
    [REASON_BELOW_FLOOR] = {"below-floor",
                            "grown: it held less than its floor of {a}"},
    [REASON_ABOVE_CEILING] = {"above-ceiling",
                              "shrunk: it held more than its ceiling of {a}"},
    [REASON_GAVE_UP] = {"gave-up", "target taken back to the {a} it holds: it "
                                   "did not move to {b}"},

    [REASON_ALLOWANCE] = {"allowance",
                          "may take {b} by itself at once, {a} before"},
    [REASON_LIMIT_FOLLOWS] = {"limit-follows", "limit moved from {a} to {b}: "
                                               "the target was reached"},

    [REASON_SATISFIED] = {"satisfied",
                          "it needs {a}, and its target of {b} is near enough"},
    [REASON_WAITS] = {"waits", "it needs {a} and waits: nothing is free yet, "
                               "others are giving memory back"},
    [REASON_SHORT] = {"short", "it needs {a}: the host is short of memory, and "
                               "its fair share is {b}"},
    [REASON_SPARE] = {"spare", "it holds {b} more than the {a} it needs, and "
                               "nobody lacks it"},
    [REASON_HANDS_OFF] = {"hands-off", "holds {b} more than the {a} it needs, "
                                       "and is not asked for it: it hurt when "
                                       "it was last shrunk"},
    [REASON_ANNOUNCED] = {"announced", "asked to make room: it is to give {b} "
                                       "and to keep {a}"},
    [REASON_REFUSES] = {"refuses", "it was asked for more, and says that it "
                                   "cannot go below {a}"},
    [REASON_ON_ITS_WAY] = {"on-its-way", "it holds {a} and moves towards {b}"},
    [REASON_BUILDING] = {"building", "left alone: it is being built"},
    [REASON_DYING] = {"dying", "left alone: it is going away"},
    [REASON_SAVING] = {"saving",
                       "left alone: it is being saved or migrated"},
    [REASON_SERVICE] = {"service", "left alone: it serves the toolstack"},
    [REASON_LEAVE_ALONE] = {"leave-alone",
                            "left alone: backend.conf says so (leave-alone)"},
    [REASON_FIXED] = {"fixed", "left alone: its floor and its ceiling are both "
                               "{a}"},
    [REASON_OPERATOR] = {"operator", "held at {a} by the operator (xl "
                                     "mem-set); 'xenballoon release' gives it "
                                     "back"},
    [REASON_STATIC] = {"static", "left alone: no frontend has ever reported "
                                 "from it"},
    [REASON_SILENT] = {"silent", "left alone: its frontend has fallen silent"},
    [REASON_STOPPED] = {"stopped", "left alone: its frontend was stopped"},
    [REASON_GARBLED] = {"garbled", "left alone: what its frontend reports "
                                   "cannot be read"},
    [REASON_STUCK] = {"stuck", "left alone: it holds {a} and does not move "
                               "towards {b}"},
    [REASON_NO_BALLOON] = {"no-balloon", "left alone: its kernel has no "
                                         "balloon driver"},
};

const char *reason_word(enum reason_code code)
{
    assert((unsigned int)code < REASON_CODES);

    return reasons[code].word;
}

/* Adds len bytes, or as many as there is room for. */
static void append(char *text, size_t *used, const char *piece, size_t len)
{
    size_t room = REASON_TEXT_MAX - 1 - *used;

    if (len > room) {
        len = room;
    }
    memcpy(text + *used, piece, len);
    *used += len;
    text[*used] = '\0';
}

char *reason_text(const struct reason *reason, char text[REASON_TEXT_MAX])
{
    const char *at;
    size_t used = 0;

    assert((unsigned int)reason->code < REASON_CODES);

    for (at = reasons[reason->code].sentence; *at;) {
        size_t plain = strcspn(at, "{");
        char amount[NUMBER_SIZE_TEXT];

        append(text, &used, at, plain);
        at += plain;
        if (*at == '{') {
            (void)number_format_size(amount, sizeof(amount),
                                     at[1] == 'a' ? reason->a_kib
                                                  : reason->b_kib);
            append(text, &used, amount, strlen(amount));
            at += strlen("{a}");
        }
    }
    return text;
}
