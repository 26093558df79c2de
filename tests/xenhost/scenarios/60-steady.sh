# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=300
#
# Two guests at rest, one without a frontend, one whose frontend was stopped
# and one whose frontend was killed: for a minute the backend writes nothing,
# and the last three are counted, shown as what they are, and never touched.

guest_create_nowait a type=pv memory=160 maxmem=512
guest_create_nowait b type=pvh memory=200 maxmem=512
guest_create_nowait mute type=pv memory=112 maxmem=512 frontend=no
guest_create_nowait stopped type=pvh memory=112 maxmem=512
guest_create_nowait killed type=pv memory=112 maxmem=512 \
    frontend_args='--heartbeat 1'
for guest in a b mute stopped killed; do
    guest_wait $guest
done
backend_start <<'END'
reserve = "64M"
END
wait_until 30 'the four with a frontend are managed' \
    '[ "$(xb list --json | jq "[.domains[] | select(.state == \"managed\")] |
        length")" = 4 ]'
check_equal 'the one without is shown as static' "$(listed mute state)" static
check_equal 'and counted' "$(listed mute current_kib)" "$(xen_current_kib mute)"
guest_frontend stopped stop
guest_frontend killed kill9
wait_until 5 'the stopped one is shown as silent' \
    '[ "$(listed stopped state)" = silent ]'
check_equal 'because it was stopped' "$(listed stopped reason)" stopped
wait_until 10 'the killed one is shown as silent' \
    '[ "$(listed killed state)" = silent ]'
wait_until 60 'a and b have come to rest' '
    w=$(xb status --json | jq .host.writes); pause 5
    [ "$w" = "$(xb status --json | jq .host.writes)" ]'

paths=()
for guest in a b mute stopped killed; do
    paths+=("/local/domain/$(domid $guest)/memory")
done
limits() {
    for guest in a b mute stopped killed; do
        echo "$(xen_limit_kib $guest) $(target_kib $guest)"
    done
}
limits_before=$(limits)
writes_before=$(xb status --json | jq .host.writes)
store_watch_count_start steady "${paths[@]}" /local/domain/0/backend/balloon
store_watch_count_start reports "/local/domain/$(domid a)/data/balloon"
# The squeeze that comes in the middle concerns nobody who may not be touched.
pause 60
check_equal 'no write to a target or to the record within 60 s' \
    "$(store_watch_count_stop steady)" 0
check_equal 'limits and targets are what they were' "$(limits)" \
    "$limits_before"
check_equal 'the backend counts no write, either' \
    "$(xb status --json | jq .host.writes)" "$writes_before"
check_between 'a resting frontend writes its heartbeat and little else' \
    "$(store_watch_count_stop reports)" 1 12
note "backend: $(grep -E 'VmRSS|RssAnon' "/proc/$(backend_pid)/status" |
    tr -s '\t\n ' ' ')"
note "frontend: $(guest_run a 'grep -E "VmRSS|RssAnon|voluntary" \
    /proc/$(pidof xenballoon-frontend)/status' | tr -s '\t\n ' ' ')"
check_between 'the frontend is resident within 2 MiB' \
    "$(guest_run a 'awk "/VmRSS/ { print \$2 }" \
        /proc/$(pidof xenballoon-frontend)/status')" 1 2048

# Now a needs more than Xen has: only b gives.
check 'a is to hold 300 MiB' xb set a floor=300M
wait_until 40 'a gets them' '[ "$(xen_current_kib a)" -ge $((298 * 1024)) ]'
check_equal 'nobody else was touched' \
    "$(limits | tail -n 3)" "$(tail -n 3 <<<"$limits_before")"
