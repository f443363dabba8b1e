# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Debian in a directory: as a chroot that runs one command, and as a machine of its own with systemd as its first process and
# a network that has only a loopback interface, or one that is there. Source it; as root. The script has a function `fail`, which
# ends it.

# until_true WHAT SECONDS COMMAND...
until_true() {
    local what=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited too long for: $what"
        sleep 0.2
    done
}

# base_make SUITE DIRECTORY: the Debian that is copied for each machine, unless it is there.
base_make() {
    [[ -e $2/etc/debian_version ]] && return
    rm -rf "$2.new"
    debootstrap --variant=minbase --include=systemd "$1" "$2.new" >"$2.log" 2>&1 || fail "debootstrap; see $2.log"
    echo force-unsafe-io >"$2.new/etc/dpkg/dpkg.cfg.d/no-power-cut-comes-here"
    mv "$2.new" "$2"
}

# in_chroot ROOT COMMAND...: runs it there, with this machine's network.
in_chroot() {
    local root=$1
    shift
    [[ -e /etc/resolv.conf ]] && cat /etc/resolv.conf >"$root/etc/resolv.conf"
    unshare --mount --pid --fork --kill-child bash -c '
        root=$1
        shift
        mount --make-rprivate /
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/dev/shm" -o mode=1777
        mount -t tmpfs tmpfs "$root/tmp" -o mode=1777
        exec chroot "$root" /usr/bin/env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-}" "$@"' _ "$root" "$@"
}

# machine_boot ROOT LOG [NETWORK]: starts it, with NETWORK, a network namespace of `ip netns`, as its network. Sets machine_shell, which
# machine_halt ends, machine, its first process, and machine_group, its control group.
machine_count=0
machine_boot() {
    local network=(unshare --net)
    [[ -n ${3-} ]] && network=(nsenter --net="/run/netns/$3")
    machine_group=ringcast-$$-$((++machine_count))
    # Its control groups have a root of their own, or two machines would take each other's services for theirs.
    "${network[@]}" unshare --mount --pid --uts --ipc --fork --kill-child bash -c '
        set -e
        mount --make-rprivate /
        mount -t cgroup2 cgroup2 "$1/mnt"
        mkdir "$1/mnt/$2"
        echo 0 >"$1/mnt/$2/cgroup.procs"
        umount "$1/mnt"
        exec unshare --cgroup bash -c "$3" _ "$1"' _ "$1" "$machine_group" '
        set -e
        root=$1
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
        mount -t tmpfs tmpfs "$root/run" -o mode=755
        mount -t tmpfs tmpfs "$root/tmp" -o mode=1777
        mount -t tmpfs tmpfs "$root/dev" -o mode=755
        for name in null zero full random urandom tty; do
            touch "$root/dev/$name"
            mount --bind "/dev/$name" "$root/dev/$name"
        done
        mkdir "$root/dev/shm" "$root/dev/pts"
        mount -t tmpfs tmpfs "$root/dev/shm" -o mode=1777
        mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
        ln -s pts/ptmx "$root/dev/ptmx"
        ln -s /proc/self/fd "$root/dev/fd"
        for i in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${i%:*}" "$root/dev/${i#*:}"; done
        cd "$root"
        mkdir -p .old
        pivot_root . .old
        umount -l /.old
        rmdir /.old
        exec /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
            /lib/systemd/systemd --log-target=console --show-status=0' <"/dev/null" >"$2" 2>&1 &
    machine_shell=$!
    machine=''
    local state='' deadline=$((SECONDS + 120))
    until [[ $state == running || $state == degraded ]]; do
        kill -0 "$machine_shell" 2>/dev/null || { cat "$2" >&2 && return 1; }
        ((SECONDS < deadline)) || { echo "the machine does not start: $state" >&2 && return 1; }
        machine=$(cat "/proc/$machine_shell/task/$machine_shell/children" 2>/dev/null)
        machine=${machine%% *}
        sleep 0.2
        [[ -n $machine ]] && state=$(on_machine systemctl is-system-running 2>/dev/null)
    done
    return 0
}

# on_machine COMMAND...: runs it there as root.
on_machine() {
    nsenter -t "$machine" -m -p -u -i -C -n /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# beside_machine COMMAND...: runs a program of this machine with the other's network.
beside_machine() {
    nsenter -t "$machine" -n "$@"
}

# machine_poweroff: as its own systemctl does it; returns when it is off.
machine_poweroff() {
    on_machine systemctl poweroff 2>/dev/null # it loses its bus
    machine_is_off() { ! kill -0 "$machine_shell" 2>/dev/null; }
    until_true 'the machine is off' 120 machine_is_off
    machine_forget
}

# machine_halt: as a power cut does it.
machine_halt() {
    [[ -n ${machine_shell-} ]] || return 0
    kill -KILL "$machine_shell" 2>/dev/null
    machine_forget
}

machine_forget() {
    wait "$machine_shell" 2>/dev/null
    machine_shell=''
    unshare --mount bash -c 'mount --make-rprivate / && mount -t cgroup2 cgroup2 /mnt &&
        for ((i = 0; i < 50; i++)); do
            find "/mnt/$1" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep 0.1
        done' _ "$machine_group"
}
