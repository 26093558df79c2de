# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What a scenario can use.  Sourced in dom0 before each scenario; scenarios are
# bash.  A check is one line of the test report; it returns 0 or 1 and never
# ends the scenario.  What cannot go on (a guest that does not boot) ends it.
#
# CHECKS
#   check WHAT COMMAND...            passes when the command does
#   check_not WHAT COMMAND...        passes when it fails
#   check_equal WHAT GOT WANTED
#   check_between WHAT GOT LOW HIGH  integers, bounds included
#   wait_until SECONDS WHAT COMMAND...   a check that may take its time: tries
#                                    every 0.2 s, fails when time is up
#   pass WHAT / fail WHAT            when the scenario has judged by itself
#   wait_rest SECONDS LIMIT_S WHAT COMMAND...   until it has printed the same
#                                    for SECONDS
#   skip WHAT WHY                    counted as passed, and shown
#   give_up WHY                      fails and ends the scenario
#   note TEXT                        a comment in the report
#   emit LINE                        a line for the outer standard output, at
#                                    once and untouched
#   COMMAND is a command with arguments, or one word that is evaluated:
#   wait_until 10 'a shrinks' '[ "$(xen_current_kib a)" -lt 90000 ]'
#
# GUESTS
#   guest_create NAME [type=pv|pvh] [memory=128] [maxmem=512] [vcpus=1]
#       [frontend=yes|no] [frontend_args=…] [swap=MIB] [kernel_args=…]
#       [config=LINE]…  a line for xl's configuration; returns when the agent
#                                    in the guest answers
#   guest_create_nowait NAME …, guest_wait NAME [SECONDS]
#                                    the same in two steps: several at a time
#   guest_run [-t SECONDS] NAME COMMAND...   output, error output and status
#   guest_start NAME COMMAND...      leaves it running in the guest
#   guest_log NAME                   what commands of guest_start printed
#   guest_console NAME               its console so far
#   guest_swap_to_disk NAME SIZE   it must have no swap= of its own
#   guest_destroy NAME
#   guest_save NAME FILE, guest_restore NAME FILE    file below $save_folder
#   guest_frontend NAME start|stop|kill9|log|pid
#   guest_oom_kills NAME, guest_swapped_kib NAME, guest_available_kib NAME
#   domid NAME
#
# LOAD (memload in a guest; see memload --help)
#   load_start NAME TIMELINE
#   load_wait NAME SECONDS           until it has ended; a check
#   load_result NAME FIELD           of its summary
#   load_log NAME                    all JSON lines so far
#
# XEN AND THE STORE
#   xen_current_kib NAME, xen_limit_kib NAME, xen_flags NAME   (from Xen)
#   host_free_kib, host_total_kib, host_outstanding_kib
#   target_kib NAME                  memory/target of the store
#   store_read PATH, store_write PATH VALUE, store_exists PATH, store_rm PATH
#   store_watch_count_start COUNTER PATH...
#   store_watch_count COUNTER        events so far
#   store_watch_count_stop COUNTER   prints the count of events and ends
#
# PROGRAMS UNDER TEST
#   backend_start [ARGUMENT...] [<<configuration]   configuration on standard
#                                    input, if any; returns when it answers
#   backend_reload <<configuration   reads it, and goes on
#   backend_stop, backend_kill9, backend_pid, backend_log, backend_running
#   xb ARGUMENT...                   the control program
#   listed NAME FIELD                a field of `xenballoon list --json`
#   have PROGRAM                     is it there to be tested?
#
# OTHERS
#   pause SECONDS                    like sleep, without a process
#   now_ms                           milliseconds, for differences
#   $scenario, $store (c|ocaml), $work (scratch folder), $save_folder

share=/share
# shellcheck source=/dev/null
. $share/boot.conf

scenario=${scenario:-shell}
work=/run/scenario
# In dom0's memory: Xen's save helper cannot write to the share.
save_folder=/tmp/save
log_folder=$share/log
config_file=/etc/xen/xenballoon.conf
backend_pid_file=$work/backend.pid
# An emulated guest takes 12 to 20 s to boot, several at a time longer.
guest_boot_s=240
guest_run_s=60

mkdir -p "$work" "$save_folder"

# `read` from something that never speaks: sleeps without a process.
exec {silence}<> <(:)
pause() { read -r -t "$1" -u "$silence" || :; }

# --- checks ---------------------------------------------------------------

# One write for each line: several processes may report at a time.
tell() { printf '%s\n' "$*" >>$share/stream; }

note() {
    local line
    while IFS= read -r line; do
        tell "T # $scenario: $line"
    done <<<"$*"
}
emit() {
    local line
    while IFS= read -r line; do
        tell "E $line"
    done <<<"$*"
}
pass() { tell "T ok - $scenario: $*"; }
fail() { tell "T not ok - $scenario: $*"; return 1; }
skip() { tell "T ok - $scenario: $1 # SKIP $2"; }
give_up() {
    fail "$*"
    exit 3
}

