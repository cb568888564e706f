#!/bin/sh
# The command-line programs on the bundled model: what they print, and their exit status. Needs no terminal.
set -u
hum=${TOP_BUILDDIR:-.}/hum
[ -x "$hum" ] || { echo "$hum is not built"; exit 99; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
HOME=$dir/home
export HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME LLAMA_CACHE HF_HOME HF_HUB_CACHE
mkdir "$HOME"
cd "$dir" || exit 99
failed=0

fail() {
	echo "FAILED: $*"
	[ -s "$dir/err" ] && sed 's/^/    stderr: /' "$dir/err"
	failed=1
}

# gives STATUS ARGUMENT...: runs hum; stdout is then in out, stderr in err
gives() {
	want=$1
	shift
	timeout 60 "$hum" "$@" >out 2>err </dev/null
	got=$?
	[ $got -eq "$want" ] || fail "status $got instead of $want: hum $*"
}

# says TEXT: the last run said it on stderr
says() {
	grep -qF -- "$1" err || fail "stderr does not say: $1"
}

prints() {
	grep -qF -- "$1" out || fail "stdout does not have: $1"
}

# ---- answers ----

for t in 1 2 4; do
	gives 0 -p 'What is Llama 2?' --temp 0 -t $t
	mv out answer$t
done
grep -q 'Meta' answer1 || fail "no answer about Llama 2: $(cat answer1)"
cmp -s answer1 answer2 && cmp -s answer1 answer4 || fail 'the answer depends on the number of threads'
gives 0 -p 'What can you do?' --seed 11 --temp 1.5
mv out seed11
gives 0 -p 'What can you do?' --seed 11 --temp 1.5
cmp -s out seed11 || fail 'the same seed gave another answer'

echo 'What is Llama 2?' | "$hum" --temp 0 --json >out 2>err || fail '--json from stdin'
prints '"finish":"stop"'
prints '"tokens":'
prints '"text":"Llama 2 is'
gives 0 -p hi --temp 0 --stream-json
[ "$(head -c 15 out)" = '{"type":"start"' ] || fail 'stream-json does not begin with start'
prints '"type":"end"'
gives 0 -p 'What is Llama 2?' --temp 0 -n 3 --json
prints '"finish":"length"'
printf 'What is \377\000 Llama 2?' | "$hum" --temp 0 -p '' >out 2>err || fail 'invalid UTF-8 on stdin'

# ---- chats from the command line ----

gives 0 -c -p 'What is Llama 2?' --temp 0
gives 0 -c -p 'tell me more' --temp 0
gives 0 sessions list
[ "$(wc -l <out)" -eq 1 ] || fail 'two turns with -c are not one chat'
gives 0 sessions show 'What is Llama 2'
prints 'tell me more'
gives 0 sessions show 'What is Llama 2' --json
prints '"finish": "stop"'
gives 0 sessions search meta
prints 'Meta'
cp "$HOME"/.local/share/hum/sessions/*.yaml copy.yaml
gives 6 sessions import copy.yaml
gives 0 sessions delete 'What is Llama 2'
gives 0 sessions import copy.yaml
gives 0 sessions doctor
gives 0 --resume='What is Llama 2' -p 'thanks' --temp 0
printf 'nonsense: [' >"$HOME/.local/share/hum/sessions/bad.yaml"
gives 6 sessions doctor
gives 6 --resume=nothing-like-it -p x
gives 1 sessions wrong
gives 1 sessions show

# ---- programs ----

printf 'Hello world\n\nHello world\n' >text
gives 0 tokenize text
[ "$(sed -n 2p out)" = '' ] || fail 'an empty line has ids'
[ "$(sed -n 1p out)" = "$(sed -n 3p out)" ] || fail 'the same line has other ids'
printf 'Hello world\0a\nb' >text0
gives 0 tokenize -0 text0
[ "$(wc -l <out)" -eq 2 ] || fail 'tokenize -0 does not print a line a text'
echo '<s>' >special
gives 0 tokenize --special special
grep -qw 1 out || fail 'tokenize --special does not know <s>'
gives 0 tokenize special
grep -qw 1 out && fail 'tokenize without --special knows <s>'

echo '[{"role":"system","content":"S"},{"role":"user","content":"U"}]' >chat.json
gives 0 template --json chat.json
prints '<<SYS>>'
prints '[/INST]'
gives 1 template --json text
echo '[{"role":"judge","content":"S"}]' >chat.json
gives 1 template --json chat.json
says 'judge'

gives 0 logits --ids '1 2 3' -o logits.bin
[ $(($(wc -c <logits.bin) % 12)) -eq 0 ] && [ -s logits.bin ] || fail 'logits are not three rows of floats'
gives 1 logits --ids '1 99999999' -o logits.bin
gives 1 logits --ids 'x' -o logits.bin
gives 1 logits --ids '1'
gives 6 logits --ids '1' -o missing/logits.bin
gives 0 perplexity text
prints 'perplexity '
gives 1 perplexity missing
gives 0 models
prints 'guide'
gives 0 models --json
prints '"template": "llama-2"'
gives 0 themes
prints 'dark'
gives 0 bench -p 8 -n 4 -r 1 --json
prints '"test": "pp8"'
prints '"test": "tg4"'
gives 0 --help
prints 'Exit status'
gives 0 --version
prints 'hum '

# ---- what is wrong is said, with its status ----

gives 1 --nonsense
gives 1 --tepm 1
says 'did you mean --temp?'
gives 1 --temp 9 -p x
says '0..2'
gives 1 -p ''
gives 1				# no terminal
says '-p'
gives 3 -p x -m missing.gguf
gives 3 -p x -m gudie
says 'did you mean guide?'
gives 3 -p x -m "$dir"
says 'folder'
mkfifo fifo.gguf
gives 3 -p x -m fifo.gguf
echo 'not a model at all, not at all' >text.gguf
gives 3 -p x -m text.gguf --json
prints '"code":3'
: >empty.gguf
gives 3 -p x -m empty.gguf
gives 4 -p "$(yes word | head -n 2000)" --json
prints '"code":4'
says 'more than fit'

mkdir -p "$HOME/.config/hum"
printf 'modle: x\n' >"$HOME/.config/hum/config.yaml"
gives 2 -p x
says 'model'
gives 2 config check
gives 2 models
printf 'model: big\nmodels:\n  - name: big\n    path: /missing/big.gguf\n' >"$HOME/.config/hum/config.yaml"
gives 0 config check
gives 3 -p x
rm "$HOME/.config/hum/config.yaml"
gives 0 config check
gives 0 config path
prints 'hum/config.yaml'

if [ -w /dev/full ]; then
	"$hum" -p hi --temp 0 >/dev/full 2>err </dev/null
	[ $? -eq 6 ] || fail 'a full disk behind stdout'
	"$hum" models >/dev/full 2>err </dev/null
	[ $? -eq 6 ] || fail 'a full disk behind hum models'
fi
HOME=/proc/none gives 0 -p hi --temp 0		# nothing can be written there, and nothing need be
HOME=/proc/none gives 6 -c -p hi --temp 0
"$hum" -p 'What is Llama 2?' --temp 0 2>err </dev/null | head -c 1 >out
[ -s err ] && fail 'a reader that leaves early is told off'

# ---- Ctrl-C: what was said is printed, status 130 ----

# Words without end: chosen evenly, as long as the context is.
"$hum" -p hi --temp 2 --top-p 1 --seed 1 --ctx 200000 -t 1 --stream-json >out 2>err </dev/null &
pid=$!
until grep -q '"text"' out || ! kill -0 $pid 2>/dev/null; do :; done
kill -INT $pid
wait $pid
[ $? -eq 130 ] || fail 'Ctrl-C does not give 130'
prints '"finish":"cancelled"'

exit $failed
