#!/bin/sh
# hum -p: answers as text and as JSON, what goes into the prompt, what ends an answer early, and what is refused.
. "${TOP_SRCDIR:-.}/tests/app/cli.sh"
make_endless

# ---- answers: the same whatever the threads, the output, the place of the prompt ----

for t in 1 2 4; do
	gives 0 -p 'What is Llama 2?' --temp 0 -t $t -n 16
	mv out greedy$t
	gives 0 -p 'What can you do?' --seed 11 --temp 1.5 -t $t -n 16
	mv out seed$t
done
for t in '1 --prompt-threads 3' '3 --prompt-threads 1'; do
	gives 0 -p 'What is Llama 2?' --temp 0 -t $t -n 16
	cmp -s out greedy1 || fail "the greedy answer depends on the number of threads: $t"
done
cmp -s greedy1 greedy2 && cmp -s greedy1 greedy4 || fail 'the greedy answer depends on the number of threads'
cmp -s seed1 seed2 && cmp -s seed1 seed4 || fail 'the answer of a seed depends on the number of threads'
equals 'lines that do not end' "$(tail -c 1 greedy1 | wc -l)" 1

gives 0 -p 'What is Llama 2?' --temp 0
mv out whole
grep -q 'Meta' whole || fail "no answer about Llama 2: $(cat whole)"
gives 0 -p 'What is Llama 2?' --temp 0 --json --seed 42
[ ! -s err ] || fail 'something to say about a simple question'
equals 'text' "$(json text)" "$(cat whole)"
equals 'finish' "$(json finish)" stop
equals 'model' "$(json model)" guide
equals 'seed' "$(json seed)" 42
equals 'cached tokens' "$(json cached_tokens)" 0
[ "$(json answer_tokens)" -gt 9 ] || fail "answer_tokens: $(json answer_tokens)"
[ "$(json prompt_tokens)" -gt 5 ] || fail "prompt_tokens: $(json prompt_tokens)"
for key in first_token_ms total_ms tokens_per_second; do
	json $key >/dev/null || fail "there is no $key"
done
prompt_tokens=$(json prompt_tokens)

gives 0 -p 'What is Llama 2?' --temp 0 --stream-json
equals 'type of the last line' "$(jsonl type)" done
equals 'finish of the stream' "$(jsonl finish)" stop
equals 'type of the first line' "$(head -n 1 out >line; "$top/tests/app/json_get" line type)" text
while read -r line; do
	echo "$line" >line
	"$top/tests/app/json_get" line text 2>/dev/null | head -c -1
done <out >joined
equals 'text of the stream' "$(cat joined)" "$(cat whole)"

gives 0 -p 'What is Llama 2?' --temp 0 -n 3 --json
equals 'finish of a cut answer' "$(json finish)" length
equals 'tokens of a cut answer' "$(json answer_tokens)" 3
[ "$(json seed)" -ge 0 ] || fail 'no seed was chosen'

# ---- what goes into the prompt ----

brief="--temp 0 -n 16"

echo 'What is Llama 2?' >question
takes question 0 $brief -p ''
cmp -s out greedy1 || fail 'a question on stdin gets another answer'
takes question 0 $brief --json
equals 'answer to stdin with --json alone' "$(json text)" "$(cat greedy1)"
for words in '' '-p'; do
	takes question 0 $brief $words
	cmp -s out greedy1 || fail "a question on stdin gets another answer: $words"