evaluate() {
    if [ $# -eq 1 ]; then eval "$1"; else "$@"; fi
}

check() {
    local what=$1 seen status
    shift
    seen=$(evaluate "$@" 2>&1)
    status=$?
    if [ $status = 0 ]; then pass "$what"; return 0; fi
    fail "$what"
    note "  status $status of: $*"
    [ -z "$seen" ] || note "  printed: $(tail -n 15 <<<"$seen")"
    return 1
}

check_not() {
    local what=$1 seen
    shift
    if seen=$(evaluate "$@" 2>&1); then
        fail "$what"
        note "  should fail: $*"
        [ -z "$seen" ] || note "  printed: $(tail -n 15 <<<"$seen")"
        return 1
    fi
    pass "$what"
}

check_equal() {
    if [ "$2" = "$3" ]; then pass "$1"; return 0; fi
    fail "$1"
    note "  got '$2', wanted '$3'"
    return 1
}

check_between() {
    if [[ $2 =~ ^-?[0-9]+$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
        pass "$1"
        return 0
    fi
    fail "$1"
    note "  got '$2', wanted $3 to $4"
    return 1
}

now_ms() {
    local us=${EPOCHREALTIME/[.,]/}
    echo $((us / 1000))
}

wait_until() {
    local limit_s=$1 what=$2 seen status begin_ms
    shift 2
    begin_ms=$(now_ms)
    while :; do
        seen=$(evaluate "$@" 2>&1)
        status=$?
        if [ $status = 0 ]; then pass "$what"; return 0; fi
        [ $(($(now_ms) - begin_ms)) -lt $((limit_s * 1000)) ] || break
        pause 0.2
    done
    fail "$what"
    note "  not within $limit_s s: $*"
    [ -z "$seen" ] || note "  last printed: $(tail -n 15 <<<"$seen")"
    return 1
}

# What comes to rest does so in the end, whatever it waited for: a minute of
# rest is looked for, not expected at an instant.
wait_rest() {
    local rest_s=$1 limit_s=$2 what=$3 begin=$SECONDS since=$SECONDS seen now
    shift 3
    seen=$(evaluate "$@" 2>&1)
    while [ $((SECONDS - since)) -le "$rest_s" ]; do
        pause 2
        now=$(evaluate "$@" 2>&1)
        [ "$now" = "$seen" ] && continue
        if [ $((SECONDS - begin)) -gt "$limit_s" ]; then
            fail "$what"
            note "  no rest within $limit_s s: $*"
            note "  last '$now', before that '$seen'"
            return 1
        fi
        seen=$now since=$SECONDS
    done
    pass "$what"
}

# --- Xen and the store ----------------------------------------------------

domid() { hosttool domid "$1"; }
xen_current_kib() { hosttool domain "$1" current_kib; }
xen_limit_kib() { hosttool domain "$1" limit_kib; }
xen_flags() { hosttool domain "$1" flags; }
host_free_kib() { hosttool host free_kib; }
host_total_kib() { hosttool host total_kib; }
host_outstanding_kib() { hosttool host outstanding_kib; }

store_read() { xenstore-read "$1"; }
store_write() { xenstore-write "$1" "$2"; }
store_exists() { xenstore-exists "$1"; }
store_rm() { xenstore-rm "$1"; }
target_kib() {
    local id
    id=$(domid "$1") && store_read "/local/domain/$id/memory/target"
}

store_watch_count_start() {
    local counter=$1
    shift
    hosttool watch "$@" >"$work/watch-$counter" &
    echo $! >"$work/watch-$counter.pid"
    # Its first events only say that the watches stand; they are quick.
    pause 0.5
}
store_watch_count() { wc -l <"$work/watch-$1"; }
store_watch_count_stop() {
    kill "$(cat "$work/watch-$1.pid")" 2>/dev/null
    store_watch_count "$1"
    cp "$work/watch-$1" "$log_folder/$scenario-watch-$1.log"
}

# --- guests ---------------------------------------------------------------

# For the guest's shell: one word, whatever it contains.
quote() {
    local word out=""
    for word; do
        out+="'${word//\'/\'\\\'\'}' "
    done
    printf '%s' "${out% }"
}

guest_create_nowait() {
    local name=$1 type=pv memory=128 maxmem=512 vcpus=1 frontend=yes swap=0
    local frontend_args="" kernel_args="" config="" pair encoded
    shift
    for pair; do
        case $pair in
        type=* | memory=* | maxmem=* | vcpus=* | frontend=* | swap=* | \
            frontend_args=* | kernel_args=*)
            printf -v "${pair%%=*}" '%s' "${pair#*=}" ;;
        config=*) config+="${pair#*=}"$'\n' ;;
        *) give_up "guest_create: what is '$pair'?" ;;
        esac
    done
    have xenballoon-frontend || frontend=no
    # Xen's shadow of its own state reaches a guest when the emulator leaves two
    # of them at the same instant on two processors: with all PVH guests on one
    # processor none of 45 died, without 12 of 30.  Neither clock nor PCI of a
    # PVH guest needs the traps that they cost: half of its time to boot.
    if [ "$type" = pvh ]; then
        config+=$'cpus = "1"\ntsc_mode = "native"\n'
        kernel_args+=" pci=off"
    fi
    encoded=$(printf '%s' "$frontend_args" | base64 | tr -d '\n')
    cat >"$work/$name.cfg" <<END
name = "$name"
type = "$type"
kernel = "/boot/vmlinux"
ramdisk = "/xenhost/guest.cpio"
extra = "console=hvc0 quiet $kernel_args xenhost.swap=$swap xenhost.frontend=$frontend xenhost.frontend_args=$encoded"
memory = $memory
maxmem = $maxmem
vcpus = $vcpus
on_crash = "destroy"
on_reboot = "destroy"
$config
END
    # The console log is named after the guest; an old one of a name that is
    # used again is kept.
    local console="$log_folder/consoles/guest-$name.log"
    [ ! -e "$console" ] || cat "$console" >>"${console%.log}-earlier.log"
    guest_launch "$name"
}

