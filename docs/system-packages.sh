#!/bin/sh
# Sees to it that the bundled mongod finds libcurl.so.4, which a bare Debian lacks. Says nothing when it is there.
set -eu

found() {
    python3 -c 'import ctypes; ctypes.CDLL("libcurl.so.4")' 2>/dev/null && return 0
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q 'libcurl\.so\.4 '
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

found && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "The private database's mongod needs the library libcurl.so.4 (on Fedora and RHEL: dnf install libcurl)." >&2
    echo "Install it and run make again, or name a database of your own in PROJECTS_MONGO_URI." >&2
    exit 1
fi

if as_root true 2>/dev/null; then
    echo "Installing libcurl4, which the private database's mongod needs." >&2
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -qq update >&2 || true # an old list of packages may do
    # 64-bit time types gave the package a new name in Ubuntu 24.04 and Debian 13
    as_root apt-get -qq install --yes --no-install-recommends libcurl4 >&2 ||
        as_root apt-get -qq install --yes --no-install-recommends libcurl4t64 >&2 || true
    found && exit 0
fi

echo "The private database's mongod needs libcurl4. Install it and run make again:" >&2
echo "    sudo apt-get install libcurl4" >&2
exit 1
