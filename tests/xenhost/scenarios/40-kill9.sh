# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=420
#
# The backend is killed in the middle of a transfer, ten times; each time a
# new one goes on and reaches the state that an unharmed one reaches.

guest_create_nowait a type=pv memory=128 maxmem=512 frontend_args='--heartbeat 1'
guest_create_nowait b type=pvh memory=440 maxmem=512 frontend_args='--heartbeat 1'
guest_wait a
guest_wait b
# Next to nothing to spare: what a gets, b must give first.
configuration="reserve = \"$(($(host_free_kib) - 8192))K\""

settled() { # FLOOR_MIB_OF_A
    [ "$(target_kib a)" -ge $(($1 * 1024)) ] &&
        [ "$(xen_current_kib a)" -ge $(($1 * 1024 - 2048)) ]
}
limits_fit() {
    local name over
    for name in a b; do
        over=$(($(xen_limit_kib $name) - $(target_kib $name)))
        if [ $over -lt 1024 ] || [ $over -gt 3072 ]; then
            echo "$name: limit $over KiB above its target"
            return 1
        fi
    done
}

backend_start <<<"$configuration"
wait_until 30 'both guests are managed' \
    '[ "$(listed a state)$(listed b state)" = managedmanaged ]'

# Without a kill: what the operator's floor makes of it.
check 'a is to hold 256 MiB' xb set a floor=256M
wait_until 60 'unharmed, a gets them' settled 256
wait_until 20 'and the limits follow the targets' limits_fit

killed=0
floor=256
for round in {1..10}; do
    floor=$((floor + 16))
    xb set a "floor=${floor}M" || fail "round $round: set"
    # At another moment of the transfer each time, from its very begin.
    pause "0.0$((round - 1))"
    [ $((round % 2)) = 0 ] || pause 0.2
    backend_kill9 && killed=$((killed + 1))
    backend_start <<<"$configuration"
    quietly_until 60 settled $floor || {
        fail "round $round: the new backend brings a to $floor MiB"
        note "a $(xen_current_kib a) KiB, target $(target_kib a);" \
            "b $(xen_current_kib b) KiB, target $(target_kib b)"
        break
    }
done
check_equal 'the backend was killed ten times' $killed 10
check 'and each time a new one finished the work' settled $floor
wait_until 20 'limits follow targets as if nothing had been' limits_fit
check_equal 'no OOM kill in a' "$(guest_oom_kills a)" 0
check_equal 'no OOM kill in b' "$(guest_oom_kills b)" 0
check 'a still answers' guest_run a true
check 'b still answers' guest_run b true
check_between 'Xen kept its reserve' "$(host_free_kib)" \
    $(($(xb status --json | jq .host.reserve_kib) - 4096)) 99999999
