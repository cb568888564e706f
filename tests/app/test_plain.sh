#!/bin/sh
# The chat without a screen, and what becomes of a program whose model file is cut while it is read.
set -u
hum=${TOP_BUILDDIR:-.}/hum
[ -x "$hum" ] || { echo "$hum is not built"; exit 99; }
guide=${TOP_SRCDIR:-.}/models/guide.gguf
case $hum in /*) ;; *) hum=$PWD/$hum ;; esac
case $guide in /*) ;; *) guide=$PWD/$guide ;; esac
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
HOME=$dir/home
export HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME LLAMA_CACHE HF_HOME HF_HUB_CACHE
mkdir "$HOME"
top=${TOP_BUILDDIR:-.}
case $top in /*) ;; *) top=$PWD/$top ;; esac
cd "$dir" || exit 99
failed=0

fail() {
	echo "FAILED: $*"
	sed 's/^/    /' out err
	failed=1
}

has() {
	grep -qF -- "$1" out || fail "not there: $1"
}

# ---- a conversation by script: turn by turn, commands too ----

printf 'What is Llama 2?\n/set temperature 0\n/regen\n/rename Old friends\n/nonsense\n//slash\n/sessions\n' |
	timeout 60 "$hum" --plain >out 2>err || fail 'a scripted chat'
has 'This is the guide'
has 'Meta'
has ' tokens · '
has '‹ 2/2 ›'
has 'temperature is 0'
has 'No command /nonsense'
has 'Old friends'
has 'You may ask: '
! grep -q 'Tab offers' out || fail 'Tab is offered where it offers nothing'

printf ' \t/set temperature 0.5\n\tWhat is hum?\n' | timeout 60 "$hum" --plain --no-save >out 2>err || fail 'blanks in front'
has 'temperature is 0.5'
[ "$(grep -c 'guide: ' out)" -eq 1 ] || fail 'a command behind blanks went to the model'

printf '/keys\n/help\n' | timeout 60 "$hum" --plain >out 2>err || fail 'help'
has 'here Ctrl-C stops an answer'
has '/regen'
! grep -q 'PgUp' out || fail 'keys where there is no screen'

# ---- the clipboard: a tool's, even for a script; a terminal's only where there is one ----

unset WAYLAND_DISPLAY DISPLAY WSL_DISTRO_NAME TMUX STY SSH_CONNECTION SSH_TTY
mkdir bin
printf '#!/bin/sh\ncat >"%s/copied"\n' "$dir" >bin/wl-copy
chmod +x bin/wl-copy
printf '/copy\n/copy 9\n' | WAYLAND_DISPLAY=wayland-0 PATH="$dir/bin:$PATH" timeout 60 "$hum" --plain -c >out 2>err || fail 'copying'
has '-- Copied the last answer, '
has '-- There are 2 answers: /copy takes a number from 1 to 2, or code'
[ "$(cat copied)" = "$(sed -n 's/^guide: //p' out | tail -n 1)" ] || fail 'the answer was not copied'
[ -s copied ] || fail 'nothing was copied'
printf '#!/bin/sh\nexit 1\n' >bin/wl-copy
printf '/copy\n' | WAYLAND_DISPLAY=wayland-0 PATH="$dir/bin:$PATH" timeout 60 "$hum" --plain -c >out 2>err || fail 'not copying'
has '-- Not copied: '
! grep -q ']52;' out || fail 'a file was sent what is for a terminal'

printf '/branch prev\n/branch abc\n' | timeout 60 "$hum" --plain -c >out 2>err || fail 'branches'
has 'Answer 1 of 2'
[ "$(sed '1,/Answer 1 of 2/d' out | grep -c '^guide: ')" -eq 1 ] || fail 'the other answer was not read out'
has '/branch takes next, prev, or a number from 1 to 2'

printf 'thanks\n' | timeout 60 "$hum" --plain --resume='Old friends' >out 2>err || fail 'resuming'
has 'you: What is Llama 2?'
has 'Meta'

printf '/delete\ny\n' | timeout 60 "$hum" --plain -c >out 2>err || fail 'deleting'
has 'from the trash'
[ -z "$(ls "$HOME/.local/share/hum/sessions/"*.yaml 2>/dev/null)" ] || fail 'the chat is still there'

# ---- long lists: page by page, the newest first; an empty line chooses none ----

for i in $(seq 45); do
	printf '[{"role": "user", "content": "question %d"}]' "$i" | "$hum" sessions import - >/dev/null 2>err || fail 'an import'
done
printf '/sessions\nmore\nmore\n99\n/sessions\n\n/sessions\n2\n' |
	timeout 60 "$hum" --plain >out 2>err || fail 'a list of many chats'
has '-- 1 to 20 of 45: type a number, "more", or an empty line for none'
has '-- 21 to 40 of 45: '
has '-- type a number, or an empty line for none'
has '-- there is none of that number'
has '-- none of them'
[ "$(sed -n '/^>* *-- Chats/,/-- 1 to/p' out | sed '/-- 1 to/q' | grep -c ' untitled \| question ')" -eq 20 ] ||
	fail 'a page has not 20 rows'
has 'you: question 4'
rm -f "$HOME"/.local/share/hum/sessions/*.yaml

# ---- what failed is in the exit status ----

timeout 60 "$hum" --plain "$(yes word | head -n 3000)" >out 2>err </dev/null
[ $? -eq 4 ] || fail 'a turn that is too long does not give 4'
has 'not sent'
if [ -w /dev/full ]; then
	echo hello | timeout 60 "$hum" --plain >/dev/full 2>err
	[ $? -eq 6 ] || fail 'output that cannot be written does not give 6'
fi
rm -f "$HOME"/.local/share/hum/sessions/*.yaml

# ---- SIGTERM in the middle of an answer: what was said is kept ----

"$top/tests/app/make_model" endless.gguf context=200000 || exit 99
mkfifo in
"$hum" --plain -m ./endless.gguf --temp 0 --ctx 200000 <in >out 2>err &
pid=$!
exec 3>in
echo 'hello' >&3
until grep -q 'endless: ..' out || ! kill -0 $pid 2>/dev/null; do :; done
kill -TERM $pid
wait $pid
[ $? -eq 130 ] || fail 'SIGTERM does not give 130'
exec 3>&-
grep -q 'finish: cancelled' "$HOME"/.local/share/hum/sessions/*.yaml || fail 'the answer was not ended on disk'

# ---- the model's file is cut while it is in use: every compute thread faults, one says so ----

: >out
"$hum" --plain -m ./endless.gguf --temp 0 --ctx 200000 --threads 8 <in >out 2>err &
pid=$!
exec 3>in
echo 'hello' >&3
until grep -q 'endless: ..' out || ! kill -0 $pid 2>/dev/null; do :; done
: >endless.gguf
wait $pid
[ $? -eq 3 ] || fail 'a model cut while in use does not give 3'
exec 3>&-
grep -q 'changed on disk' err || fail 'it is not said that the file changed'
printf '/quit\n' | timeout 60 "$hum" --plain -c >out 2>err
has 'you: hello'
has 'interrupted'

exit $failed
