# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The report of a run: one stream of TAP, and the logs of what failed.  Sourced
# by `xenhost`.

report_begin() {
    checks=0 failures=0 skips=0 failed_in_boot=0
    echo "TAP version 13"
}

# Numbers the results of all scenarios in one sequence.
report_line() {
    case $1 in
    "ok - "*)
        checks=$((checks + 1))
        case $1 in *" # SKIP"*) skips=$((skips + 1)) ;; esac
        echo "ok $checks ${1#ok }" ;;
    "not ok - "*)
        checks=$((checks + 1))
        failures=$((failures + 1))
        failed_in_boot=1
        echo "not ok $checks ${1#not ok }" ;;
    *) echo "$1" ;;
    esac
}

# Keeps consoles and logs when something failed in this boot.
collect_logs() {
    local store=$1 folder
    [ $failed_in_boot = 1 ] || [ "$keep" = yes ] || return 0
    failed_in_boot=0
    mkdir -p "$logs"
    folder=$(mktemp -d "$logs/$(date +%Y%m%d-%H%M%S)-$store.XXXX") || return 0
    cp -r "$share/log/." "$share/jobs" "$share/stream" "$folder/" 2>/dev/null
    chmod -R u+rwX "$folder"
    say "logs: $folder"
    report_line "# logs: $folder"
}

report_end() {
    echo "1..$checks"
    echo "# $((checks - failures)) of $checks passed, $failures failed," \
        "$skips skipped, $1 s"
    [ "$failures" = 0 ] || exit 1
}
