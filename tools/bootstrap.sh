#!/bin/sh
# Make .venv with the tested packages. A second call finds it ready and does nothing.
# PYTHON=/path/to/python (or a name) chooses the interpreter; uv is used where there is one.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME # another environment's packages must not leak into ours
range=">=3.11,<3.15" # as in pyproject.toml

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

has_uv() { uv --version >/dev/null 2>&1; }

runs() { .venv/bin/python -c '' 2>/dev/null; }

has_pip() { .venv/bin/python -c 'import pip' 2>/dev/null; }

# Print the real path of a Python in range: a name that exists may still fail (shims), and the one of an active
# .venv leads to its base. $1 is a module it must have, the rest are names.
find_python() {
    module=$1
    shift
    for name in "$@"; do
        "$name" -c "
import sys, $module
(3, 11) <= sys.version_info[:2] < (3, 15) or sys.exit(1)
print(sys._base_executable)" 2>/dev/null && return
    done
    return 1
}

stamp=.venv/.stamp
here=$(pwd -P)
state="$here
$(cksum pyproject.toml constraints.txt)"
[ "$(cat $stamp 2>/dev/null)" = "$state" ] && runs && exit

if [ "$(head -n 1 $stamp 2>/dev/null)" = "$here" ] && runs && { has_uv || has_pip; }; then
    echo "setup: the list of packages has changed, bringing .venv up to date"
else
    set -- python3.13 python3.12 python3.11 python3 python python3.14
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    elif found=$(UV_PYTHON_DOWNLOADS=never uv python find --system "$range" 2>/dev/null); then
        set -- "$@" "$found"
    fi
    if has_uv; then module=sys; else module=ensurepip; fi
    python=$(find_python $module "$@") || {
        python=$(find_python sys "$@") && fail "$python cannot make virtual environments, since its module" \
            "ensurepip is missing. Install the package that holds it (on Debian and Ubuntu python3-venv, or" \
            "python3.12-venv for that version) or install uv, then try again."
        fail "no working Python $range was found (tried: $*). Install one, or name one that is not on the PATH:" \
            "make setup PYTHON=/path/to/python3.12"
    }
    echo "setup: making .venv with $python and some 120 packages; the first time takes minutes"
    rm -rf .venv
    if has_uv; then uv venv --quiet --python "$python" .venv; else "$python" -m venv .venv; fi
fi

if has_uv; then
    uv pip install --quiet --python .venv/bin/python -e '.[test]' -c constraints.txt
else
    .venv/bin/python -m pip install -qq --disable-pip-version-check -e '.[test]' -c constraints.txt
fi
printf '%s\n' "$state" >$stamp
echo "setup: .venv is ready"
