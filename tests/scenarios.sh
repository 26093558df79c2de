#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples of scenarios are right: each is played, and what they use is in
# the manual.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

tool=./xenballoon
page=$srcdir/man/xenballoon-scenario.5.in

if [ ! -x "$tool" ]; then
    echo "1..0 # SKIP built without the backend"
    exit 0
fi

keys() {
    sed -n 's/^\([a-z_]\{1,\}\) *=.*/\1/p' "$@" | sort -u
}

# The words of the entries of domains.
words() {
    grep -oE '[ "][a-z]+=' "$@" | tr -d ' "=' | sed 's/^.*://' | sort -u
}

for file in "$srcdir"/simulate/examples/*.scenario; do
    verdict "$(basename "$file") is played" "$(
        "$tool" simulate --json "$file" 2>&1 >/dev/null)"
    verdict "$(basename "$file") says something of its domains" "$(
        "$tool" simulate --json "$file" 2>/dev/null |
            grep -q '"unmet_permyriad"' || echo "no figures")"
done
verdict "each key of the examples is in the manual" "$(
    for key in $(keys "$srcdir"/simulate/examples/*.scenario); do
        grep -q "^\.It Ic $key " "$page" || echo "$key"
    done)"
verdict "each word of the examples is in the manual" "$(
    for word in $(words "$srcdir"/simulate/examples/*.scenario); do
        grep -q "^\.It Cm $word=" "$page" || echo "$word"
    done)"
written=$(mktemp) || exit 1
plots=$(mktemp) || exit 1
trap 'rm -f "$written" "$plots"' EXIT
sed -n '/^\.Bd/,/^\.Ed/p' "$page" | grep -v '^\.' >"$written"
verdict "the example of the manual is played" "$(
    "$tool" simulate --host-memory 10G --json "$written" 2>&1 >/dev/null)"

example=$srcdir/simulate/examples/swap.scenario
verdict "a page of plots is written" "$(
    "$tool" simulate --json --html "$plots" "$example" 2>&1 >/dev/null
    [ "$(grep -c '<svg' "$plots")" -eq 4 ] || echo "not four plots"
    ! command -v xmllint >/dev/null 2>&1 || xmllint --noout "$plots" 2>&1)"
verdict "a page that cannot be written is an error" "$(
    "$tool" simulate --json --html /no/such/page "$example" >/dev/null 2>&1
    [ "$?" -eq 1 ] || echo "the status is not 1")"

policy=$srcdir/simulate/examples/policy.py
if command -v python3 >/dev/null 2>&1; then
    verdict "the example of a policy answers" "$(
        "$tool" simulate --policy-command "python3 $policy" --json \
            "$example" 2>&1 >/dev/null)"
fi

tap_done
