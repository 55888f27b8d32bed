#!/usr/bin/env bash
# inside.bash ROOT COMMAND...: run COMMAND in another system's root, with processes and mounts of its own. Started by
# unshare, in whose namespace every mount is made: it ends with COMMAND, so nothing ever remains to be unmounted.
# ROOT_BINDS, a folder per line, are seen there as they are here, and cannot be changed but those of ROOT_BINDS_WRITABLE.
set -Eeuo pipefail

bind() {
  mkdir -p -- "$root$1"
  mount --bind -- "$1" "$root$1"
  [[ -n "${2:-}" ]] || mount -o remount,bind,ro -- "$root$1"
}

main() {
  local folder path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  root="$1"
  shift
  mount --bind -- "$root" "$root" # the new root must be a mount of its own for bubblewrap to work in it
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  while read -r folder; do [[ -z "$folder" ]] || bind "$folder"; done <<<"${ROOT_BINDS:-}"
  while read -r folder; do [[ -z "$folder" ]] || bind "$folder" writable; done <<<"${ROOT_BINDS_WRITABLE:-}"
  cd "$root"
  pivot_root . mnt
  cd /root
  PATH="$path" umount -l /mnt
  exec env -i HOME=/root TERM=dumb PATH="$path" "$@"
}

main "$@"
