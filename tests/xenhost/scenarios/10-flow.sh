# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=1500
#
# Two guests, a PV and b PVH, on a host that has next to nothing to spare: what
# one gets the other has to give.
#
#   1. One needs, the other is idle: memory flows to the need, and back.
#   2. The backend is killed in the middle of a transfer, ten times.
#   3. xl mem-set by the operator is obeyed and kept, also over a restart.

guest_create_nowait a type=pv memory=112 maxmem=512 swap=64 \
    frontend_args='--heartbeat 2'
guest_create_nowait b type=pvh memory=448 maxmem=448 swap=64 \
    frontend_args='--heartbeat 2'
guest_wait a
guest_wait b

configuration="reserve = \"$(($(host_free_kib) - 80 * 1024))K\""
both() { [ "$(listed a state) $(listed b state)" = "$1 $1" ]; }
reserve_is_kept() {
    # A domain's own slack, and what a transfer has under way.
    [ "$(host_free_kib)" -ge \
        $(($(xb status --json | jq .host.reserve_kib) - 4096)) ]
}
backend_start <<<"$configuration"
wait_until 60 'both guests are managed' both managed

# --- 1. need and idle -----------------------------------------------------

# flow TAKER DONOR SIZE LEAST: a load of SIZE in TAKER; DONOR gives LEAST KiB.
flow() {
    local taker=$1 donor=$2 before
    before=$(xen_current_kib "$donor")
    load_start "$taker" "alloc $3 rate=6M/s; touch 3s rate=20M/s; hold 2s"
    load_wait "$taker" 400
    note "$taker holds $(xen_current_kib "$taker") KiB, $donor gave" \
        "$((before - $(xen_current_kib "$donor"))) KiB; slowest touch" \
        "$(load_result "$taker" slowest_touch_us) us"
    check_equal "load in $taker met no OOM kill" "$(guest_oom_kills "$taker")" 0
    check_between "load in $taker swapped a few MiB at most" \
        "$(guest_swapped_kib "$taker")" 0 8192
    check_equal "$donor met no OOM kill" "$(guest_oom_kills "$donor")" 0
    check "$donor gave at least $4 KiB" \
        "[ $((before - $(xen_current_kib "$donor"))) -ge $4 ]"
}

# Three times what a began with.
flow a b 336M 200000
check 'a was grown because it needed' \
    "backend_log | grep -q 'name=\"a\".* reason=needs: grown'"
flow b a 140M 100000
check 'Xen kept its reserve' reserve_is_kept

# --- 2. kill -9 -----------------------------------------------------------

# give NAME: it is to hold 384 MiB, the other one what it needs.
give() {
    local other=a
    [ "$1" = b ] || other=b
    xb set $other floor=112M && xb set "$1" floor=384M
}
has_got() { [ "$(xen_current_kib "$1")" -ge $((384 * 1024 - 1024)) ]; }
# But for what a guest was told that it may take by itself.
limits_fit() {
    local name over
    for name in a b; do
        over=$(($(xen_limit_kib $name) - $(target_kib $name) -
            $(listed $name allowance_kib)))
        if [ $over -lt 1024 ] || [ $over -gt 3072 ]; then
            echo "$name: limit $over KiB above its target"
            return 1
        fi
    done
}

# Unharmed first: this is the state to be reached.
check 'a is to hold 384 MiB' give a
wait_until 90 'unharmed, a gets them' has_got a
wait_until 60 'and the limits follow the targets' limits_fit

killed=0 finished=0
for round in {1..10}; do
    if [ $((round % 2)) = 1 ]; then taker=b; else taker=a; fi
    give $taker || fail "round $round: set"
    # At another moment of the transfer each time.
    pause "0.$((round * 7 % 10))"
    backend_kill9 && killed=$((killed + 1))
    backend_start <<<"$configuration"
    if quietly_until 90 has_got $taker; then
        finished=$((finished + 1))
    else
        note "round $round: a $(xen_current_kib a) KiB, target" \
            "$(target_kib a); b $(xen_current_kib b) KiB, target" \
            "$(target_kib b)"
        break
    fi
done
check_equal 'the backend was killed ten times' $killed 10
check_equal 'and each time a new one finished the work' $finished 10
wait_until 60 'limits follow targets as if nothing had been' limits_fit
check_equal 'no OOM kill in a' "$(guest_oom_kills a)" 0
check_equal 'no OOM kill in b' "$(guest_oom_kills b)" 0
check 'Xen kept its reserve through all of it' reserve_is_kept

# --- 3. the operator ------------------------------------------------------

check 'floors go back' xb set a floor=64M
check 'floors go back' xb set b floor=64M
check 'xl mem-set of the managed PV guest succeeds' xl mem-set a 224
check 'xl mem-set of the managed PVH guest succeeds' xl mem-set b 160
wait_until 60 'a holds what it was given' \
    '[ "$(xen_current_kib a)" -ge $((223 * 1024)) ] &&
     [ "$(xen_current_kib a)" -le $((226 * 1024)) ]'
wait_until 60 'b holds what it was told to' \
    '[ "$(xen_current_kib b)" -ge $((159 * 1024)) ] &&
     [ "$(xen_current_kib b)" -le $((162 * 1024)) ]'
wait_until 10 'both are shown as the operator'\''s' both operator
store_watch_count_start pinned "/local/domain/$(domid a)/memory" \
    "/local/domain/$(domid b)/memory"
guest_run b 'dd if=/dev/zero of=/run/fill bs=1M count=8 2>/dev/null'
pause 8
check_equal 'the backend overwrites neither' \
    "$(store_watch_count_stop pinned)" 0

backend_kill9
check 'xl mem-set while no backend runs' xl mem-set a 208
backend_start <<<"$configuration"
wait_until 10 'a new backend knows both as the operator'\''s' both operator
check_equal 'and leaves the new value alone' "$(target_kib a)" $((208 * 1024))
check 'release gives a back' xb release a
wait_until 30 'a is managed again' '[ "$(listed a state)" = managed ]'
check_equal 'b stays with the operator' "$(listed b state)" operator
