# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Functions on deploy/packages, for scripts that install what they need. Source it.

packages_file=$(dirname "${BASH_SOURCE[0]}")/packages

# packages_of SECTION...: the sections' packages, without those whose command is already there.
packages_of() {
    local section='' package command
    while read -r package command; do
        case $package in
        '' | '#'*) ;;
        '['*) section=${package//[\[\]]/} ;;
        *)
            [[ " $* " == *" $section "* ]] || continue
            if [[ -z $command ]] || ! command -v "$command" >/dev/null; then
                printf '%s\n' "$package"
            fi
            ;;
        esac
    done <"$packages_file"
}

# packages_missing SECTION...: those of them that are not installed. One query, however many there are.
packages_missing() {
    local wanted
    mapfile -t wanted < <(packages_of "$@")
    ((${#wanted[@]})) || return 0
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
            sed -n 's/^installed //p' | sort -u)
}

# packages_root: what makes a command run as root; nothing as root itself, and if nothing can.
packages_root() {
    if ((EUID != 0)) && command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
        echo sudo
    fi
}

# packages_install SECTION...: installs what is missing, as root or through sudo. Without either: says what to
# install and fails.
packages_install() {
    local missing as_root
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not a Debian system, so no packages are installed. deploy/packages lists what is needed." >&2
        return 0
    fi
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]})) || return 0
    mapfile -t as_root < <(packages_root)
    if ((EUID != 0 && ${#as_root[@]} == 0)); then
        echo "Packages are missing, and this user cannot install them. As root:" >&2
        echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -q &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
            "${missing[@]}"
}

# packages_install_idle SECTION...: the same for packages that bring a service of their own name. It is neither started now
# (policy-rc.d, invoke-rc.d(8)) nor at the next boot, with systemd and without. One that is installed already stays as it is.
packages_install_idle() {
    local missing as_root package status
    mapfile -t missing < <(packages_missing "$@")
    mapfile -t as_root < <(packages_root)
    if ((${#missing[@]} == 0)) || ! command -v dpkg-query >/dev/null || ((EUID != 0 && ${#as_root[@]} == 0)); then
        packages_install "$@"
        return
    fi
    (
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap '"${as_root[@]}" rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy" || exit
        fi
        packages_install "$@"
    )
    status=$?
    for package in "${missing[@]}"; do
        "${as_root[@]}" rm -f /etc/systemd/system/multi-user.target.wants/"$package".service # needs no systemd
        "${as_root[@]}" env PATH="$PATH:/usr/sbin:/sbin" update-rc.d "$package" disable >/dev/null 2>&1
    done
    return "$status"
}
