# Sourced by tools/cluster: FOLDER where there is no room, where nothing can be written, and of another user.
# shellcheck shell=bash disable=SC2154

predict_here() { "$program" predict network.onnx few -q --chunk 1 --job "${1:-disk/work}" -o answers.jsonl; }
# refused CODE TEXT COMMAND...: says what is wrong where it does not exit so, with one line that has the text.
refused() {
  local code=$1 text=$2 status=0 said
  shift 2
  said=$("$@" 2>&1 >/dev/null) || status=$?
  printf '%s\n' "$said" >>log
  [ "$status" = "$code" ] || echo " exit code $status, expected $code ($said)"
  if [ "$(wc -l <<<"$said")" != 1 ] || [[ $said != "resnet-cli: "*"$text"* ]]; then
    echo " said '$said', expected one line with '$text'"
  fi
}
has_parts() { find "$1/work/parts" -type f 2>/dev/null | wc -l; }
# A job on a disk with so much room; then with more, where what was published is computed by nobody again.
on_full_disk() { # ROOM
  local parts
  mount -t tmpfs -o "size=$1" none disk || return
  refused 6 'cannot be written: No space left on device' predict_here
  refused 6 'cannot be written: No space left on device' predict_here
  parts=$(has_parts disk)
  mount -o remount,ro disk
  [ ! -e disk/work/job.json ] || refused 6 'cannot be written: Read-only file system' predict_here
  [ "$(has_parts disk)" = "$parts" ] || echo " has $(has_parts disk) parts, had $parts"
  mount -o remount,rw,size=10m disk
  # It would end at a photo that it need not look at.
  [ ! -e disk/work/parts/0/0 ] || export DEADLY=few/000.png
  LD_PRELOAD=$work/preload.so predict_here 2>>log || echo " with room: exit code $?"
  unset DEADLY
  cp -r disk/work work
  wrong_answers
  mount -o remount,ro disk
  rm answers.jsonl
  predict_here 2>>log || echo " whole, read-only: exit code $?"
  wrong_answers
  refused 6 'cannot be written: Read-only file system' predict_here disk/other
  umount disk
  rm -rf work answers.jsonl
}
full() { # in a mount space of its own
  local room why=''
  mkdir disk
  # The list of inputs, the parts, and the whole find no room.
  for room in 4k 16k 100k 176k; do
    why=$(on_full_disk $room)
    [ -z "$why" ] || { echo "$room:$why"; return; }
  done
}
no_room() { # NAME
  local why
  wanted "$1" || return
  if ! unshare -m mount -t tmpfs none /mnt 2>/dev/null; then report skipped "$1" "nothing can be mounted"; return; fi
  new_folder "$1" || return
  export -f full on_full_disk refused predict_here has_parts wrong_answers
  export work program expected=few.jsonl
  why=$(unshare -m bash -c full 2>&1)
  if [ -z "$why" ]; then report ok "$1"; else report FAILED "$1" "${why//$'\n'/ }"; fi
}
# As somebody who may read what root has written, and no more.
as_other() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
of_another_user() { # NAME
  local why='' worker
  wanted "$1" || return
  chmod 755 "$work"
  new_folder "$1" || return
  if ! as_other test -x "$program" -a -r network.onnx 2>>log; then
    report unavailable "$1" "others may not run $program"
    return
  fi
  why+=$(refused 6 'work: cannot be written: Permission denied' \
    as_other "$program" predict network.onnx photos -q --job work --no-cache)
  mkdir work
  why+=$(refused 6 'work/inputs: cannot be written: Permission denied' \
    as_other "$program" predict network.onnx photos -q --job work --no-cache)
  be_slow
  begin_worker a && worker=$!
  within 20 has_claims 1 || why+=" does not begin"
  why+=$(refused 6 'cannot be written: Permission denied' as_other "$program" predict --job work -q)
  as_other "$program" predict --job work --status >/dev/null
  [ $? = 75 ] || why+=" --status exited otherwise than 75"
  chmod 700 work
  why+=$(refused 2 'work/job.json: cannot be read: Permission denied' as_other "$program" predict --job work -q)
  why+=$(refused 2 'work/job.json: cannot be read: Permission denied' as_other "$program" predict --job work --status)
  chmod 755 work
  be_fast >/dev/null
  verdict "$1" "$why" "$worker"
}
folders() {
  beside no_room 'no room, then read-only, then room'
  beside of_another_user 'the folder of another user'
}
