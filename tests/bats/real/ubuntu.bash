# shellcheck shell=bash
# A fresh Ubuntu 22.04 on the test machine: a root that debootstrap makes.

# ubuntu_obstacle: why there can be none here; empty where there can.
ubuntu_obstacle() {
  if [[ "$EUID" != 0 ]]; then
    echo "a system's root can be made by root alone"
  elif ! command -v debootstrap >/dev/null; then
    echo "debootstrap is not installed"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "this machine allows no mounts"
  fi
}

# ubuntu_base: BASE, the packed minimal root as debootstrap makes it from its own default mirror, with the two
# sources that such machines have besides. Kept for a week.
ubuntu_base() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/rusteval-tests" work
  local -a unchecked=(--no-check-gpg)
  BASE="$cache/ubuntu-22.04.tar"
  [[ -z "$(find "$BASE" -mtime -7 2>/dev/null)" ]] || return 0
  [[ ! -e /usr/share/keyrings/ubuntu-archive-keyring.gpg ]] || unchecked=()
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/new.XXXXXX")"
  unshare --mount --pid --fork --kill-child debootstrap --variant=minbase "${unchecked[@]}" jammy "$work/root" 3>&-
  rm -f "$work"/root/var/cache/apt/*.bin "$work"/root/var/cache/apt/archives/*.deb
  sed -i 's/ main$/ main universe/; p; s/ jammy / jammy-updates /' "$work/root/etc/apt/sources.list"
  tar -C "$work/root" -cf "$work/packed" .
  mv "$work/packed" "$BASE"
  rm -rf --one-file-system "$work"
}

# ubuntu_root ROOT: such a root, with this project in /opt/rusteval and the recorded nvidia-smi and memory of a machine
# with an H100.
ubuntu_root() {
  ROOT="$1"
  mkdir -p "$ROOT/opt/rusteval"
  tar -C "$ROOT" -xf "$BASE"
  git -C "$PROJECT" ls-files -z --cached --others --exclude-standard |
    tar -C "$PROJECT" --null --files-from=- --ignore-failed-read -cf - 2>/dev/null | tar -C "$ROOT/opt/rusteval" -xf -
  cat >"$ROOT/usr/local/bin/nvidia-smi" <<'SCRIPT'
#!/usr/bin/env bash
case "$*" in
  '') cat /opt/rusteval/tests/bats/fixtures/nvidia-smi-570-h100.txt ;;
  --query-gpu=name,driver_version*) echo 'NVIDIA H100 PCIe, 570.124.06' ;;
  *) exit 2 ;;
esac
SCRIPT
  chmod +x "$ROOT/usr/local/bin/nvidia-smi"
  echo "MemTotal:       230000000 kB" >"$ROOT/opt/meminfo"
  cp /etc/resolv.conf /etc/hosts "$ROOT/etc/"
  echo force-unsafe-io >"$ROOT/etc/dpkg/dpkg.cfg.d/speed"
  # a network whose proxies have certificates of their own
  cp -r /usr/local/share/ca-certificates/. "$ROOT/usr/local/share/ca-certificates/" 2>/dev/null || true
  mkdir -p "$ROOT/usr/local/share/ca-certificates"
}

# in_ubuntu COMMAND...: in ROOT. in_ubuntu_offline: without any network.
in_ubuntu() {
  # shellcheck disable=SC2086  # one word or none
  unshare ${UBUNTU_OFFLINE:-} --mount --pid --fork --kill-child bash "$PROJECT/tests/bats/real/inside.bash" "$ROOT" \
    env "${UBUNTU_ENVIRONMENT[@]}" "$@"
}

in_ubuntu_offline() { UBUNTU_OFFLINE=--net in_ubuntu "$@"; }

# newest_python: the newest interpreter on this machine that every pinned package can be installed with.
newest_python() {
  local folder
  for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23].*; do
    "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12, 10))' && echo "$folder/bin/python"
  done | sort -V | tail -n 1 | grep .
}

# see_machine PYTHON: let ROOT see this interpreter, the Rust toolchain, the package registries that pip is told of and
# the packages that were downloaded before. What is built for a newer system than ROOT may not run there.
see_machine() {
  local cache="${UV_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/uv}" versions rust name
  versions="$(dirname "$(dirname "$(dirname "$1")")")"
  rust="$(rustc --print sysroot)"
  mkdir -p "$cache" "$ROOT/root/.config/pip"
  ROOT_BINDS_WRITABLE="$cache"
  ROOT_BINDS="$(printf '%s\n' "$versions" "$rust" && pip_folders "$1")"
  export ROOT_BINDS ROOT_BINDS_WRITABLE
  cp /etc/pip.conf "$ROOT/etc/" 2>/dev/null || true
  cp "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$ROOT/root/.config/pip/" 2>/dev/null || true
  UBUNTU_ENVIRONMENT+=("UV_CACHE_DIR=$cache" "PYENV_ROOT=${versions%/versions}" "NUM_SAMPLES=4" "K_VALUES=1,2"
    "PATH=$rust/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  for name in $(compgen -e | grep -E '^(PIP_|UV_INDEX|UV_DEFAULT)|_proxy$|_PROXY$'); do UBUNTU_ENVIRONMENT+=("$name=${!name}"); done
}

# pip_folders PYTHON: the folders on this machine that pip takes packages from.
pip_folders() {
  local word
  "$1" -m pip config list | tr "'\"= " '\n' | sed 's/\\n/\n/g' | while read -r word; do
    word="${word#file://}"
    [[ "$word" != /* || ! -d "$word" ]] || printf '%s\n' "${word%/simple}"
  done | sort -u
}
