# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=900
#
# What xenballoon costs when nothing happens: six guests at rest for a minute.
# Writes are events of watches on everything that an end may write; wake-ups
# are voluntary switches of all threads; CPU is what the scheduler counted.

seconds=60
guests=()
for number in 1 2 3 4 5 6; do
    guests+=("calm$number")
    guest_create_nowait "calm$number" type=pv memory=128 maxmem=256
done
for guest in "${guests[@]}"; do guest_wait "$guest"; done
backend_start <<<'reserve = "256M"'
all_managed() {
    [ "$(xb list --json |
        jq '[.domains[] | select(.state == "managed")] | length')" = 6 ]
}
wait_until 120 'all are managed' all_managed
# What was new to the backend has settled then: the heartbeat is 10 s.
pause 60

# "WAKE-UPS CPU-MICROSECONDS RESIDENT-KIB" of process $pid
figures='cd /proc/$pid && awk "
    FILENAME ~ /status/ && /^voluntary/ { wakeups += \$2 }
    FILENAME ~ /schedstat/ { cpu += \$1 }
    /^VmRSS/ { rss = \$2 }
    END { print wakeups, int(cpu / 1000), rss }
    " task/*/status task/*/schedstat'
frontend_figures() {
    guest_run "$1" "pid=\$(cat /run/frontend.pid); $figures"
}
backend_figures() {
    pid=$(backend_pid) sh -c "$figures"
}

backend_paths=(/local/domain/0/backend/balloon /local/domain/0/xenballoon)
for guest in "${guests[@]}"; do
    id=$(domid "$guest")
    store_watch_count_start "$guest" "/local/domain/$id/device/balloon" \
        "/local/domain/$id/data/balloon"
    backend_paths+=("/local/domain/$id/memory/target")
    frontend_figures "$guest" >"$work/$guest.before"
done
store_watch_count_start backend "${backend_paths[@]}"
backend_figures >"$work/backend.before"
pause $seconds
backend_figures >"$work/backend.after"
for guest in "${guests[@]}"; do
    frontend_figures "$guest" >"$work/$guest.after"
done

# figures_of WHO WRITES: an object of JSON
figures_of() {
    paste -d ' ' "$work/$1.before" "$work/$1.after" |
        jq -R -c --arg writes "$2" 'split(" ") | map(tonumber) |
            {writes: ($writes | tonumber), wakeups: (.[3] - .[0]),
             cpu_ms: ((.[4] - .[1]) / 1000 | round), rss_kib: .[5]}'
}
backend=$(figures_of backend "$(store_watch_count_stop backend)")
frontends=$(for guest in "${guests[@]}"; do
    figures_of "$guest" "$(store_watch_count_stop "$guest")"
done | jq -s -c .)
note "frontends: $frontends"
line=$(jq -c -n --argjson frontends "$frontends" --argjson backend "$backend" \
    --argjson seconds $seconds '
    def worst(f): $frontends | map(f) | max;
    {bench: "steady-state", guests: ($frontends | length), seconds: $seconds,
     frontend: {writes: worst(.writes), wakeups: worst(.wakeups),
                cpu_ms: worst(.cpu_ms), rss_kib: worst(.rss_kib)},
     backend: $backend}')
emit "$line"
is() { jq -e "$1" <<<"$line"; }
check 'a frontend writes at most six times a minute' \
    is '.frontend.writes <= 6'
check 'and stays within 2 MiB' is '.frontend.rss_kib <= 2048'
check 'the backend writes nothing' is '.backend.writes == 0'
