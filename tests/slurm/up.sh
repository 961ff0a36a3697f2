#!/usr/bin/env bash
# up.sh DIR [NGPU]: start a SLURM of two nodes on this machine, for tests. End it with down.sh DIR.
#
# munge, slurmctld and two slurmd of Debian's slurm-wlm and munge, as root, on 127.0.0.1. Each node has NGPU (2)
# pretended GPUs and as many CPUs and as much memory as profiles/slurm asks for, whatever this machine has. What it writes lies in DIR, but
# for /etc/slurm/{slurm,gres,cgroup}.conf: those that are there already are kept in DIR/saved until down.sh.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: up.sh DIR [NGPU]" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")" && pwd)
DIR=$(realpath -m "$1")
NGPU=${2:-2}
CPUS=32
MEMORY=256000 # MB
PORT=16817
HOST=$(hostname -s)
NODES=emulsion[1-2]
MARK="# Emulsion's test SLURM in "
CONF=/etc/slurm/slurm.conf

fail() { echo "up.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "must be root"
for program in munged slurmctld slurmd sinfo; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || fail "no $program: apt-get install -y slurm-wlm munge"
done
PATH=$PATH:/usr/sbin

# One at a time: what an earlier call left goes first, and a SLURM that is not ours is let be.
other=$(sed -n "1s|^$MARK||p" $CONF 2>/dev/null || true)
if [ -n "$other" ]; then
  [ "$other" != "$DIR" ] || ! sinfo -h -p main -o %T 2>/dev/null | grep -q idle || { echo "already up"; exit 0; }
  [ "$other" = "$DIR" ] || ! scontrol ping 2>/dev/null | grep -q UP || fail "one is up already: down.sh $other"
  if [ -d "$other" ]; then "$HERE/down.sh" "$other"; else rm -f $CONF /etc/slurm/gres.conf; fi
fi
for daemon in slurmctld slurmd; do
  ! pgrep -x --runstates D,R,S $daemon >/dev/null || fail "a $daemon that is not ours runs on this machine"
done

[ -e "$DIR/.emulsion-slurm" ] || [ -z "$(ls -A "$DIR" 2>/dev/null)" ] || fail "$DIR is not empty"
mkdir -p "$DIR"/{state,spool/emulsion1,spool/emulsion2,log,run,dev,saved} /etc/slurm
touch "$DIR/.emulsion-slurm"
trap 'tail -n 5 "$DIR"/log/* >&2 || true; "$HERE/down.sh" "$DIR"' ERR
for name in slurm gres cgroup; do
  [ ! -e /etc/slurm/$name.conf ] || mv /etc/slurm/$name.conf "$DIR/saved/"
done

# SLURM counts GPUs by their device files and never opens them.
for number in $(seq 0 $((NGPU - 1))); do ln -sf /dev/null "$DIR/dev/gpu$number"; done
echo "Name=gpu Count=$NGPU File=$DIR/dev/gpu[0-$((NGPU - 1))]" >/etc/slurm/gres.conf

# The configuration must lie in /etc/slurm: a Snakemake job step drops SLURM_CONF from its environment.
# Snakemake asks squeue how a job ended, so finished jobs are remembered (MinJobAge); there is no accounting.
cat >$CONF <<CONF
$MARK$DIR
ClusterName=emulsion
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$DIR/run/munge.socket
CredType=cred/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
EnforcePartLimits=ALL
MinJobAge=3600
KillWait=5
ReturnToService=2
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=$NODES NodeHostname=$HOST NodeAddr=127.0.0.1 Port=[$((PORT + 1))-$((PORT + 2))] CPUs=$CPUS Boards=1 SocketsPerBoard=1 CoresPerSocket=$CPUS ThreadsPerCore=1 RealMemory=$MEMORY Gres=gpu:$NGPU
PartitionName=main Nodes=$NODES Default=YES MaxTime=7-0
CONF

head -c 128 /dev/urandom >"$DIR/run/munge.key"
chmod 600 "$DIR/run/munge.key"
# --force: only root has to reach the socket, so DIR may be private to root.
munged --force --key-file="$DIR/run/munge.key" --socket="$DIR/run/munge.socket" --pid-file="$DIR/run/munged.pid" \
  --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/munge.seed" --num-threads=2 2>>"$DIR/log/munged.stderr"
slurmctld
for node in 1 2; do slurmd -N emulsion$node; done
for _ in $(seq 100); do
  [ "$(sinfo -h -p main -o %T 2>/dev/null || true)" != idle ] || exit 0
  sleep 0.1
done
echo "up.sh: the nodes did not come up in 10 s" >&2
false
