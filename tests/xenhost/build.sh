# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Getting and making what a virtual Xen host is built from.  Sourced by
# `xenhost`, which sets `here` (this folder) and `cache`.
#
# Everything comes from Debian packages that are downloaded and unpacked, never
# installed: installing a hypervisor would change the boot menu of the machine
# that runs the tests, and needs root.
#
# The cache holds
#   debs/ root/     packages as downloaded and unpacked
#   image/          xen, vmlinuz, vmlinux, dom0.cpio, guest.cpio
#   tools/          our own small programs (memload, hosttool, ...)
# Each part is made under a temporary name and renamed when complete, so an
# interrupted build leaves nothing that looks finished.

# Ordinary packages that must be installed (see `xenhost packages`).
host_packages="qemu-system-x86 seabios busybox-static bash cpio xz-utils \
util-linux gcc libc6-dev libxen-dev"

# Packages that are unpacked.  The kernel image is added by name when known.
xen_packages="xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils
    libxenmisc4.17 libxencall1 libxendevicemodel1 libxenevtchn1
    libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4
    libxentoolcore1 libxentoollog1 libyajl2 libfdt1 jq libjq1 libonig5"

# Modules in the order in which they must be loaded.
dom0_modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev
    virtio_pci 9pnet 9pnet_virtio netfs fscache 9p
    xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs"
guest_modules="xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs
    zsmalloc zram"

# Says what is missing in one line, before anything else can fail strangely.
check_host_packages() {
    local missing="" pair
    for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static \
        cpio:cpio xz:xz-utils setpriv:util-linux gcc:gcc \
        dpkg-deb:dpkg apt-get:apt; do
        command -v "${pair%%:*}" >/dev/null || missing+=" ${pair##*:}"
    done
    [ -e /usr/share/seabios/bios-256k.bin ] || missing+=" seabios"
    if command -v busybox >/dev/null &&
       ldd "$(command -v busybox)" >/dev/null 2>&1; then
        missing+=" busybox-static"
    fi
    [ -e /usr/include/xenctrl.h ] || missing+=" libxen-dev"
    [ -z "$missing" ] || die "please install:$missing"
}

# The kernel image package that linux-image-amd64 depends on at the moment.
kernel_package() {
    apt-cache depends linux-image-amd64 |
        awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }'
}

build_root() {
    local kernel staging="$cache/root.new" deb
    [ -e "$cache/root/.complete" ] && return 0
    kernel=$(kernel_package)
    [ -n "$kernel" ] ||
        die "linux-image-amd64 is unknown to apt: run apt-get update first"
    say "downloading Xen 4.17 and $kernel"
    rm -rf "$staging" "$cache/debs"
    mkdir -p "$cache/debs" "$staging"
    # shellcheck disable=SC2086 # a list of words
    (cd "$cache/debs" &&
        apt-get -qq download $kernel $xen_packages 2>"$cache/download.log") ||
        die "download failed: $(tail -n 1 "$cache/download.log")"
    for deb in "$cache"/debs/*.deb; do
        dpkg-deb -x "$deb" "$staging" || die "cannot unpack ${deb##*/}"
    done
    touch "$staging/.complete"
    rm -rf "$cache/root"
    mv "$staging" "$cache/root"
    rm -rf "$cache/debs"
}

