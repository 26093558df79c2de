# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: dom0=1200 timeout=1500
#
# The device between the two ends on a real store: made, negotiated, connected
# again whatever ends or begins anew, removed, and unseen by everybody else.
# Guest p shares a page, guest r has no gntalloc and writes records.

domain_path() { echo "/local/domain/$(domid "$1")/device/balloon/0"; }
backend_path() { echo "/local/domain/0/backend/balloon/$(domid "$1")/0"; }
front() { store_read "$(domain_path "$1")/$2"; }
back() { store_read "$(backend_path "$1")/$2"; }
connected() { [ "$(front "$1" state) $(back "$1" state)" = '4 4' ]; }
managed() { connected "$1" && [ "$(listed "$1" state)" = managed ]; }
both_managed() { managed p && managed r; }
gone() { # DOMID
    ! store_exists "/local/domain/0/backend/balloon/$1" &&
        ! store_exists "/local/domain/0/xenballoon/$1"
}

# took NAME COMMAND...: its milliseconds in $NAME
took() {
    local name=$1 begin_ms
    shift
    begin_ms=$(now_ms)
    "$@" || fail "$*"
    printf -v "$name" '%s' $(($(now_ms) - begin_ms))
}
# not_delayed WHAT WITHOUT WITH: emulated times vary twofold.
not_delayed() {
    note "$1: $2 ms without the device, $3 ms with it"
    check "$1 is not delayed by the device" "[ $3 -le $(($2 * 2 + 3000)) ]"
}
complaints() { grep -iE 'xenbus|balloon' | grep -v 'Initialising balloon'; }

start() { backend_start <<<'reserve = "128M"'; }

# --- what it takes without a device ------------------------------------------

dmesg >"$work/dmesg.before"
guest_create_nowait p type=pv memory=112 maxmem=224 \
    frontend_args='--heartbeat 2'
guest_create_nowait r type=pv memory=112 maxmem=224 frontend=no \
    frontend_args='--heartbeat 2'
guest_create_nowait bare type=pv memory=112 maxmem=224 frontend=no
for guest in p r bare; do guest_wait $guest; done
took save_ms guest_save bare "$save_folder/bare"
took restore_ms guest_restore bare "$save_folder/bare"
took destroy_ms guest_destroy bare
rm -f "$save_folder/bare"

# --- the handshake ------------------------------------------------------------

check 'r has no gntalloc' guest_run r 'rmmod xen_gntalloc'
guest_frontend r start
start
wait_until 30 'p connects' connected p
wait_until 30 'r connects' connected r
check_equal 'p shares a page' "$(front p transport)" page
check_equal 'and the list says so' "$(listed p transport)" page
check_equal 'r writes records' "$(front r transport)" record
check_equal 'and the list says so, too' "$(listed r transport)" record
check_not 'p writes no record' store_exists "$(domain_path p)/report"
check_not 'r shares no page' store_exists "$(domain_path r)/page-ref"
wait_until 60 'both are managed' both_managed
for guest in p r; do
    check_equal "$guest: one end names the other" \
        "$(front $guest backend)" "$(backend_path $guest)"
    check_equal "$guest: and is named by it" \
        "$(back $guest frontend)" "$(domain_path $guest)"
done

# --- who may do what -----------------------------------------------------------

id=$(domid p)
# "state" of either directory with "(nOWNER,rREADER)" behind it
permissions() { xenstore-ls -p "$1" | sed -n 's/^state = .*(\(.*\))$/\1/p'; }
check_equal 'its own directory is the guest'\''s' \
    "$(permissions "$(domain_path p)" | tr -d ' ')" "n$id,r0"
check_equal 'the other one is dom0'\''s, for the guest to read' \
    "$(permissions "$(backend_path p)" | tr -d ' ')" "n0,r$id"
check 'the guest reads the backend'\''s' \
    guest_run p xenstore-read "$(backend_path p)/state"
check_not 'it cannot write there' \
    guest_run p xenstore-write "$(backend_path p)/allowance" 999999
check_not 'nor read the backend'\''s record' \
    guest_run p xenstore-read "/local/domain/0/xenballoon/$id/target"
check_not 'another guest cannot read what it says' \
    guest_run r xenstore-read "$(domain_path p)/state"
check_not 'nor what it is told' \
    guest_run r xenstore-read "$(backend_path p)/state"

# --- ends that end --------------------------------------------------------------

backend_stop
start
wait_until 60 'a new backend connects both' both_managed
backend_kill9
start
wait_until 60 'so does one after a kill' both_managed
for guest in p r; do
    guest_frontend $guest kill9
    pause 1
    guest_frontend $guest start
    pause 2
    wait_until 30 "$guest: a new frontend connects after a kill" managed $guest
    guest_frontend $guest stop
    wait_until 10 "$guest: one that stops says so" \
        "[ \"\$(front $guest state)\" = 6 ]"
    guest_frontend $guest start
    wait_until 30 "$guest: and the next one connects" managed $guest
done

# --- guests that go and come -----------------------------------------------------

for guest in p r; do
    id=$(domid $guest)
    took with_save_ms guest_save $guest "$save_folder/$guest"
    wait_until 10 "$guest: nothing is left of it when it is saved" gone "$id"
    took with_restore_ms guest_restore $guest "$save_folder/$guest"
    rm -f "$save_folder/$guest"
    not_delayed "$guest: save" "$save_ms" "$with_save_ms"
    not_delayed "$guest: restore" "$restore_ms" "$with_restore_ms"
    wait_until 30 "$guest: restored, it connects" managed $guest
done

id=$(domid r)
took with_destroy_ms guest_destroy r
not_delayed 'destroy' "$destroy_ms" "$with_destroy_ms"
wait_until 10 'nothing is left of a destroyed guest' gone "$id"

id=$(domid p)
backend_kill9
guest_destroy p
start
wait_until 10 'nor of one that went while no backend ran' gone "$id"

sed -i 's/^on_reboot = .*/on_reboot = "restart"/' "$work/p.cfg"
guest_launch p
guest_wait p
wait_until 30 'p connects when it is created anew' managed p
id=$(domid p)
guest_run -t 2 p 'reboot -f' >/dev/null 2>&1
is_another() { [ -n "$(domid p)" ] && [ "$(domid p)" != "$id" ]; }
wait_until 60 'p reboots' is_another
wait_until 10 'nothing is left of the one before' gone "$id"
guest_wait p
wait_until 30 'and connects again' managed p

id=$(domid p)
guest_run -t 2 p 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
wait_until 20 'nothing is left of a guest that crashed' gone "$id"

# --- nobody else has noticed ------------------------------------------------------

check_equal 'dom0'\''s kernel has said nothing of it' \
    "$(dmesg | tail -n +$(($(wc -l <"$work/dmesg.before") + 1)) |
        complaints)" ''
for guest in p r; do
    check_equal "nor has that of $guest" \
        "$(cat "$log_folder/consoles/guest-$guest"*.log |
            grep -v '^xenballoon' | complaints)" ''
done
