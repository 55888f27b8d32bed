# shellcheck shell=bash
# Step "system_deps": the system packages that everything else needs. Only what is missing is installed.

have_root() { [[ "$EUID" == 0 ]] || sudo -n true 2>/dev/null; }

# as_root COMMAND...
as_root() {
  if [[ "$EUID" == 0 ]]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

# system_packages: the packages that this run needs.
system_packages() {
  local interpreter
  printf '%s\n' "${SYSTEM_PACKAGES[@]}"
  venv_python_version >/dev/null && return 0 # the interpreter was installed or built already
  interpreter="$(python_find)"
  if [[ -z "$interpreter" ]]; then
    printf '%s\n' "${PYTHON_BUILD_PACKAGES[@]}"
  elif [[ "$interpreter" == /usr/bin/* ]] && ! "$interpreter" -I -c 'import ensurepip' 2>/dev/null </dev/null; then
    printf '%s-venv\n' "$(basename -- "$(readlink -f -- "$interpreter")")"
  fi
}

# packages_missing PACKAGE...: those that are not installed.
packages_missing() {
  local installed package
  installed=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
    awk '$2 == "installed" {printf "%s ", $1}') "
  for package in "$@"; do
    [[ "$installed" == *" $package "* ]] || printf '%s\n' "$package"
  done
}

system_packages_missing() {
  local -a packages
  mapfile -t packages < <(system_packages)
  packages_missing "${packages[@]}"
}

# apt_get ARGUMENT...: never asks, never restarts services, waits for another package manager.
# Descriptor 9 (the run's lock) is closed, since packages may start daemons.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l apt-get -y \
    -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold "$@" </dev/null 9>&-
}

# apt_install PACKAGE...: install these without upgrading anything; refresh the package lists once if that fails.
apt_install() {
  have_root || die 20 "installing ${*} needs root: run as root, or: sudo apt-get install --no-install-recommends ${*}"
  local package
  while read -r package; do made package "$package"; done < <(packages_missing "$@")
  local -a install=(install --no-upgrade --no-install-recommends "$@")
  apt_get "${install[@]}" || {
    echo "refreshing the package lists and trying once more"
    apt_get update
    apt_get "${install[@]}"
  }
}

system_deps_check() {
  local -a missing
  mapfile -t missing < <(system_packages_missing)
  ((${#missing[@]} == 0)) || {
    emit_fact "missing: ${missing[*]}"
    return 1
  }
  emit_fact "all installed"
}

system_deps_apply() {
  local -a missing
  mapfile -t missing < <(system_packages_missing)
  apt_install "${missing[@]}"
}