guest_launch() {
    local name=$1
    rm -f "$work/$name.status"
    (
        xl create -q "$work/$name.cfg" >"$work/$name.create.log" 2>&1
        echo $? >"$work/$name.status"
    ) &
}

# A guest that is gone before it has answered was crashed by the emulator (see
# end_scenario in xenhost): it is created again.
guest_wait() {
    local name=$1 limit_s=${2:-$guest_boot_s} begin=$SECONDS
    while :; do
        if [ -e "$work/$name.status" ]; then
            if [ "$(cat "$work/$name.status")" != 0 ]; then
                note "$(cat "$work/$name.create.log")"
                give_up "xl create of $name succeeded"
            fi
            hosttool wait "$name" 5 >/dev/null 2>&1 && return 0
            if ! domid "$name" >/dev/null 2>&1; then
                note "$name is gone while it boots: created again"
                guest_launch "$name"
            fi
        fi
        [ $((SECONDS - begin)) -lt "$limit_s" ] || break
        pause 0.1
    done
    note "its console ends: $(guest_console "$name" | tail -n 5)"
    give_up "guest $name answers within $limit_s s"
}

guest_create() {
    guest_create_nowait "$@"
    guest_wait "$1"
}

guest_run() {
    local limit_s=$guest_run_s name
    if [ "$1" = -t ]; then limit_s=$2; shift 2; fi
    name=$1
    shift
    hosttool run "$name" "$limit_s" "$*"
}

guest_start() {
    local name=$1
    shift
    guest_run "$name" "setsid sh -c $(quote "$*") </dev/null \
>>/run/job/started.log 2>&1 &"
}
guest_log() { guest_run "$1" cat /run/job/started.log; }
guest_console() { cat "$log_folder/consoles/guest-$1.log"; }
# A frontend does not count on swap that is compressed: what goes there stays in
# memory.  Under a disk's name this is a disk, and takes next to no memory for
# pages of one word over and over.
guest_swap_to_disk() {
    guest_run "$1" 'insmod /modules/zsmalloc.ko && insmod /modules/zram.ko &&
        echo '"$2"' >/sys/block/zram0/disksize &&
        mknod /dev/disk b $(tr : " " </sys/block/zram0/dev) &&
        mkswap /dev/disk >/dev/null && swapon /dev/disk'
}
guest_destroy() { xl destroy "$1"; }

guest_save() { xl save "$1" "$2" >>"$work/$1.create.log" 2>&1; }
guest_restore() {
    xl restore "$2" >>"$work/$1.create.log" 2>&1 || return 1
    hosttool wait "$1" "$guest_boot_s"
}

guest_frontend() { guest_run "$1" /xenhost/frontend "$2"; }

guest_meminfo() {
    guest_run "$1" "awk '\$1 == \"$2:\" { print \$2 }' /proc/meminfo"
}
guest_available_kib() { guest_meminfo "$1" MemAvailable; }
guest_swapped_kib() {
    guest_run "$1" "awk '\$1 == \"SwapTotal:\" { t = \$2 }
        \$1 == \"SwapFree:\" { f = \$2 } END { print t - f }' /proc/meminfo"
}
guest_oom_kills() {
    guest_run "$1" "awk '\$1 == \"oom_kill\" { print \$2 }' /proc/vmstat"
}

# --- load -----------------------------------------------------------------

