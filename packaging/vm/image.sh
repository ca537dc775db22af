# shellcheck shell=bash
# What the builders of the virtual machines share: they unpack Debian packages into folders and make disks of these.
cache=$vm/packages

# Installs what the builders need on this machine.
require_tools() {
    local tool lacking=
    for tool in mmdebstrap:mmdebstrap cpio:cpio mke2fs:e2fsprogs depmod:kmod perl:perl-base curl:curl; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null || lacking="$lacking ${tool#*:}"
    done
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || lacking="$lacking debian-archive-keyring"
    [ -n "$lacking" ] || return 0
    command -v apt-get >/dev/null || die "needs the following, by the names of their Debian packages:$lacking"
    say "Installing Debian packages:$lacking"
    # shellcheck disable=SC2086
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $lacking; } \
        </dev/null >/dev/null
}

# Prints the mirrors of Debian 12 that apt on this machine uses; of a Debian of another release, where that one is.
mirrors() {
    local known key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    if [ -n "${GANTRY_VM_MIRROR:-}" ]; then
        echo "deb $key $GANTRY_VM_MIRROR bookworm main"
        return
    fi
    known=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk -F '|' '$1 == "Debian" && $4 == "main"' | sort -u)
    awk -F '|' -v key="$key" '
        $3 ~ /^bookworm/ && $3 !~ /backports/ { print "deb " key " " $2 " " $3 " " $4; found = $3 == "bookworm" ? 1 : found }
        $3 !~ /[-\/]/ { main = $2 }
        END { if (!found && main != "") print "deb " key " " main " bookworm main" }' <<<"$known"
}

# Writes where packages come from: sources.list for guests, sources-tools.list for what runs here.
write_sources() {
    local main
    mkdir -p "$cache"
    mirrors >"$vm/sources.list"
    main=$(awk '/ bookworm main$/ { print $(NF - 2); exit }' "$vm/sources.list")
    [ -n "$main" ] || die "apt on this machine knows no mirror of Debian; name one: GANTRY_VM_MIRROR=http://… ./gantry test --vm"
    {
        cat "$vm/sources.list"
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $main bookworm-backports main"
    } >"$vm/sources-tools.list"
}

# Unpacks packages into a folder; the variant "minbase" also configures them.
bootstrap() { # target, sources, variant, packages, more options for mmdebstrap
    local target=$1 sources=$2 variant=$3 packages=$4
    shift 4
    rm -rf "$target"
    mmdebstrap --quiet --mode=root --variant="$variant" --format=directory --include="$packages" \
        --skip=cleanup/apt,check/empty,check/qemu \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
        --aptopt='APT::Install-Recommends "false"' --aptopt='APT::Keep-Downloaded-Packages "true"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives/partial \"\$1\"/usr/share/man/man1; cp -a '$cache'/*.deb \"\$1\"/var/cache/apt/archives/ 2>/dev/null || true" \
        --customize-hook="cp -an \"\$1\"/var/cache/apt/archives/*.deb '$cache'/ 2>/dev/null || true; rm -rf \"\$1\"/var/cache/apt \"\$1\"/var/lib/apt/lists" \
        "$@" bookworm "$target" "$sources" 2>"$vm/bootstrap.log" ||
        { tail -n 20 "$vm/bootstrap.log" >&2; die "could not unpack Debian packages into $target"; }
}

# Prints an initial ram disk: busybox, and the modules that reach the root disk; it starts the given program of the root disk.
initial_disk() { # kernel's version, program, modules…
    local kernel=$1 program=$2 initrd module
    shift 2
    initrd=$(mktemp -d "$vm/initrd.XXXXXX")
    mkdir -p "$initrd"/{bin,dev,proc,sys,new,modules}
    cp "$rootfs/bin/busybox" "$initrd/bin/busybox"
    cp "$vm_scripts/guest/init" "$initrd/init"
    printf '%s\n' "$program" >"$initrd/program"
    for module in "$@"; do
        modprobe -d "$rootfs" -S "$kernel" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
        cp "$file" "$initrd/modules/"
        echo "${file##*/}" >>"$initrd/order"
    done
    (cd "$initrd" && find . | cpio -o -H newc --quiet | gzip -1)
    rm -rf "$initrd"
}