done
gives 0 $brief 'What is Llama 2?'
cmp -s out greedy1 || fail 'a prompt without a terminal gets another answer'
gives 0 -p 'What is' $brief --json -- Llama '2?'
equals 'prompt of -p and arguments' "$(json prompt_tokens)" "$prompt_tokens"
takes question 0 -p 'Look:' $brief --json
[ "$(json prompt_tokens)" -gt "$prompt_tokens" ] || fail 'stdin is not appended to -p'
cp out both
takes question 0 $brief --json Look:
equals 'prompt of words and stdin' "$(json prompt_tokens)" "$("$top/tests/app/json_get" both prompt_tokens)"
[ ! -d "$sessions" ] || fail 'an answer to stdin leaves a session behind'
gives 0 -p 'What is Llama 2?' -s 'Be brief.' $brief --json
[ "$(json prompt_tokens)" -gt "$prompt_tokens" ] || fail 'the system prompt is not in the prompt'
with_system=$(json prompt_tokens)
mkdir -p "${config%/*}"
printf 'systems: {brief: Be brief.}\n' >"$config"
gives 0 -p 'What is Llama 2?' -s brief $brief --json
equals 'tokens with a named system prompt' "$(json prompt_tokens)" "$with_system"
printf 'system: brief\nsystems: {brief: Be brief.}\n' >"$config"
gives 0 -p 'What is Llama 2?' $brief --json
equals 'tokens with the system prompt of the configuration' "$(json prompt_tokens)" "$with_system"
rm "$config"

printf 'What is \377\000 Llama 2?\n' >bad
takes bad 0 -p '' $brief
says '2 bytes'
takes bad 0 -p '' $brief --json
head -c 17000000 /dev/zero | tr '\0' x >huge
takes huge 4 -p ''
says 'standard input'
rm huge
timeout 100 "$hum" -p 'What is Llama 2?' $brief <&- >out 2>err
cmp -s out greedy1 || fail 'a closed stdin gives another answer'
gives 1
says 'the chat needs a terminal, and there is no text on standard input'
timeout 100 "$hum" <&- >out 2>err
equals 'status of a chat with a closed stdin' $? 1
says 'needs a terminal'
timeout 100 "$hum" --plain --no-save <&- >out 2>err || fail 'a chat with a closed stdin does not end'
takes . 6 -p hi

# ---- names of files that are no UTF-8 ----

name=$(printf 'y\351')
"$top/tests/app/make_model" "$name.gguf" || exit 99
gives 0 -p hi -n 2 --json -m "./$name.gguf"
equals 'model of an odd name' "$(json model)" "$(printf 'y\357\277\275')"
[ -n "$(json finish)" ] || fail 'figures are missing where the name is no UTF-8'

# ---- refused: text on stderr, with JSON an object on stdout too ----

for wrong in "-p " "-p hi --json --stream-json" "-p hi --temp 9" "-p hi -n x" "-p hi -c --no-save" "-p hi -r" "-p hi -c -r1" \
	"-p hi --kv f8" "-p hi --nonsense"; do
	gives 1 $wrong ''
	[ -s err ] || fail "nothing is said about: hum $wrong"
done
gives 1 -p '' --json
equals 'code of a usage error' "$(json error.code)" 1
gives 1 --temp 9 -p hi --json
equals 'code of a wrong option' "$(json error.code)" 1
gives 3 -p hi --json -m missing.gguf
equals 'code of a missing model' "$(json error.code)" 3
[ -n "$(json error.message)" ] || fail 'no message'
[ -s err ] || fail 'nothing on stderr'
yes word | head -n 2000 >words
printf 'hi\n' | timeout 100 "$hum" --plain -s 'Old prompt.' $brief >out 2>err || fail 'a chat to go on with'
takes words 4 -c -p '' -s 'New prompt.' --json
gives 0 sessions show "$(ls "$sessions" | sed -n '$s/\.yaml//p')"
prints 'Old prompt.'
lacks 'New prompt.'
rm -r "$sessions"
takes words 4 -p '' --json
equals 'code of a prompt that does not fit' "$(json error.code)" 4
takes words 4 -p '' --stream-json
equals 'type of a streamed error' "$(jsonl type)" error
printf 'modle: x\n' >"$config"
gives 2 -p hi --json
equals 'code of a broken configuration' "$(json error.code)" 2
rm "$config"
gives 6 --resume=nothing-like-it -p hi --json
equals 'code of a missing session' "$(json error.code)" 6

# ---- where nothing can be written ----