# Copies programs with the shared libraries that ldd names into an image.
# Libraries of the unpacked packages win over installed ones: libxenctrl must
# be the one of the hypervisor that we boot.
#   copy_programs IMAGE FOLDER PROGRAM...
copy_programs() {
    local image=$1 folder=$2 program library
    shift 2
    mkdir -p "$image/$folder" "$image/lib/x86_64-linux-gnu" "$image/lib64"
    for program; do
        cp -L "$program" "$image/$folder/"
        { LD_LIBRARY_PATH="$cache/root/usr/lib/x86_64-linux-gnu" \
            ldd "$program" 2>/dev/null || true; } |
            awk '$2 == "=>" && $3 ~ /^\// { print $3 }
                 $1 ~ /^\/lib64/ { print $1 }' |
            while read -r library; do
                case $library in
                /lib64/*) cp -Lu "$library" "$image/lib64/" ;;
                *) cp -Lu "$library" "$image/lib/x86_64-linux-gnu/" ;;
                esac
            done
    done
}

# Copies kernel modules and writes the order to load them in.
#   copy_modules IMAGE NAME...
copy_modules() {
    local image=$1 name path
    shift
    mkdir -p "$image/modules"
    for name; do
        path=$(find "$cache/root/lib/modules" -name "$name.ko" -print -quit)
        [ -n "$path" ] || die "kernel module $name not found"
        cp "$path" "$image/modules/"
        echo "$name" >>"$image/modules/order"
    done
}

# Archives are not compressed: QEMU and xl copy them at the host's speed, and
# unpacking a compressed one in emulation costs seconds.
#   pack IMAGE FILE
pack() {
    (cd "$1" && find . | LC_ALL=C sort |
        cpio --quiet -o -H newc -R 0:0) >"$2.new" || die "cannot pack $2"
    mv "$2.new" "$2"
}

busybox_skeleton() {
    local image=$1
    mkdir -p "$image"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,root} \
        "$image"/{etc,var/log/xen/console,var/lib/xen,modules}
    ln -s /run "$image/var/run"
    ln -s /run/lock "$image/var/lock"
    cp -L "$(command -v busybox)" "$image/bin/busybox"
    ln -s busybox "$image/bin/sh"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$image/etc/passwd"
    echo 'root:x:0:' >"$image/etc/group"
}

build_dom0_image() {
    local image="$cache/dom0.new" root="$cache/root" xen name
    xen="$root/usr/lib/xen-4.17/bin"
    rm -rf "$image"
    busybox_skeleton "$image"
    copy_programs "$image" bin "$(command -v bash)"
    copy_programs "$image" usr/lib/xen-4.17/bin \
        "$xen"/{xl,xenstored,oxenstored,xenconsoled,xenconsole} \
        "$xen"/{xen-init-dom0,libxl-save-helper,xenstore-control}
    for name in xl xenstored oxenstored xenconsoled xenstore-control; do
        ln -s "/usr/lib/xen-4.17/bin/$name" "$image/usr/sbin/$name"
    done
    copy_programs "$image" usr/bin "$root/usr/bin/xenstore" "$root/usr/bin/jq"
    for name in chmod exists list ls read rm watch write; do
        ln -s xenstore "$image/usr/bin/xenstore-$name"
    done
    # Opened with dlopen() by pthread_cancel(): ldd does not name it.
    cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 "$image/lib/x86_64-linux-gnu/"
    mkdir -p "$image/etc/xen"
    cp "$root/etc/xen/oxenstored.conf" "$image/etc/xen/"
    echo 'autoballoon="off"' >"$image/etc/xen/xl.conf"
    copy_modules "$image" $dom0_modules
    mkdir -p "$image/boot"
    cp "$cache/image/vmlinux" "$image/boot/vmlinux"
    pack "$image" "$cache/image/dom0.cpio"
    rm -rf "$image"
}

build_guest_image() {
    local image="$cache/guest.new" root="$cache/root" name
    rm -rf "$image"
    busybox_skeleton "$image"
    copy_programs "$image" usr/bin "$root/usr/bin/xenstore"
    for name in exists list ls read rm watch write; do
        ln -s xenstore "$image/usr/bin/xenstore-$name"
    done
    cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 "$image/lib/x86_64-linux-gnu/"
    copy_modules "$image" $guest_modules
    pack "$image" "$cache/image/guest.cpio"
    rm -rf "$image"
}

# The ELF kernel inside the bzImage: `xl create` takes 1 s with it, 5 s without.
extract_vmlinux() {
    local offset
    offset=$(LC_ALL=C grep -abom1 $'\xFD7zXZ\x00' "$1" | head -n 1 |
        cut -d: -f1)
    [ -n "$offset" ] || die "no xz stream in $1"
    # xz complains about what follows the stream: only the result counts.
    tail -c "+$((offset + 1))" "$1" | xz -dc --single-stream 2>/dev/null >"$2"
    [ "$(head -c 4 "$2")" = $'\x7fELF' ] || die "cannot extract $2"
}

build_images() {
    local root="$cache/root" recipe
    recipe=$(cat "$here/build.sh" "$root/.complete" | sha256sum)
    [ "$(cat "$cache/image/.recipe" 2>/dev/null)" = "$recipe" ] && return 0
    say "making the images of dom0 and of the guests"
    mkdir -p "$cache/image"
    rm -f "$cache/image/.recipe"
    gunzip -c "$root"/boot/xen-4.17-amd64.gz >"$cache/image/xen"
    cp "$root"/boot/vmlinuz-* "$cache/image/vmlinuz"
    extract_vmlinux "$cache/image/vmlinuz" "$cache/image/vmlinux"
    build_dom0_image
    build_guest_image
    echo "$recipe" >"$cache/image/.recipe"
}

# compile NAME COMPILER-ARGUMENT...   from NAME.c in this folder
compile() {
    local name=$1 out="$cache/tools/$1"
    shift
    [ "$out" -nt "$here/$name.c" ] && return 0
    mkdir -p "$cache/tools"
    gcc -std=gnu11 -O2 -Wall -Wextra -o "$out.new" "$here/$name.c" "$@" ||
        die "cannot compile $name.c"
    mv "$out.new" "$out"
}

build_tools() {
    compile hosttool -lxenctrl -lxengnttab -lxenstore
    # Not static: a static libxenstore makes the stack of its thread too small
    # for processors with large vector registers, and xs_watch() fails.
    compile guestagent -lxenstore
    compile memburst -static
    compile memload -static
    compile peerwriter -lxenstore
}

build_all() {
    check_host_packages
    mkdir -p "$cache"
    # Two runs may start at the same time: the second one waits.
    exec 8>"$cache/.lock"
    flock 8
    build_root
    build_images
    build_tools
    exec 8>&-
}
