#!/usr/bin/env bash
# Holds an endpoint to its contract; passes on how that ended.
# CHECK: APIs, all, or targets of counterfoil.toml. ARGS: further options, one a line.
# REPORTS: the folder that reports go to.
set -uo pipefail

read -r -a names <<< "${CHECK:?}"
args=()
while IFS= read -r line || [ -n "$line" ]; do
  [ -z "${line//[[:space:]]/}" ] || args+=("$line")
done <<< "${ARGS:-}"
reports=${REPORTS:-counterfoil-reports}
mkdir -p "$reports" || exit 2
for ending in html json sarif xml; do
  args+=(--report "$reports/counterfoil.$ending")
done

# In a step it writes annotations and the job's summary by itself.
counterfoil check ${args[@]+"${args[@]}"} -- ${names[@]+"${names[@]}"}
code=$?
case $code in
  0) verdict=kept ;;
  1) verdict=broken ;;
  2) verdict=usage ;;
  130) verdict=interrupted ;;
  *) verdict=unjudged ;;
esac
{
  echo "exit-code=$code"
  echo "verdict=$verdict"
  echo "reports=$reports"
} >> "${GITHUB_OUTPUT:?}"
exit "$code"
