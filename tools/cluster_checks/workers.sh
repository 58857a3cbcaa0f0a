# Sourced by tools/cluster: workers that are killed, stopped or slow, and folders that machines see late, without a scheduler.
# shellcheck shell=bash disable=SC2154

# begin_worker MACHINE [FOLDER-OF-PHOTOS]: in the background; its number is $!.
begin_worker() {
  LD_PRELOAD=$work/preload.so SLOW=${SLOW:-100} MACHINE=$1 RESNET_CLI_CACHE=$work/cache \
    "$program" predict network.onnx "${2:-photos}" -q --chunk 5 --job work -o answers.jsonl \
      ${THREADS:+--threads "$THREADS"} >>log 2>&1 &
}
is_whole() { [ -e work/answers.jsonl ]; }
# So slow that the job is not done, until it is told to be fast.
be_slow() { touch slow && export SLOW=2000 SLOW_WHILE=$PWD/slow; }
be_fast() { # what is wrong where it is done already
  ! is_whole || echo " whole too early"
  rm slow
}
has_claims() { [ "$(find work/claims -name '*.1' 2>/dev/null | wc -l)" -ge "$1" ]; }
# verdict NAME WHY [PROCESS...]: these must have ended well.
verdict() {
  local name=$1 why=${2//$'\n'/ } process
  shift 2
  for process; do wait "$process" || why+=" a worker exited $?"; done
  why+=$(wrong_answers)
  if [ -z "$why" ]; then report ok "$name"; else report FAILED "$name" "$why ($(cat log* | tail -n 1))"; fi
}

killed() { # NAME MOMENTS
  local i why='' expected=few.jsonl victim survivor
  wanted "$1" || return
  new_folder "$1" || return
  for ((i = 0; i < $2 && ${#why} == 0; ++i)); do
    rm -rf work answers.jsonl
    SLOW=10 begin_worker a few && victim=$!
    SLOW=10 begin_worker a few && survivor=$!
    sleep "0.$(printf %03d $((RANDOM % 700)))"
    kill -KILL $victim 2>/dev/null
    wait $victim 2>/dev/null
    wait $survivor || why="the other worker exited $?"
    why+=$(wrong_answers)
  done
  verdict "$1" "$why"
}
stopped() { # NAME until-whole|for-a-while
  local why='' workers=() host
  wanted "$1" || return
  new_folder "$1" || return
  for host in a b c; do begin_worker $host && workers+=($!); done
  within 20 has_claims 6 || why="does not begin"
  kill -STOP "${workers[0]}"
  if [ "$2" = until-whole ]; then within 40 is_whole || why+=" the others do not end"; else sleep 2; fi
  kill -CONT "${workers[0]}"
  verdict "$1" "$why" "${workers[@]}"
}
# Four workers, one of which needs ten times as long for a photo: it has its share, the others have theirs. How long all of it
# takes is only printed, beside what equal shares of the rates allow that the workers had.
slowed() { # NAME
  local why='' workers=() host i expected=many.jsonl chunks status begin whole
  wanted "$1" || return
  new_folder "$1" || return
  export THREADS=1
  mkdir many
  for i in {0..3}; do for file in "$work"/photos/0??.png; do ln "$file" "many/$i$(basename "$file")"; done; done
  (cd "$work/jobs/whole" && ln -s "$work/jobs/${1//[^a-z0-9]/}/many" many &&
    SLOW=0 resnet-cli predict network.onnx many -q --threads 1 --format jsonl -o many.jsonl 2>>log)
  begin=${EPOCHREALTIME/./}
  for host in a b c; do SLOW=100 begin_worker $host many && workers+=($!); done
  SLOW=1000 begin_worker slow many && workers+=($!)
  within 120 is_whole || why="does not end"
  whole=$(((${EPOCHREALTIME/./} - begin) / 1000))
  status=$("$program" predict --job work --status)
  for host in a b c slow; do
    chunks=$(sed -n "s/^$host: 1 worker, \([0-9]*\) chunk.*/\1/p" <<<"$status")
    case $host in
      slow) [ "${chunks:-0}" -le 8 ] || why+=" the slow worker has $chunks chunks of 80" ;;
      *) [ "${chunks:-0}" -ge 16 ] || why+=" worker $host has ${chunks:-no} chunks of 80" ;;
    esac
  done
  verdict "$1" "$why" "${workers[@]}"
  awk -v ms=$whole '/^together/ { printf "        %.1f s; equal shares take %.1f s\n", ms / 1000, 400 / $2 }' <<<"$status"
}
# Two machines that see a folder by sshfs, whose names are up to 20 s old.
in_view() { # MACHINE FOLDER COMMAND: in a mount of its own
  MACHINE=$1 unshare -m bash -c "
    sshfs -F '$work/sshd/config' 'any:$2' '$work/view' || exit
    cd '$work/view' && { $3; }
    cd / && fusermount3 -u '$work/view'"
}
views() { # NAME
  local why='' machine
  wanted "$1" || return
  mkdir "$work/view"
  if why=$(missing ssh); then report skipped "$1" "$why"; return; fi
  if ! why=$(in_view a "$work/photos" true 2>&1); then
    # Containers forbid it.
    report unavailable "$1" "nothing can be mounted by sshfs (${why##*$'\n'}); JobFolderTest.NamesThatAreOld... is without it"
    return
  fi
  new_folder "$1" || return
  # It follows no links.
  rm network.onnx photos && cp -r "$work/photos" . && cp resnet50.onnx network.onnx
  for machine in a b; do in_view $machine "$PWD" 'worker job & SLOW=300 worker job & wait' >log.$machine 2>&1 & done
  wait
  # What they did not see they could not clear away.
  in_view c "$PWD" 'worker job' >log.c 2>&1
  [ "$(ends codes)" = "0 x5" ] || why="exit codes $(ends codes), expected 0 x5"
  verdict "$1" "$why"
}
without_schedulers() {
  beside killed 'killed at 20 moments' 20
  beside killed 'killed at 20 other moments' 20
  beside stopped 'stopped for longer than a chunk, then woken' for-a-while
  beside stopped 'stopped, woken when the job is whole' until-whole
  beside slowed 'one of four slowed to a tenth'
  beside views 'two views by sshfs'
}
