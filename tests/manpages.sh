#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual is whole: each option that a program's --help prints occurs in
# its page, and the formatter has nothing to say about any page.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

# Wide enough for any prefix: a path that does not fit is not the page's fault.
LC_ALL=C.UTF-8
MANWIDTH=500
export LC_ALL MANWIDTH

if ! command -v man >/dev/null 2>&1 || ! command -v groff >/dev/null 2>&1; then
    echo "1..0 # SKIP needs man-db and groff"
    exit 0
fi

# As a reader sees it, without bold and underline.
render() {
    man -P cat -l "$1" 2>/dev/null |
        sed 's/.\x08//g'
}

options() {
    "$1" --help 2>&1 | grep -oE -- '(^|[][ ,|(])--?[A-Za-z][A-Za-z-]*' |
        sed 's/^[^-]*//' | sort -u
}

# The words at the beginning of indented lines, where a list of commands is.
commands() {
    "$1" --help 2>&1 | sed -n 's/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p'
}

# page PROGRAM PAGE
page() {
    [ -x "$1" ] || return
    if [ ! -e "$2" ]; then
        verdict "$1 has a page" "$2 is not there"
        return
    fi
    text=$(render "$2")
    verdict "$1 --help prints options" \
        "$([ -n "$(options "$1")" ] || echo "none found")"
    verdict "$2 has each option of $1 --help" "$(
        options "$1" | while IFS= read -r option; do
            printf '%s\n' "$text" |
                grep -Eq -- "(^|[^A-Za-z-])$option([^A-Za-z-]|\$)" ||
                echo "$option"
        done)"
    [ -z "$(commands "$1")" ] || verdict "$2 has each command of $1 --help" "$(
        for command in $(commands "$1"); do
            printf '%s\n' "$text" | grep -qw -- "$command" || echo "$command"
        done)"
}

page ./xenballoon man/xenballoon.1
page ./xenballoon-backend man/xenballoon-backend.8
page ./xenballoon-frontend man/xenballoon-frontend.8

for file in man/*.[1-8]; do
    [ -e "$file" ] || continue
    verdict "$file: the formatter is silent" \
        "$(man --warnings -l "$file" 2>&1 >/dev/null)"
    verdict "$file: every place is filled in" \
        "$(grep -nE '@[A-Za-z_]+@' "$file")"
done

tap_done
