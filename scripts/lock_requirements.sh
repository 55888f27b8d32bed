#!/usr/bin/env bash
# Resolves requirements.in into requirements.lock: exact versions with hashes, for Python 3.12 and newer.
# Needs uv on the PATH. Packages listed after "# apart:" take part in the resolution and are left out of the lock.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

apart=()
while read -r -a names; do
  for name in "${names[@]}"; do apart+=(--no-emit-package "$name"); done
done < <(sed -n 's/^# apart: //p' requirements.in)

# -U: a lock is made anew, not mended, so that two people get the same one on the same day.
uv pip compile -U --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links "${apart[@]}" --output-file requirements.lock requirements.in
sed -i '1i # Made by scripts/lock_requirements.sh from requirements.in.' requirements.lock