HOME=/proc/none gives 0 -p 'What is Llama 2?' $brief
cmp -s out greedy1 || fail 'without a home the answer is another one'
HOME=/proc/none gives 6 -c -p hi $brief
XDG_DATA_HOME=/dev/null gives 6 -c -p hi $brief
[ ! -d "$sessions" ] || fail '-p alone leaves a session behind'
( trap '' XFSZ; ulimit -f 0; timeout 100 "$hum" -c -p hi $brief 2>&1 </dev/null; echo "status $?" ) | cat >out
prints 'File too large'
prints 'status 6'
rm -r "$sessions"

# ---- output that cannot be written: the answer ends there, and it is told ----

if [ -w /dev/full ]; then
	timeout 100 "$hum" -p hi --temp 0 $endless >/dev/full 2>err </dev/null
	[ $? -eq 6 ] || fail 'an endless answer to a full disk'
	says 'No space left'
fi
timeout 100 "$hum" -p hi --temp 0 $endless >&- 2>err </dev/null
[ $? -eq 6 ] || fail 'an endless answer to nobody'
{ timeout 100 "$hum" -p hi --temp 0 $endless --stream-json 2>err </dev/null; echo $? >status; } | head -n 1 >out
equals 'status when the reader goes' "$(cat status)" 141
equals 'first line' "$(jsonl type)" text
{ timeout 100 "$hum" -c -p hi --temp 0 $endless 2>err </dev/null; echo $? >status; } | head -c 9 >out
equals 'status when the reader of a chat goes' "$(cat status)" 141
! grep -qi 'pipe' err || fail 'something to say when the reader goes'
grep -q 'finish: cancelled' "$sessions"/*.yaml || fail 'the turn was not stored when the reader went'
rm -r "$sessions"

# ---- Ctrl-C: what was said is printed and ended ----

mkfifo pipe
# interrupt SIGNAL ARGUMENT...: sends it when the first line of an endless answer has come; out gets the rest
interrupt() {
	signal=$1
	shift
	"$hum" -p hi --temp 0 $endless "$@" >pipe 2>err </dev/null &
	pid=$!
	exec 3<pipe
	read -r first <&3
	kill -$signal $pid
	{ printf '%s\n' "$first"; cat <&3; } >out
	exec 3<&-
	wait $pid
	got=$?
	[ $got -eq 130 ] || fail "status $got after SIG$signal"
	[ ! -s err ] || fail "something to say about SIG$signal"
}
signals='INT TERM'
# Whoever ignores SIGHUP (nohup) hands that on, and hum keeps to it: then there is nothing to see.
sh -c 'kill -HUP $$' 2>/dev/null
[ $? -le 128 ] || signals="$signals HUP"
for signal in $signals; do
	interrupt $signal --stream-json
	equals "last line after SIG$signal" "$(jsonl type)" done
	equals "finish after SIG$signal" "$(jsonl finish)" cancelled
done
# As text, byte after byte until something is there.
"$hum" -p hi --temp 0 $endless >pipe 2>err </dev/null &
pid=$!
head -c 100 >begin <pipe 3<pipe &
exec 3<pipe
wait $!
kill -INT $pid
cat <&3 >rest
exec 3<&-
wait $pid
equals 'status after Ctrl-C' $? 130
equals 'what had come' "$(wc -c <begin)" 100
equals 'the text ends its line' "$(cat begin rest | tail -c 1 | wc -l)" 1

# ---- the model's file is cut short while it is in use ----

cp endless.gguf cut.gguf
"$hum" -p hi --temp 0 -m cut.gguf --ctx 200000 --stream-json >pipe 2>err </dev/null &
pid=$!
exec 3<pipe
read -r first <&3
: >cut.gguf
cat <&3 >out
exec 3<&-
wait $pid
equals 'status when the model is cut short' $? 3
says 'changed on disk'

# ---- Ctrl-C in the middle of a long prompt, of which the file of the chat is the sign ----

yes word | head -n 6000 >words
"$hum" -c -p '' $endless --json >out 2>err <words &
pid=$!
until ls "$sessions"/*.yaml >/dev/null 2>&1 || ! kill -0 $pid 2>/dev/null; do :; done
kill -INT $pid
wait $pid
equals 'status after Ctrl-C in the prompt' $? 130
equals 'finish' "$(json finish)" cancelled
equals 'no answer' "$(json answer_tokens)" 0
finish
