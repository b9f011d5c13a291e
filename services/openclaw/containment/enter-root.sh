#!/bin/sh
# Builds the root that a contained program sees, enters it, and becomes the program. Runs as the first process of
# new mount, pid, network and ipc namespaces. Constant text: nothing of a call is ever expanded by this shell but
# "$@". Descriptor 3 is the sandbox, 4 the program file. Arguments: mount point, program, folder, words to run.
set -eu
new_root=$1 program=$2 folder=$3
shift 3

# Mounts what the descriptor's path names now, and goes on only if that is what the descriptor holds.
bind_descriptor() {
  mount --bind "$(readlink "/proc/self/fd/$1")" "$2"
  [ "$2" -ef "/proc/self/fd/$1" ] || { echo 'enter-root: replaced while being bound' >&2; exit 126; }
}

mount --make-rprivate /
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev none "$new_root"
cd "$new_root"
mkdir usr dev proc tmp sandbox old
ln -s usr/bin bin
ln -s usr/sbin sbin
ln -s usr/lib lib
ln -s usr/lib64 lib64

mount --bind /usr usr
bind_descriptor 4 ".$program"
mount -o remount,bind,ro ".$program"
mount -o remount,bind,ro usr
bind_descriptor 3 sandbox
exec 3<&- 4<&-
mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev none tmp
mount -t proc -o nosuid,nodev,noexec proc proc
for device in null zero urandom; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done

PATH="/usr/sbin:/sbin:$PATH" pivot_root . old
umount -l /old
rmdir /old
mount -o remount,bind,ro,nosuid,nodev /
cd "$folder"
exec "$@"
