#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing is forgotten: a test that no makefile names is never built, a source
# that none names is never shipped, a fuzz target without a corpus replays
# nothing.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

folders="common frontend backend control simulate man tests"

found() {
    for dir in $folders; do
        [ ! -d "$srcdir/$dir" ] || find "$srcdir/$dir" -name "$1"
    done | sed "s|^$srcdir/||" | sort
}

# Everything that the local.mk files name, as paths from the top.
named=$(found local.mk | while IFS= read -r fragment; do
    sed -e 's/#.*//' -e "s|%D%|$(dirname "$fragment")|g" "$srcdir/$fragment" |
        tr -s ' \t\\+=' '[\n*]'
done | sort -u)

is_named() {
    printf '%s\n' "$named" | grep -Fqx -- "$1"
}

# unnamed < PATHS: those that are not named, nor a folder that they are in.
unnamed() {
    while IFS= read -r path; do
        part=$path
        while [ "$part" != . ] && ! is_named "$part"; do
            part=$(dirname "$part")
        done
        [ "$part" != . ] || echo "$path"
    done
}

verdict "each source is named in a local.mk" "$(
    { found '*.c'; found '*.h'; } | unnamed)"
verdict "each unit test is a program of make check" "$(
    found 'test_*.c' | sed 's/\.c$//' | unnamed)"
verdict "each fuzz target is a program of make check" "$(
    found 'fuzz_*.c' | sed 's/\.c$//' | unnamed)"
verdict "each file that configure's values go into is named" "$(
    found '*.in' | unnamed)"
verdict "each script of tests/ and each file of the virtual host is named" "$({
        find "$srcdir/tests" -maxdepth 1 -name '*.sh'
        find "$srcdir/tests/xenhost" -type f ! -path '*/.*' ! -name '*.o' \
            ! -name memload
    } | sed "s|^$srcdir/||" | unnamed)"

verdict "each fuzz target has a corpus" "$(
    found 'fuzz_*.c' | while IFS= read -r target; do
        name=$(basename "$target" .c)
        ls "$srcdir/tests/fuzz/corpus/${name#fuzz_}/"* >/dev/null 2>&1 ||
            echo "$target"
    done)"
verdict "each corpus has a fuzz target" "$(
    for corpus in "$srcdir"/tests/fuzz/corpus/*/; do
        [ -d "$corpus" ] || continue
        name=$(basename "$corpus")
        [ -e "$srcdir/tests/fuzz/fuzz_$name.c" ] || echo "$name"
    done)"

verdict "each source says its licence in its first three lines" "$(
    { found '*.[ch]'; found '*.sh'; found '*.mk'; found '*.in'
      found '*.conf'; } |
        while IFS= read -r path; do
            head -n 3 "$srcdir/$path" |
                grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' ||
                echo "$path"
        done)"
verdict "each header is guarded by BALLOON_<DIR>_<FILE>_H" "$(
    found '*.h' | while IFS= read -r path; do
        guard=BALLOON_$(printf '%s' "$path" | tr 'a-z/.-' 'A-Z___')
        grep -q "^#ifndef $guard\$" "$srcdir/$path" || echo "$path: $guard"
    done)"

tap_done
