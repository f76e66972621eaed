#!/usr/bin/env bash
# Installs Counterfoil into an environment of its own, and puts the command alone on the PATH.
# VERSION: a released version; empty for the source that this file is part of. PYTHON: under which.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
place=${RUNNER_TEMP:?}/counterfoil
python=${PYTHON:-python3}
install=("$place/bin/python" -m pip install --quiet --disable-pip-version-check)

if [ -n "${VERSION:-}" ] && ! [[ $VERSION =~ ^[0-9]+(\.[0-9]+)*([a-z]+[0-9]+)?$ ]]; then
  echo "::error::version is a number like 0.1.0" >&2
  exit 2
fi

"$python" -m venv "$place"
if [ -n "${VERSION:-}" ]; then
  "${install[@]}" "counterfoil[check,redis,tls]==$VERSION"
else
  "$python" "$source/ci/locked.py" --extra check --extra redis --extra tls > "$place/locked.txt"
  "${install[@]}" --require-hashes --no-deps -r "$place/locked.txt"
  "$python" "$source/ci/locked.py" hatchling > "$place/build.txt"
  "$python" -m venv "$place/build"
  "$place/build/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --no-deps -r "$place/build.txt"
  (cd "$source" && "$place/build/bin/python" -m hatchling build -t wheel -d "$place/wheel" >/dev/null)
  "${install[@]}" --no-deps "$place"/wheel/*.whl
fi

mkdir -p "$place/command"
ln -sf "$place/bin/counterfoil" "$place/command/counterfoil"
echo "$place/command" >> "${GITHUB_PATH:?}"
"$place/bin/counterfoil" --version
