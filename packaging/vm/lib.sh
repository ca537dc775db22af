# shellcheck shell=bash
# What the scripts of the virtual machine share. Everything they make lies in $vm.
vm_scripts=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd -- "$vm_scripts/../.." && pwd -P)
vm=${GANTRY_VM_DIR:-$checkout/.build/vm}
tools=$vm/tools       # QEMU, firmware and the kernel, unpacked from Debian packages
rootfs=$vm/rootfs     # the guest's files
memory=${GANTRY_VM_MEMORY:-2G}

say() { printf '%s\n' "$*" >&2; }
die() { say "vm: $*"; exit 1; }

now_ms() { date +%s%3N; }

kernel_version() {
    local image
    for image in "$tools"/boot/vmlinuz-*; do printf '%s\n' "${image##*/vmlinuz-}"; done
}

# Sets the array qemu to the command that runs a machine with its sockets in folder $1, the root disk described by
# $2, the memory described by $3 and the file $4 as second disk.
qemu_command() {
    local run=$1 disk=$2 ram=$3 share=$4 lib=$tools/usr/lib/x86_64-linux-gnu
    # Debian's own loader and libraries: the host's may be of another release.
    qemu=(env QEMU_MODULE_DIR="$lib/qemu" "$tools/lib64/ld-linux-x86-64.so.2" --library-path "$lib:$tools/lib/x86_64-linux-gnu"
        "$tools/usr/bin/qemu-system-x86_64" -L "$tools/usr/share/qemu" -L "$tools/usr/share/seabios"
        -accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m "$memory" -M q35,hpet=off,memory-backend=ram0 -object "$ram"
        -nodefaults -no-user-config -display none
        -kernel "$tools/boot/vmlinuz-$(kernel_version)" -initrd "$vm/initrd.gz"
        -append "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable clocksource=tsc audit=0 net.ifnames=0 systemd.show_status=0 root=/dev/vda"
        -serial "file:$run/console.log"
        -drive "if=none,id=d0,$disk,cache=unsafe" -device virtio-blk-pci,drive=d0
        -drive "if=none,id=d1,file=$share,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d1
        -device virtio-serial-pci -chardev "socket,id=c0,path=$run/ctl,server=on,wait=off"
        -device virtserialport,chardev=c0,name=gantry.ctl
        -netdev user,id=n0,restrict=on -device virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,romfile=
        -object rng-random,id=r0,filename=/dev/urandom -device virtio-rng-pci,rng=r0
        -chardev "socket,id=m0,path=$run/mon,server=on,wait=off" -mon chardev=m0,mode=readline)
}

# Sends commands to the monitor of the machine in folder $1 and prints the answers.
monitor() {
    local run=$1
    shift
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => shift) or die "monitor: $!\n";
        sub answer { my $b = ""; while ($b !~ /\(qemu\) $/) { sysread($s, $b, 65536, length $b) or last } $b }
        answer();
        for my $c (@ARGV) { syswrite $s, "$c\n"; my $r = answer(); $r =~ s/\e\[[^a-zA-Z]*[a-zA-Z]//g; $r =~ s/^.*\r\n//; $r =~ s/\(qemu\) $//; print $r }
    ' "$run/mon" "$@"
}

# MiB of the second disk: the saved machine knows it, so every copy must have the same. Sparse, it costs nothing.
share_size=1024

# Makes an ext4 image $2 of $3 MiB with the files of folder $1 (none: empty).
make_disk() {
    rm -f "$2"
    mke2fs -q -F -t ext4 -O '^has_journal,^metadata_csum,^resize_inode' -E root_owner=0:0,lazy_itable_init=1 -m 0 \
        ${1:+-d "$1"} "$2" "$3M" >/dev/null
}

# Resumes a private copy of the saved machine in the new folder $run, with the files of folder $1 at /mnt/share.
start_machine() {
    local share=$1 template=$vm/template state
    run=$(mktemp -d "$vm/run.XXXXXX")
    trap stop_machine EXIT
    if [ -n "$share" ]; then make_disk "$share" "$run/share.img" "$share_size"; else cp --sparse=always "$template/empty.img" "$run/share.img"; fi
    qemu_command "$run" "file=$template/root.qcow2,format=qcow2,snapshot=on" \
        "memory-backend-file,id=ram0,size=$memory,mem-path=$template/ram,share=off" "$run/share.img"
    TMPDIR=$run "${qemu[@]}" -incoming defer 2>"$run/qemu.log" &
    machine=$!
    for _ in $(seq 500); do [ -S "$run/mon" ] && break; sleep 0.02; done
    monitor "$run" 'migrate_set_capability x-ignore-shared on' "migrate_incoming \"exec:cat '$template/state'\"" cont >"$run/resume.log" ||
        { cat "$run/qemu.log" "$run/resume.log" >&2; die "could not resume the saved machine"; }
    # A copy must neither live in the past nor share its random numbers with other copies.
    in_machine 60 "date -us @$(date +%s.%N) >/dev/null
        perl -e 'open F, q(+>/dev/urandom); syswrite F, q($(head -c 32 /dev/urandom | base64)); ioctl(F, 0x5207, 0)'
        ${share:+mount -o ro /dev/vdb /mnt/share}" || { cat "$run/qemu.log" "$run/resume.log" >&2; die "the resumed machine does not answer"; }
}

in_machine() { # seconds, command
    "$vm_scripts/control" "$run/ctl" --timeout "$1" -- "$2"
}

# Reboots the machine as its user would, and waits until it is up again.
reboot_machine() {
    local before after
    before=$(in_machine 10 'cat /proc/sys/kernel/random/boot_id')
    in_machine 10 'systemctl --no-block reboot'
    # While it goes down it still answers, for as long as its units take to stop.
    local end=$((SECONDS + 150))
    while [ $SECONDS -lt $end ]; do
        after=$(in_machine 3 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null) && [ -n "$after" ] && [ "$after" != "$before" ] &&
            in_machine 30 'mountpoint -q /mnt/share || mount -o ro /dev/vdb /mnt/share' && return
        sleep 0.5
    done
    tail -n 20 "$run/console.log" >&2
    die "the machine did not come back from its reboot"
}

stop_machine() {
    [ -z "${machine:-}" ] || kill "$machine" 2>/dev/null || true
    wait 2>/dev/null || true
    [ -z "${run:-}" ] || [ -n "${GANTRY_VM_KEEP:-}" ] || rm -rf "$run"
}
