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
    "$@" --help 2>&1 | grep -oE -- '(^|[][ ,|(])--?[A-Za-z][A-Za-z-]*' |
        sed 's/^[^-]*//' | sort -u
}

# The words at the beginning of indented lines, where a list of commands is.
commands() {
    "$@" --help 2>&1 | sed -n 's/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p'
}

# page PAGE PROGRAM [WORD]
page() {
    page=$1
    shift
    [ -x "$1" ] || return
    if [ ! -e "$page" ]; then
        verdict "$* has a page" "$page is not there"
        return
    fi
    text=$(render "$page")
    verdict "$* --help prints options" \
        "$([ -n "$(options "$@")" ] || echo "none found")"
    verdict "$page has each option of $* --help" "$(
        options "$@" | while IFS= read -r option; do
            printf '%s\n' "$text" |
                grep -Eq -- "(^|[^A-Za-z-])$option([^A-Za-z-]|\$)" ||
                echo "$option"
        done)"
    [ -z "$(commands "$@")" ] || verdict "$page has each command of $* --help" "$(
        for command in $(commands "$@"); do
            printf '%s\n' "$text" | grep -qw -- "$command" || echo "$command"
        done)"
}

page man/xenballoon.1 ./xenballoon
# A guest's has no such command.
! ./xenballoon help 2>/dev/null | grep -q '^  simulate ' ||
    page man/xenballoon-simulate.1 ./xenballoon simulate
page man/xenballoon-backend.8 ./xenballoon-backend
page man/xenballoon-frontend.8 ./xenballoon-frontend

for file in man/*.[1-8]; do
    [ -e "$file" ] || continue
    verdict "$file: the formatter is silent" \
        "$(man --warnings -l "$file" 2>&1 >/dev/null)"
    verdict "$file: every place is filled in" \
        "$(grep -nE '@[A-Za-z_]+@' "$file")"
done

tap_done
