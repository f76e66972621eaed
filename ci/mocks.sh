#!/usr/bin/env bash
# Starts mocks that run until the job is over, and waits until they are healthy.
# MOCKS: names of APIs, or all. MOCKS_ARGS: further options of `counterfoil serve`, one a line.
set -euo pipefail

log=${RUNNER_TEMP:?}/counterfoil-mocks.log
port_file=$RUNNER_TEMP/counterfoil-mocks.port
rm -f "$port_file"
read -r -a names <<< "${MOCKS:-}"
[ "${names[*]}" != all ] || names=()
args=()
while IFS= read -r line || [ -n "$line" ]; do
  [ -z "${line//[[:space:]]/}" ] || args+=("$line")
done <<< "${MOCKS_ARGS:-}"

nohup counterfoil serve --port-file "$port_file" ${args[@]+"${args[@]}"} -- ${names[@]+"${names[@]}"} \
  > "$log" 2>&1 < /dev/null &
process=$!

for _ in $(seq 1 300); do
  [ ! -s "$port_file" ] || break
  if ! kill -0 "$process" 2>/dev/null; then
    break
  fi
  sleep 0.1
done
if [ ! -s "$port_file" ]; then
  echo "the mocks did not start:" >&2
  cat "$log" >&2
  kill "$process" 2>/dev/null || true
  exit 2
fi

# The port is written when the mocks answer. They are at the root (one API), or each at /<api>/.
cat "$log"
{
  echo "mocks-url=http://127.0.0.1:$(cat "$port_file")"
  echo "mocks-process=$process"
} >> "${GITHUB_OUTPUT:?}"
