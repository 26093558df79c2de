# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=7200
#
# From the first stalled touch to the first new memory, over bursts in a guest
# that is alone on a host with memory to spare.  Three ways, one guest each, all
# from the same start:
#
#   peer      the guest looks every 100 ms and writes what is used to the store,
#             a daemon in dom0 obeys at once (peerwriter.c, hosttool peer)
#   backend   xenballoon without the guest's own reflex
#   reflex    with it
#
# An emulated guest takes 20 to 100 MiB/s, a tenth of a real one's rate or less,
# while 100 ms are 100 ms.  So all that buys time is a sixth of its usual size:
# 8 MiB of head-room for 48, the change that the peer's guest tells of 5000 KiB
# for 30000, the peer's share of what is used 1.05 for 1.3.
#
#   p50_ms, p99_ms  0 for memory that came before anything stalled; without
#                   bursts in which nothing stalled, and those in which nothing
#                   came
#   before          bursts in which the memory came first
#   stalled_p99_ms  p99 of the others
#   never           stalled, and nothing came
#   calm            nothing stalled, and nothing came
#   killed          the kernel killed a program
#   pressure_p50_ms how long tasks were held up, of the kernel's own account

bursts=50
burst_min_kib=$((40 * 1024))
burst_max_kib=$((60 * 1024))
start_kib=$((160 * 1024))
# Free memory; the kernel keeps about 6 MiB of it.
free_kib=$((14 * 1024))
headroom_percent=5
peer_change_kib=5000
peer_percent=105

# For the frontend, if it can do without its reflex by an option.
without_reflex=""
if have xenballoon-frontend &&
    xenballoon-frontend --help | grep -q -e --no-reflex; then
    without_reflex=--no-reflex
fi

load_holds() { load_log "$1" | grep -q '"step":"hold"'; }

# guest_ready NAME [PAIR]...: at its start, with a program that holds all but
# the head-room.
guest_ready() {
    local guest=$1
    shift
    guest_create "$guest" type=pv memory=160 maxmem=384 swap=96 "$@"
    settle "$guest"
    # The kernel is to kill the burst, if anybody: agent and load go last.
    load_start "$guest" "alloc $((
        $(guest_meminfo "$guest" MemFree) - free_kib))K; hold 10000m"
    quietly_until 60 load_holds "$guest"
    guest_run "$guest" 'echo -900 >/proc/$(pidof memload)/oom_score_adj'
    note "$guest starts with $(xen_current_kib "$guest") KiB," \
        "free $(guest_meminfo "$guest" MemFree)"
}

is_at_start() {
    local off=$(($(xen_current_kib "$1") - start_kib))
    [ "${off#-}" -le 1024 ]
}

# Back to the start, whatever has been learned in between.
settle() {
    hosttool set "$1" $start_kib
    quietly_until 60 is_at_start "$1" ||
        note "$1 holds $(xen_current_kib "$1") KiB at its start"
}

# burst NAME NUMBER: one line of JSON with what came of it.
burst() {
    guest_run -t 120 "$1" memburst 1 $burst_min_kib $burst_max_kib 2000 0 "$2" |
        tee -a "$work/$1.json"
}

# percentiles and counts of the lines of a way
summary='def at($p): sort | .[(length * $p / 100 | ceil) - 1];
    [.[].latency_ms | values] as $seen |
    {bench: "pressure-to-memory", way: $way,
     p50_ms: ($seen | at(50)), p99_ms: ($seen | at(99)), bursts: length,
     before: map(select(.before)) | length,
     stalled_p99_ms: ([.[] | select(.before | not) | .latency_ms | values] |
        if length > 0 then at(99) else null end),
     never: map(select(.stall_ms and .rise_ms == null)) | length,
     calm: map(select(.stall_ms == null and .rise_ms == null)) | length,
     killed: map(select(.killed)) | length,
     pressure_p50_ms: (map(.pressure_ms) | at(50)),
     kib_per_s: (map(select(.took_ms) | .size_kib * 1000 / .took_ms) |
        at(50) | floor)}'
tell_way() {
    cp "$work/$1.json" "$log_folder/bench-$1.json"
    emit "$(jq -c -s --arg way "$1" "$summary" "$work/$1.json")"
    check_equal "$1: each burst was measured" \
        "$(wc -l <"$work/$1.json")" $bursts
}

# --- peer -------------------------------------------------------------------

guest_ready peer frontend=no
guest_start peer peerwriter $peer_change_kib
pause 2
hosttool peer peer $start_kib $peer_percent &
daemon=$!
for number in $(seq $bursts); do
    quietly_until 60 is_at_start peer
    burst peer "$number"
done
kill $daemon
tell_way peer
guest_destroy peer

# --- ours -------------------------------------------------------------------

is_managed() { [ "$(listed "$1" state)" = managed ]; }

# ours WAY [FRONTEND-ARGUMENT]: a new backend for each burst, so that no burst
# profits from what was learned of the one before.
ours() {
    local way=$1 number record
    guest_ready "$way" frontend_args="--heartbeat 2 ${2:-}"
    for number in $(seq $bursts); do
        for record in xenballoon backend/balloon; do
            store_rm /local/domain/0/$record 2>/dev/null
        done
        settle "$way"
        backend_start <<END
reserve = "256M"
domains = [ "name=$way, headroom=$headroom_percent" ]
END
        quietly_until 60 is_managed "$way"
        # What it gives at rest, at most: its head-room is its own.
        pause 3
        [ "$number" -gt 3 ] ||
            note "$way: $(xen_current_kib "$way") KiB, free" \
                "$(guest_meminfo "$way" MemFree)"
        burst "$way" "$number"
        backend_stop
    done
    tell_way "$way"
    guest_destroy "$way"
}

if ! have xenballoon-backend; then
    skip 'ours' 'there is no backend'
    return
fi
ours backend "$without_reflex"
if [ -n "$without_reflex" ]; then
    ours reflex
else
    skip 'with the reflex' 'the frontend has none'
fi
