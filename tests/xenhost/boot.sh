# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# One boot of the virtual host.  Sourced by `xenhost`.  Each boot has a folder
# of its own under $run_folder, which dom0 sees as /share, so that several runs
# can go side by side.

# Finds a program under test in the build folder.
built_program() {
    local place
    for place in "$1" "${1#xenballoon-}/$1" "control/$1" "src/$1"; do
        if [ -f "$build/$place" ] && [ -x "$build/$place" ]; then
            # libtool leaves a script in place of the program.
            if [ -x "$build/$(dirname "$place")/.libs/$1" ]; then
                place="$(dirname "$place")/.libs/$1"
            fi
            echo "$build/$place"
            return 0
        fi
    done
    return 1
}

# What changes with every build of ours is packed for every boot and appended
# to the cached images: that takes a fraction of a second.
make_initrd() {
    local guest="$run_folder/guest" dom0="$run_folder/dom0" program memload
    rm -rf "$guest" "$dom0"
    mkdir -p "$guest/xenhost" "$guest/usr/local/bin"
    mkdir -p "$dom0/xenhost" "$dom0/usr/local/bin"

    cp "$here/guest-init" "$guest/init"
    cp "$here/guest-frontend" "$guest/xenhost/frontend"
    copy_programs "$guest" xenhost "$cache/tools/guestagent"
    memload="$build/tests/xenhost/memload"
    [ -x "$memload" ] || memload="$cache/tools/memload"
    copy_programs "$guest" usr/local/bin "$memload" \
        "$cache"/tools/{memburst,peerwriter}
    if program=$(built_program xenballoon-frontend); then
        copy_programs "$guest" usr/local/bin "$program"
    fi
    pack "$guest" "$run_folder/guest-overlay.cpio"
    cat "$cache/image/guest.cpio" "$run_folder/guest-overlay.cpio" \
        >"$dom0/xenhost/guest.cpio"

    cp "$here/dom0-init" "$dom0/init"
    copy_programs "$dom0" usr/local/bin "$cache/tools/hosttool"
    for program in xenballoon-backend xenballoon-frontend xenballoon; do
        program=$(built_program "$program") || continue
        copy_programs "$dom0" usr/local/bin "$program"
    done
    pack "$dom0" "$run_folder/dom0-overlay.cpio"
    cat "$cache/image/dom0.cpio" "$run_folder/dom0-overlay.cpio" \
        >"$run_folder/initrd"
    rm -rf "$guest" "$dom0" "$run_folder"/*.cpio
}

# A fresh share for one boot.
#   make_share STORE MODE
make_share() {
    share="$run_folder/share"
    rm -rf "$share"
    mkdir -p "$share"/{jobs,lib,log,save}
    : >"$share/stream"
    printf 'store=%s\nmode=%s\ntrace=%s\n' "$1" "$2" "$trace" \
        >"$share/boot.conf"
    cp "$here"/{dom0-run,dom0-scenario,helpers.sh,shellrc} "$share/lib/"
}

# Two CPU features are off because QEMU 7.2 gets them wrong under Xen: with
# SMAP the PV dom0 dies at its first IRET, with RDTSCP a PVH guest is killed.
# spec-ctrl=eager-fpu: with lazy switching of vector registers the emulator
# misses a trap now and then, and programs have their memory corrupted.
#
# PDEATHSIG ends QEMU when this script is killed, even with SIGKILL.  The
# process must be a direct child of this shell for that.
#   start_qemu MEMORY_MIB DOM0_MIB CHARDEV
start_qemu() {
    local xen_options
    xen_options="console=com1 com1=115200,8n1 dom0_mem=$2M,max:$2M"
    xen_options+=" loglvl=info guest_loglvl=info spec-ctrl=eager-fpu"
    xen_options+=" bootscrub=no"
    setpriv --pdeathsig KILL -- qemu-system-x86_64 \
        -name xenhost -machine q35 -accel tcg,thread=multi \
        -cpu max,-smap,-rdtscp -smp 2 -m "$1" \
        -nodefaults -display none -monitor none -no-reboot \
        -chardev "$3" -serial chardev:console \
        -fsdev "local,id=share,path=$share,security_model=none" \
        -device virtio-9p-pci,fsdev=share,mount_tag=share \
        -kernel "$cache/image/xen" -append "$xen_options" \
        -initrd "$cache/image/vmlinuz console=hvc0 quiet $linux_options,$run_folder/initrd" \
        <&0 2>"$share/log/qemu.log" &
    qemu=$!
}

# What costs the emulated dom0 much of its boot and brings a test nothing.
linux_options="rodata=off init_on_alloc=0"

# One boot at a time on a machine, since an emulated host takes all of its
# cores: two at once take longer than one after the other, and run into limits
# that are generous for one.  XENHOST_PARALLEL=yes for machines with many.
wait_for_turn() {
    [ "${XENHOST_PARALLEL:-no}" = no ] || return 0
    exec {turn}>"${XDG_RUNTIME_DIR:-/tmp}/xenhost-$(id -u).turn"
    flock "$turn"
}

end_turn() {
    [ -z "${turn:-}" ] || exec {turn}>&-
    turn=""
}

stop_qemu() {
    [ -n "$qemu" ] || return 0
    kill -KILL "$qemu" 2>/dev/null
    wait "$qemu" 2>/dev/null
    qemu=""
}

# Lines that dom0 writes to the stream arrive here within a moment.
open_stream() {
    exec {stream}< <(exec setpriv --pdeathsig KILL tail -n +1 -s 0.1 -f \
        "$share/stream" 2>/dev/null)
    stream_reader=$!
    partial=""
}

close_stream() {
    [ -n "$stream_reader" ] || return 0
    kill "$stream_reader" 2>/dev/null
    exec {stream}<&-
    stream_reader=""
}

# Sets `line`; status 1 when nothing came for a moment.  A line may arrive in
# two halves around the time-out.
next_line() {
    if IFS= read -r -t 0.3 -u "$stream" line; then
        line=$partial$line
        partial=""
        return 0
    fi
    partial+=$line
    return 1
}
