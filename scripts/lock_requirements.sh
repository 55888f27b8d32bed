#!/usr/bin/env bash
# Resolves requirements.in into requirements.lock, exact versions with hashes for Python 3.12 and newer; and
# requirements-vllm.in into requirements-vllm.lock, what vLLM needs beyond the first, which binds it.
# Needs uv on the PATH. Packages listed after "# apart:" take part in the resolution and are left out of the locks.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# apart FILE...: the packages that these inputs want left out, one per line.
apart() { sed -n 's/^# apart: //p' "$@" | tr ' ' '\n'; }

# pinned LOCK: the packages that a lock pins for every Python 3.12; one that it pins for some alone has a single pin
# with a condition.
pinned() {
  sed -n 's/^\([a-z0-9][a-z0-9._-]*\)==/\1 /p' "$1" |
    awk '{pins[$1]++} !/;/ {always[$1] = 1} END {for (name in pins) if (always[name] || pins[name] > 1) print name}'
}

# lock INPUT LOCK ARGUMENT...: the packages to leave out come from standard input.
lock() {
  local name
  local -a without=()
  while read -r name; do without+=(--no-emit-package "$name"); done
  # -U: a lock is made anew, not mended, so that two people get the same one on the same day.
  uv pip compile -U --quiet "${@:3}" --generate-hashes --no-header --no-annotate --no-emit-index-url \
    --no-emit-find-links "${without[@]}" --output-file "$2" "$1"
  sed -i "1i # Made by scripts/lock_requirements.sh from $1." "$2"
}

apart requirements.in | lock requirements.in requirements.lock --universal --python-version 3.12
{
  apart requirements.in requirements-vllm.in
  pinned requirements.lock
} | lock requirements-vllm.in requirements-vllm.lock --python-platform x86_64-manylinux_2_28 --python-version 3.12.11
