#!/bin/sh
# Make .venv, from nothing but a Python: uv, the locked packages, and the command `itemstream`.
# Does nothing when the lock has not changed. POSIX sh: it is the first thing that runs.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "Problem: $*"; exit 1; }

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python=$(find_python) || fail "Python 3.11 or newer (with its venv module) is missing. Install it: \
sudo apt-get install python3.11-venv, brew install python@3.13, or https://www.python.org/downloads/. \
Another one than on the PATH: PYTHON=/path/to/python make …"

wanted=$(cat requirements/development.txt requirements/uv.txt pyproject.toml | cksum; "$python" --version)
stamp=.venv/.bootstrapped
if [ -x .venv/bin/itemstream ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

# A machine is often set up for pip only; uv has other names for the same settings.
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
[ -z "${PIP_EXTRA_INDEX_URL:-}" ] || export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"
[ -z "${PIP_FIND_LINKS:-}" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-$PIP_FIND_LINKS}"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
# Certificates that the machine trusts, such as a company's own, are trusted.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
# pyvips, published as source alone, binds to the libvips of its wheel and not to one of the machine.
export PKG_CONFIG=false
export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"

no_network="Is the package index reachable? Behind a proxy set HTTPS_PROXY; with a mirror set \
PIP_INDEX_URL (or UV_DEFAULT_INDEX); then run the command again."

# The first number of the pinned version that is not 0: what a compatible uv shares with it.
pinned=$(sed -n 's/^uv==\(0*\.*[0-9]*\)\..*/\1/p' requirements/uv.txt)
if command -v uv >/dev/null 2>&1 && uv --version 2>/dev/null | grep -q "^uv $pinned\."; then
    uv=uv
else
    uv=.local/uv/bin/uv
    if ! "$uv" --version 2>/dev/null | grep -q "^uv $pinned\."; then
        say "… uv, which installs the locked packages"
        rm -rf .local/uv
        "$python" -m venv .local/uv ||
            fail "Python's venv module does not work. On Debian: sudo apt-get install python3-venv"
        .local/uv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
            --require-hashes -r requirements/uv.txt || fail "uv could not be installed. $no_network"
    fi
fi

say "… packages for development, from the lock"
[ -x .venv/bin/python ] || "$uv" venv --quiet --clear --python "$python" .venv
"$uv" pip sync --quiet --require-hashes --python .venv/bin/python requirements/development.txt ||
    fail "The packages could not be installed. $no_network"
# Without isolation: the lock holds the build backend, so nothing is fetched that it does not name.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable . ||
    fail "The project itself could not be installed; see the lines above."
printf '%s\n' "$wanted" >"$stamp"
