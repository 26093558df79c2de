#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The example of a configuration file is right: as it is shipped, and with all
# that it proposes.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

conf=$srcdir/backend/backend.conf
page=$srcdir/man/backend.conf.5.in
backend=./xenballoon-backend

if [ ! -x "$backend" ]; then
    echo "1..0 # SKIP built without the backend"
    exit 0
fi

all=$(mktemp) || exit 1
trap 'rm -f "$all"' EXIT
# Settings are commented out by a "#" without a blank behind it.
sed 's/^#\([^ ]\)/\1/; s/^#\(    "\)/\1/' "$conf" >"$all"

keys() {
    sed -n 's/^#\{0,1\}\([a-z0-9_]\{1,\}\) *=.*/\1/p' "$conf"
}

verdict "the example is accepted as it is" \
    "$("$backend" --test --config "$conf" 2>&1)"
verdict "the example is accepted with all that it proposes" \
    "$("$backend" --test --config "$all" 2>&1)"
verdict "the example has settings" \
    "$([ -n "$(keys)" ] || echo "none found")"
verdict "each key of the example is in its page" "$(
    for key in $(keys); do
        grep -qw -- "$key" "$page" || echo "$key"
    done)"

tap_done
