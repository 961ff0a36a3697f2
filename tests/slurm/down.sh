#!/usr/bin/env bash
# down.sh DIR: cancel the jobs of the SLURM that up.sh started in DIR, end its daemons and put /etc/slurm back.
# DIR with its logs stays.
set -uo pipefail

[ $# -eq 1 ] || { echo "usage: down.sh DIR" >&2; exit 2; }
DIR=$(realpath -m "$1")
CONF=/etc/slurm/slurm.conf
[ -e "$DIR/.emulsion-slurm" ] || { echo "down.sh: $DIR was not made by up.sh" >&2; exit 1; }
ours=$(head -n 1 $CONF 2>/dev/null | grep -cFx "# Emulsion's test SLURM in $DIR")

# pid_of DAEMON: its process, if the one of the pid file is alive and that daemon.
pid_of() {
  local pid
  pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) && [[ $(readlink "/proc/$pid/exe") == */"${1%-*}"* ]] && echo "$pid"
}

if [ "$ours" = 1 ] && pid_of slurmctld >/dev/null && pid_of slurmd-emulsion1 >/dev/null; then
  scancel --partition=main
  for _ in $(seq 100); do
    [ -n "$(squeue -h 2>/dev/null)" ] || break
    sleep 0.1
  done
fi
for daemon in slurmd-emulsion1 slurmd-emulsion2 slurmctld munged; do
  for attempt in $(seq 100); do
    pid=$(pid_of $daemon) || break
    # Again each second, for a signal during start-up may be lost.
    [ $((attempt % 10)) != 1 ] || kill "$pid" 2>/dev/null
    [ "$attempt" != 90 ] || kill -KILL "$pid" 2>/dev/null
    sleep 0.1
  done
done
for daemon in slurmd-emulsion1 slurmd-emulsion2 slurmctld munged; do
  ! pid=$(pid_of $daemon) || { echo "down.sh: $daemon, process $pid, does not end" >&2; exit 1; }
done
[ "$ours" != 1 ] || rm -f $CONF /etc/slurm/gres.conf
for saved in "$DIR"/saved/*.conf; do
  [ ! -e "$saved" ] || mv -n "$saved" /etc/slurm/
done
rm -rf "$DIR"/{state,spool,run,dev}
rmdir "$DIR/saved" 2>/dev/null || true
