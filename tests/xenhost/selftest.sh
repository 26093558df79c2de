#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the judge judge?  Runs `xenhost` on scenarios that pass, fail, hang and
# leave things behind, and looks at exit status, report, logs and processes.
# TAP; boots twice, a minute in all.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
work=$(mktemp -d "${TMPDIR:-/tmp}/xenhost-selftest.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
export XENHOST_LOGS=$work/logs
export TMPDIR=$work
number=0

is() { # WHAT STATUS
    local word="not ok"
    [ "$2" != 0 ] || word=ok
    number=$((number + 1))
    echo "$word $number - selftest: $1"
}
says() { # WHAT PATTERN: in the last report
    grep -Eq "$2" "$work/report"
    is "$1" $?
}
# Those of this test have its folder on their command line.
emulators() { pgrep -f "qemu-system-x86_64.*path=$work/" | wc -l; }
no_emulator_within() { # SECONDS
    local until_s=$((SECONDS + $1))
    until [ "$(emulators)" = 0 ]; do
        [ $SECONDS -lt $until_s ] || return 1
        sleep 0.2
    done
}

echo 'TAP version 13'

# --- wrong use --------------------------------------------------------------

"$here/xenhost" run "$work/is-not-there.sh" >"$work/report" 2>&1
[ $? = 2 ]
is 'a file that cannot be read is wrong use' $?
says 'and named' 'cannot read .*is-not-there'
"$here/xenhost" run --store perl "$0" >"$work/report" 2>&1
[ $? = 2 ]
is 'so is a store that does not exist' $?

# --- one boot, five scenarios -----------------------------------------------

echo "check 'the hypervisor is Xen' 'xl info | grep -q xen_version'" \
    >"$work/good.sh"
echo "check_equal 'two is three' 2 3" >"$work/bad.sh"
echo 'true' >"$work/idle.sh"
# shellcheck disable=SC2016
echo 'printf "if then" >&2; if then' >"$work/broken.sh"
printf '%s\n' '# xenhost: timeout=8' 'pass "it began"' 'while :; do :; done' \
    >"$work/hang.sh"
"$here/xenhost" run "$work"/{good,bad,idle,broken,hang}.sh \
    >"$work/report" 2>&1
[ $? = 1 ]
is 'a run in which something failed has status 1' $?
says 'the good one passed' '^ok [0-9]+ - good: the hypervisor is Xen'
says 'the bad one failed' '^not ok [0-9]+ - bad: two is three'
says 'with what was seen' "got '2', wanted '3'"
says 'one that checks nothing failed' '^not ok [0-9]+ - idle: checks something'
says 'one that bash cannot read failed' '^not ok [0-9]+ - broken:'
says 'one that hangs was ended' '^not ok [0-9]+ - hang: ended within its time'
says 'the plan counts them' '^1\.\.6$'
logs=$(sed -n 's/^# logs: //p' "$work/report")
[ -s "${logs:-none}/xen-console.log" ] && [ -d "$logs/consoles" ]
is 'logs are kept where the report says' $?
[ "$(emulators)" = 0 ]
is 'no emulator is left' $?

# --- a runner that is killed ------------------------------------------------

"$here/xenhost" run "$work/hang.sh" >"$work/report" 2>&1 &
runner=$!
until_s=$((SECONDS + 60))
until [ "$(emulators)" = 1 ] || [ $SECONDS -ge $until_s ]; do sleep 0.2; done
[ "$(emulators)" = 1 ]
is 'an emulator was started' $?
kill -KILL $runner
wait $runner 2>/dev/null
no_emulator_within 10
is 'kill -9 of the runner takes it along' $?

echo "1..$number"
