#!/usr/bin/env bash
# A real Slurm on this machine alone, for tests: Debian's slurm-wlm and munge, one node, one partition.
#   tools/slurm_here.sh install        get the packages (root, apt-get)
#   tools/slurm_here.sh start FOLDER   write FOLDER/slurm.conf, start munged, slurmctld and slurmd, wait until idle
#   tools/slurm_here.sh stop FOLDER    stop what was started there
# After the start: export SLURM_CONF=FOLDER/slurm.conf
set -euo pipefail

fail() {
    printf 'slurm_here: %s\n' "$*" >&2
    exit 1
}

as_root() { [ "$(id -u)" = 0 ] || fail "only root can $1"; }

install_packages() {
    command -v slurmctld >/dev/null && command -v munged >/dev/null && return
    as_root "install packages"
    command -v apt-get >/dev/null || fail "there is no apt-get on this machine"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

# Cores are handed out one by one; memory is not.
write_configuration() {
    local host memory
    host=$(hostname -s)
    memory=$(slurmd -C | grep -o 'RealMemory=[0-9]*')
    cat >"$1/slurm.conf" <<EOF
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$2
SlurmdPort=$3
AuthType=auth/munge
AuthInfo=socket=$1/munge/socket
CryptoType=crypto/munge
SlurmUser=root
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) $memory State=UNKNOWN
PartitionName=here Nodes=$host Default=YES MaxTime=1:00:00 State=UP
EOF
}

free_port() { # one that nobody listens on
    python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

start() {
    as_root "start Slurm"
    command -v slurmctld >/dev/null || fail "Slurm is not installed; try: $0 install"
    local folder
    mkdir -p "$1"
    folder=$(cd "$1" && pwd -P)
    mkdir -p "$folder"/{munge,state,spool}
    chmod 755 "$folder"
    head -c 1024 /dev/urandom >"$folder/munge/key"
    chmod 700 "$folder/munge" && chmod 600 "$folder/munge/key"
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
        --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
    write_configuration "$folder" "$(free_port)" "$(free_port)"
    export SLURM_CONF=$folder/slurm.conf
    slurmctld -f "$SLURM_CONF"
    slurmd -f "$SLURM_CONF"
    for _ in $(seq 300); do
        [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && return
        sleep 0.1
    done
    tail -n 5 "$folder"/*.log >&2
    stop "$folder"
    fail "the node did not become idle within 30 s"
}

stop() {
    local folder pid
    folder=$(cd "$1" && pwd -P)
    SLURM_CONF=$folder/slurm.conf scancel --user="$(id -un)" 2>/dev/null || true
    for pid in "$folder/slurmd.pid" "$folder/slurmctld.pid" "$folder/munge/pid"; do
        [ -s "$pid" ] && kill "$(cat "$pid")" 2>/dev/null || true
    done
}

case ${1:-} in
install) install_packages ;;
start | stop) "$1" "${2:?name a folder}" ;;
*) fail "use: $0 install | start FOLDER | stop FOLDER" ;;
esac
