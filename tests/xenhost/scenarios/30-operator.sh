# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=240
#
# xl mem-set on a managed guest takes effect, stays, and is shown as the
# operator's, also to a backend that was not there when it was said; until
# xenballoon release gives the guest back.

guest_create_nowait a type=pv memory=160 maxmem=512
guest_create_nowait b type=pvh memory=160 maxmem=512
guest_wait a
guest_wait b
backend_start <<'END'
reserve = "64M"
END
wait_until 30 'both guests are managed' \
    '[ "$(listed a state)$(listed b state)" = managedmanaged ]'

check 'xl mem-set of a managed PV guest succeeds' xl mem-set a 300
check 'xl mem-set of a managed PVH guest succeeds' xl mem-set b 120
wait_until 20 'a holds what it was given' \
    '[ "$(xen_current_kib a)" -ge $((299 * 1024)) ]'
wait_until 20 'b gave what it was told to' \
    '[ "$(xen_current_kib b)" -le $((122 * 1024)) ]'
wait_until 5 'a is shown as the operator'\''s' '[ "$(listed a state)" = operator ]'
wait_until 5 'b is shown as the operator'\''s' '[ "$(listed b state)" = operator ]'

# What would move a managed guest does not move these.
guest_run b 'dd if=/dev/zero of=/tmp/fill bs=1M count=20 2>/dev/null'
pause 12
check_equal "a's target is still the operator's" "$(target_kib a)" 307200
check_equal "b's target is still the operator's" "$(target_kib b)" 122880

backend_kill9
check 'xl mem-set while no backend runs' xl mem-set a 280
backend_start <<'END'
reserve = "64M"
END
wait_until 5 'a new backend knows both as the operator'\''s' \
    '[ "$(listed a state)$(listed b state)" = operatoroperator ]'
check_equal 'and leaves the new value alone' "$(target_kib a)" 286720

check 'release gives a back' xb release a
wait_until 20 'a is managed again' '[ "$(listed a state)" = managed ]'
check_equal 'b stays with the operator' "$(listed b state)" operator

check 'xl mem-set with the value that was there' \
    xl mem-set a "$(($(target_kib a) / 1024))"
wait_until 5 'is the operator'\''s word as well' \
    '[ "$(listed a state)" = operator ]'