load_start() {
    guest_run "$1" "rm -f /run/job/load.status; setsid sh -c $(quote \
        "memload $(quote "$2"); echo \$? >/run/job/load.status") </dev/null \
>/run/job/load.log 2>&1 &"
}
load_wait() {
    local status
    status=$(guest_run -t "$2" "$1" 'until [ -s /run/job/load.status ]; do
        sleep 0.3; done; cat /run/job/load.status')
    load_log "$1" >"$log_folder/$scenario-load-$1.log" 2>/dev/null
    if [ "$status" = 0 ]; then pass "load in $1 ends within $2 s"; return 0; fi
    fail "load in $1 ends within $2 s"
    note "  status '$status': $(tail -n 3 "$log_folder/$scenario-load-$1.log")"
    return 1
}
load_log() { guest_run "$1" cat /run/job/load.log; }
load_result() {
    guest_run "$1" tail -n 1 /run/job/load.log | jq -r ".$2"
}

# --- programs under test --------------------------------------------------

have() { [ -x "/usr/local/bin/$1" ]; }
xb() { xenballoon "$@"; }
listed() {
    xb list --json | jq -r --arg name "$1" \
        ".domains[] | select(.name == \$name) | .$2"
}

backend_pid() { cat "$backend_pid_file" 2>/dev/null; }
backend_running() {
    local pid
    pid=$(backend_pid) && kill -0 "$pid" 2>/dev/null
}
backend_log() { cat "$log_folder/$scenario-backend.log"; }

backend_start() {
    local try pid
    if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then
        cat >"$config_file"
        set -- --config "$config_file" "$@"
    fi
    xenballoon-backend "$@" </dev/null \
        >>"$log_folder/$scenario-backend.log" 2>&1 &
    pid=$!
    echo $pid >"$backend_pid_file"
    for try in {1..50}; do
        kill -0 $pid 2>/dev/null || break
        xenballoon list >/dev/null 2>&1 && return 0
        pause 0.2
    done
    note "backend: $(tail -n 5 "$log_folder/$scenario-backend.log")"
    give_up "backend answers within 10 s (${try} tries)"
}

backend_reloads() { backend_log | grep -c 'settings read again'; }
backend_has_reloaded() { [ "$(backend_reloads)" -gt "$1" ]; }
backend_reload() {
    local before
    before=$(backend_reloads)
    cat >"$config_file"
    kill -HUP "$(backend_pid)" && quietly_until 10 backend_has_reloaded "$before"
}

backend_signal() {
    local pid try
    pid=$(backend_pid) || return 1
    kill "-$1" "$pid" 2>/dev/null
    for try in {1..50}; do
        if ! kill -0 "$pid" 2>/dev/null; then
            rm -f "$backend_pid_file"
            return 0
        fi
        pause 0.1
    done
    note "backend still there ${try} tries after signal $1"
    return 1
}
backend_stop() { backend_signal TERM; }
backend_kill9() { backend_signal KILL; }

# --- teardown -------------------------------------------------------------

# Free memory before the first scenario of this boot.
remember_host() {
    [ -e /run/free_kib ] || host_free_kib >/run/free_kib
}

only_dom0_is_left() { [ "$(hosttool domains | wc -l)" = 1 ]; }
memory_is_back() {
    # Xen keeps some pages for itself after the first domains: 4 MiB are
    # several times what was seen.
    [ "$(host_free_kib)" -ge $(($(cat /run/free_kib) - 4096)) ]
}
no_backend_directories() {
    [ -z "$(xenstore-list /local/domain/0/backend/balloon 2>/dev/null)" ] &&
        [ -z "$(xenstore-list /local/domain/0/xenballoon 2>/dev/null |
            grep -v '^learned$')" ]
}

quietly_until() {
    local limit_s=$1 begin=$SECONDS
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((SECONDS - begin)) -lt "$limit_s" ] || return 1
        pause 0.2
    done
}

# Clears the host; status 0 when it is as before.
teardown() {
    local name clean=0
    hosttool domains | while read -r id name _; do
        [ "$id" = 0 ] || xl destroy "$id"
    done
    if backend_running; then
        quietly_until 10 no_backend_directories ||
            fail "backend removes the directories of domains that are gone"
        backend_stop || backend_kill9
    fi
    xenstore-rm /local/domain/0/backend/balloon 2>/dev/null
    xenstore-rm /local/domain/0/xenballoon 2>/dev/null
    rm -rf "$work" "${save_folder:?}"/* "$config_file"
    if ! quietly_until 15 only_dom0_is_left; then
        fail "no domain is left behind"
        note "$(hosttool domains)"
        clean=1
    elif ! quietly_until 15 memory_is_back; then
        fail "all memory comes back to the host"
        note "free $(host_free_kib) KiB, before $(cat /run/free_kib) KiB"
        clean=1
    fi
    return $clean
}
