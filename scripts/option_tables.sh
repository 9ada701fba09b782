#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/option_tables.sh [--check]: the option table in every plugin's README, from the plugin itself.
set -euo pipefail
cd "$(dirname "$0")/.."
cross4d=${CROSS4D:-build/bin/cross4d}
status=0
for folder in plugins/*s/*/; do
  role=$(basename "$(dirname "$folder")")
  name=$(basename "$folder")
  readme=${folder}README.md
  table=$(mktemp)
  "$cross4d" plugins show "${role%s}/$name" --markdown >"$table"
  if ! grep -q '^<!-- options -->$' "$readme"; then
    printf '\n## Options\n\n<!-- options -->\n<!-- /options -->\n' >>"$readme.new"
    cat "$readme" "$readme.new" >"$readme.whole" && rm "$readme.new"
  else
    cp "$readme" "$readme.whole"
  fi
  awk -v table="$table" '
    $0 == "<!-- options -->" { while ((getline line < table) > 0) print line; skip = 1 }
    !skip { print }
    $0 == "<!-- /options -->" { skip = 0 }' "$readme.whole" >"$table.readme"
  rm "$readme.whole"
  if [ "${1:-}" != --check ]; then
    cmp -s "$table.readme" "$readme" || { cat "$table.readme" >"$readme"; echo "$readme"; }
  elif ! diff -u "$readme" "$table.readme"; then
    echo "$readme: its option table is stale; run scripts/option_tables.sh" >&2
    status=1
  fi
  rm "$table" "$table.readme"
done
exit $status
