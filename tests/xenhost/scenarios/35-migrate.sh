# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# xenhost: dom0=1200 timeout=500
#
# A managed guest is migrated live to the host that it is on: at rest, and while
# it grows.  For a time it is there twice: the old one keeps its target, the new
# one is not touched before its frontend is heard.
#
# PVH only: with the Xen of this host a PV guest's dirty pages cannot be logged
# ("Failed to enable logdirty"), whatever runs in it.

guest_create a type=pvh memory=112 maxmem=384 frontend_args='--heartbeat 1'
state_is() { [ "$(listed "$1" state)" = "$2" ]; }
holds() { [ "$(xen_current_kib "$1")" -ge $(($2 * 1024 - 1024)) ]; }
migrate() {
    xl migrate -s '' "$1" 'xl migrate-receive' >>"$log_folder/migrate.log" 2>&1
}
is_gone() { ! store_exists "/local/domain/0/$1"; }

backend_start <<<'reserve = "64M"'
wait_until 60 'a is managed' state_is a managed
check 'a is to hold 160 MiB' xb set a floor=160M
wait_until 60 'a gets them' holds a 160
id_before=$(domid a)
pid_before=$(guest_frontend a pid)
begun=$SECONDS
check 'a is migrated' migrate a
note "it took $((SECONDS - begun)) s, domain $id_before is now $(domid a)"
check 'it has another domid' "[ $(domid a) != $id_before ]"
wait_until 20 'the record of the old one is removed' \
    is_gone "xenballoon/$id_before"
wait_until 20 'and the end of its device' is_gone "backend/balloon/$id_before"
wait_until 60 'a is managed again' state_is a managed
check_equal 'by the same frontend' "$(guest_frontend a pid)" "$pid_before"
check 'it holds what it held' holds a 160
check 'a is to hold 200 MiB' xb set a floor=200M
wait_until 60 'its balloon still moves' holds a 200

# --- while it grows ------------------------------------------------------------
# Its copy has room for what its target was when it began.  What it can swap it
# waits for meanwhile.

check 'a is to hold 160 MiB again' xb set a floor=160M
check 'it has a disk to swap to' guest_swap_to_disk a 400M
id_before=$(domid a)
available=$(guest_available_kib a)
load_start a "alloc $((available / 1024 + 60))M rate=30M/s fill=plain; hold 10m"
was_left_alone() { state_is a saving; }
{
    migrate a
    echo $? >"$work/migrated"
} &
wait_until 20 'it is left alone while its memory is copied' was_left_alone
note "it holds $(xen_current_kib a), its target is $(target_kib a)," \
    "it may take $(listed a allowance_kib) by itself"
wait_until 120 'its migration comes to an end' test -s "$work/migrated"
check_equal 'and succeeds' "$(cat "$work/migrated")" 0
check 'it has another domid' "[ $(domid a) != $id_before ]"
wait_until 60 'it is managed again' state_is a managed
load_holds() { load_log a | grep -q '"step":"hold"'; }
wait_until 120 'all that it wanted is there' load_holds
needs_it() { [ "$(target_kib a)" -ge $((200 * 1024)) ]; }
wait_until 60 'and it is given memory for it' needs_it
check_equal 'it met no OOM kill' "$(guest_oom_kills a)" 0
