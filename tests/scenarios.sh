#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples of scenarios are right: each is played, and what they use is in
# the manual.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

tool=./xenballoon
page=$srcdir/man/xenballoon-scenario.5.in

if ! "$tool" help 2>/dev/null | grep -q '^  simulate '; then
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

# held EXAMPLE DOMAIN FROM TO [KEY = VALUE]: what the domain holds at the end of
# the example, in MiB, after a line of it was changed.
held() {
    key=${5:-none}
    key=${key%% *}
    sed "s/^${key} = .*/${5:-}/" "$srcdir/simulate/examples/$1.scenario" \
        >"$written"
    "$tool" simulate --json "$written" |
        sed -n 's/^ *"name": "\(.*\)",$/\1/p
            s/^ *"final_current_kib": \([0-9]*\),$/\1/p' | paste - - |
        awk -v name="$2" -v from="$3" -v to="$4" '
            $1 == name { found = $2 / 1024 }
            END { if (found < from || found > to)
                      print name " holds " found " MiB" }'
}

verdict "idle-tax: idle memory goes to who needs it, as far as taxed" "$(
    held idle-tax idle 3900 4500
    held idle-tax busy 13800 14540)"
verdict "idle-tax: untaxed, to each a half" "$(
    held idle-tax idle 9060 9370 'idle_tax = 0'
    held idle-tax busy 9060 9370 'idle_tax = 0')"
verdict "weights: above the floors it is 4 to 1 to 1" "$(
    held weights gold 18063 18801
    held weights silver 6021 6267
    held weights bronze 6021 6267)"

policy=$srcdir/simulate/examples/policy.py
if command -v python3 >/dev/null 2>&1; then
    verdict "the example of a policy answers" "$(
        "$tool" simulate --policy-command "python3 $policy" --json \
            "$example" 2>&1 >/dev/null)"
fi

tap_done
