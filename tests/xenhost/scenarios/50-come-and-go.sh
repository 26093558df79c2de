# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=300
#
# A guest is destroyed and another created while memory moves.

guest_create_nowait a type=pv memory=128 maxmem=512 frontend_args='--heartbeat 1'
guest_create_nowait b type=pvh memory=400 maxmem=512 frontend_args='--heartbeat 1'
guest_wait a
guest_wait b
backend_start <<END
reserve = "$(($(host_free_kib) - 200 * 1024))K"
END
wait_until 30 'both guests are managed' \
    '[ "$(listed a state)$(listed b state)" = managedmanaged ]'
b_id=$(domid b)
store_watch_count_start dead "/local/domain/$b_id" \
    "/local/domain/0/backend/balloon/$b_id"

# More than Xen can spare: b must give.
check 'a is to hold 480 MiB' xb set a floor=480M
wait_until 20 'b is on its way down' \
    '[ "$(target_kib b)" -lt $((380 * 1024)) ]'
check 'b is destroyed in the middle of it' guest_destroy b
wait_until 60 'a gets the rest from what b left' \
    '[ "$(xen_current_kib a)" -ge $((478 * 1024)) ]'
after=$(store_watch_count dead)
pause 3
check_equal 'nothing more is written for the dead domain' \
    "$(store_watch_count_stop dead)" "$after"
check_not 'its directory was not made again' store_exists "/local/domain/$b_id"
check_not 'nor is the record of it left' \
    store_exists "/local/domain/0/backend/balloon/$b_id"
check_equal 'nor is it in the list' "$(listed b state)" ''

# And one comes while memory moves.
check 'a may shrink again' xb set a floor=96M
guest_create_nowait c type=pvh memory=128 maxmem=256 frontend_args='--heartbeat 1'
wait_until 30 'c is created' '[ -n "$(domid c)" ]'
wait_until 2 'c is in the list within 2 s' '[ -n "$(listed c state)" ]'
guest_wait c
wait_until 30 'c reports' store_exists "/local/domain/$(domid c)/data/balloon/report"
wait_until 2 'c is taken up within 2 s' '[ "$(listed c state)" = managed ]'
check_equal 'a met no OOM kill' "$(guest_oom_kills a)" 0
