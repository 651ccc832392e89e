#!/bin/sh
# Installs libcurl.so.4, which the bundled mongod needs and a bare Debian lacks. Prints nothing if it is there.
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
    echo "The mongod of the private database needs libcurl.so.4 (on Fedora and RHEL: dnf install libcurl)." >&2
    echo "Install it and run make again, or set PROJECTS_MONGO_URI to another database." >&2
    exit 1
fi

if as_root true 2>/dev/null; then
    echo "Installing libcurl4, which the mongod of the private database needs." >&2
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -qq update >&2 || true # an old package list may be sufficient
    # Ubuntu 24.04 and Debian 13 renamed the package for 64-bit time types
    as_root apt-get -qq install --yes --no-install-recommends libcurl4 >&2 ||
        as_root apt-get -qq install --yes --no-install-recommends libcurl4t64 >&2 || true
    found && exit 0
fi

echo "The mongod of the private database needs libcurl4. Install it and run make again:" >&2
echo "    sudo apt-get install libcurl4" >&2
exit 1
