# Sourced by tools/cluster: jobs of a scheduler that are preempted, and whose nodes are lost.
# shellcheck shell=bash disable=SC2154

# A job of four workers is disturbed, and queued again by Slurm, in part or as a whole.
disturbed() { # NAME DISTURBANCE SBATCH-WORDS
  local why='' batch
  wanted "$1" || return
  if why=$(missing sbatch); then report skipped "$1" "$why"; return; fi
  new_folder "$1" || return
  be_slow
  eval "batch $3" &
  batch=$!
  within 20 has_claims 4 || why="does not begin"
  eval "$2" || why+=" $2 exited $?"
  why+=$(be_fast)
  wait $batch || why+=" sbatch exited $?"
  [[ "$(ends codes)" =~ ^0\ x4(, 130\ x[0-9]+)?$ ]] || why+=" exit codes $(ends codes), expected 0 x4 and 130"
  grep -q ' 1$' codes || why+=" nothing was queued again"
  verdict "$1" "$why"
}
# The node is lost where its worker is about to give a file of the job this name; what others do is whole.
lost() { # NAME NODE FILE
  local why=''
  wanted "$1" || return
  if why=$(missing sbatch); then report skipped "$1" "$why"; return; fi
  new_folder "$1" || return
  STALL=/$3 STALLED=$PWD/stalled sbatch -w "$2" --no-requeue --output=log.lost --wrap "worker job" >/dev/null
  within 30 test -e stalled || why="does not come to that point"
  "$top/tools/slurm" kill-node "$work/slurm" "$2" || why+=" kill-node exited $?"
  [ ! -e "work/$3" ] || why+=" work/$3 is there"
  batch --array=1-2 -w n4 --wrap "worker job" || why+=" sbatch exited $?"
  [ "$(ends codes)" = "0 x2" ] || why+=" exit codes $(ends codes), expected 0 x2"
  verdict "$1" "$why"
}
# Alone on their nodes.
disturbances() {
  local preempt='batch -p high -N 2 --exclusive --wrap true'
  beside disturbed 'a node lost in the middle' '"$top/tools/slurm" kill-node "$work/slurm" n4' \
    '--array=1-4 -x n1,n2 --wrap "worker job"'
  beside disturbed 'preempted, without srun' "$preempt" '-p low --array=1-4 --wrap "worker job"'
  wait $!
  # Its steps end in time, and with them the job, as one that failed: it says itself that it is to be queued again.
  beside disturbed 'preempted, with srun' "$preempt" \
    "-p low -n 4 --wrap 'srun worker job; [ \$? != 130 ] || scontrol requeue \$SLURM_JOB_ID'"
  wait
  "$top/tools/slurm" start-node "$work/slurm" n4
  beside lost 'a node lost while it lists the inputs' n1 inputs
  beside lost 'a node lost while it says what the job is' n2 job.json
  beside lost 'a node lost while it merges' n3 answers.jsonl
  wait
}
