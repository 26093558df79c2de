# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=900
#
# Two guests fight over too little memory, among neighbours who are not to be
# touched: one with floor = ceiling, one without a frontend, and one whose
# frontend is stopped, started and killed.
#
#   1. Who may not be touched is counted, shown as such, and left alone.
#   2. At rest, for a minute, the backend writes nothing at all.
#   3. A guest is destroyed, and another created, while memory moves.

guest_create_nowait a type=pv memory=160 maxmem=384 swap=64 \
    frontend_args='--heartbeat 2'
guest_create_nowait b type=pvh memory=160 maxmem=192 swap=64 \
    frontend_args='--heartbeat 2'
guest_create_nowait fixed type=pv memory=112 maxmem=256
guest_create_nowait mute type=pv memory=112 maxmem=256 frontend=no
guest_create_nowait quiet type=pv memory=112 maxmem=256 \
    frontend_args='--heartbeat 1'
for guest in a b fixed mute quiet; do
    guest_wait $guest
done
state_is() { [ "$(listed "$1" state)" = "$2" ]; }

# --- 1. the untouchable ---------------------------------------------------

backend_start <<END
reserve = "$(($(host_free_kib) - 48 * 1024))K"
domains = [ "name=fixed, floor=112M, ceiling=112M",
            "name=a, weight=512", "name=b, floor=128M" ]
END
wait_until 60 'a is managed' state_is a managed
wait_until 60 'b is managed' state_is b managed
wait_until 60 'so is the third' state_is quiet managed
check 'floor = ceiling is shown as fixed' state_is fixed fixed
check 'without a frontend is shown as static' state_is mute static
check_equal 'and counted' "$(listed mute current_kib)" "$(xen_current_kib mute)"
guest_frontend quiet stop
wait_until 10 'a stopped frontend is shown as silent' state_is quiet silent
check_equal 'because it was stopped' "$(listed quiet reason)" stopped
guest_frontend quiet start
wait_until 20 'started again, its guest is managed' state_is quiet managed
guest_frontend quiet kill9
wait_until 20 'killed, it is shown as silent' state_is quiet silent

untouchable=(fixed mute quiet)
figures() {
    local name
    for name in "${untouchable[@]}"; do
        echo "$name $(target_kib "$name") $(xen_limit_kib "$name")"
    done
}
paths=()
for guest in "${untouchable[@]}"; do
    paths+=("/local/domain/$(domid "$guest")/memory")
done
figures_before=$(figures)
store_watch_count_start untouchable "${paths[@]}"
load_start a 'alloc 124M rate=6M/s; hold 6s'
load_start b 'alloc 72M rate=4M/s; hold 6s'
load_wait a 180
load_wait b 180
note "a $(xen_current_kib a) KiB, b $(xen_current_kib b) KiB"
check_equal 'no write reached those who may not be touched' \
    "$(store_watch_count_stop untouchable)" 0
check_equal 'their targets and limits are what they were' "$(figures)" \
    "$figures_before"
check 'b is not below its floor' "[ $(target_kib b) -ge $((128 * 1024)) ]"
check_equal 'no guest met an OOM kill' \
    "$(guest_oom_kills a)$(guest_oom_kills b)$(guest_oom_kills fixed)" 000

# --- 2. a steady state ----------------------------------------------------

untouchable=(a b fixed mute quiet)
store_watch_count_start steady "/local/domain/$(domid a)/memory" \
    "/local/domain/$(domid b)/memory" "${paths[@]}" \
    /local/domain/0/backend/balloon /local/domain/0/xenballoon
store_watch_count_start reports "/local/domain/$(domid fixed)/device/balloon"
writes() {
    store_watch_count steady
    figures
    xb status --json | jq .host.writes
}
# The last of what a guest was lent is asked back half a minute after its last
# use, and of who has complained half a minute later.
begin=$SECONDS
wait_rest 60 240 'a minute comes in which the backend writes nothing' writes
note "after $((SECONDS - 60 - begin)) s"
check_between 'a resting frontend writes its heartbeat at most' \
    "$(store_watch_count_stop reports)" 0 $(((SECONDS - begin) / 5))
store_watch_count_stop steady >/dev/null
note "backend: $(grep -E 'VmRSS|RssAnon' "/proc/$(backend_pid)/status" |
    tr -s '\t\n ' ' ')"
resident_kib=$(guest_run fixed \
    'awk "/VmRSS/ { print \$2 }" /proc/$(pidof xenballoon-frontend)/status')
check_between 'a frontend is resident within 2 MiB' "$resident_kib" 1 2048
note "frontend: VmRSS $resident_kib KiB"

# --- 3. come and go -------------------------------------------------------

b_id=$(domid b)
store_watch_count_start dead "/local/domain/$b_id" \
    "/local/domain/0/backend/balloon/$b_id" "/local/domain/0/xenballoon/$b_id"
check 'a is to hold more than there is' xb set a floor=320M
pause 1
check 'b is destroyed while memory moves' guest_destroy b
wait_until 90 'a gets it from what b left' \
    '[ "$(xen_current_kib a)" -ge $((318 * 1024)) ]'
after=$(store_watch_count dead)
pause 3
check_equal 'nothing more is written for the dead domain' \
    "$(store_watch_count_stop dead)" "$after"
check_not 'its directory was not made again' store_exists "/local/domain/$b_id"
check_not 'nor is its record left' \
    store_exists "/local/domain/0/xenballoon/$b_id"
check_not 'nor its end of the device' \
    store_exists "/local/domain/0/backend/balloon/$b_id"
check_equal 'nor is it in the list' "$(listed b state)" ''

guest_destroy mute
check 'a shrinks again' xb set a floor=96M
guest_create_nowait c type=pv memory=112 maxmem=256 \
    frontend_args='--heartbeat 1'
wait_until 60 'c is created' '[ -n "$(domid c)" ]'
wait_until 2 'c is in the list within 2 s' '[ -n "$(listed c state)" ]'
c_state() { xenstore-read "/local/domain/$(domid c)/device/balloon/0/state"; }
wait_until 120 'c is connected' '[ "$(c_state 2>/dev/null)" = 4 ]'
wait_until 2 'c is taken up within 2 s' state_is c managed
check_equal 'a met no OOM kill' "$(guest_oom_kills a)" 0
