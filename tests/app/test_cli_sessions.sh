#!/bin/sh
# Chats from the command line: -c and -r, and hum sessions.
. "${TOP_SRCDIR:-.}/tests/app/cli.sh"
make_endless

# ---- turns that are kept ----

gives 0 sessions
says 'no chats yet'
gives 0 sessions list --json
equals 'chats in the beginning' "$(json '#')" 0
gives 0 -c -p 'What is Llama 2?' --temp 0
says 'this is the first'
cp out first
gives 0 -c -p 'tell me more' --temp 0 --json
[ "$(json prompt_tokens)" -gt 40 ] || fail "the second turn does not know the first: $(json prompt_tokens) tokens"
gives 0 sessions list --json
equals 'chats after two turns with -c' "$(json '#')" 1
equals 'messages' "$(json 0.messages)" 4
equals 'model' "$(json 0.model)" guide
id=$(json 0.id)
gives 0 --resume="$id" -p 'thanks' --temp 0
gives 0 --resume='what is llama' -p 'thanks' --temp 0 -s 'Be brief.'
gives 0 sessions list
prints 'What is Llama 2?'
prints "$(echo "$id" | cut -c 1-13)"
gives 0 sessions show "$id"
prints "$(cat first)"
prints 'tell me more'
prints 'Be brief.'
gives 0 sessions show "$(echo "$id" | cut -c 1-13)"
gives 6 sessions show nothing-like-it
gives 6 sessions export nothing-like-it

# ---- search ----

gives 0 sessions search LLAMA 2 IS
prints "$(cat first)"
lacks 'tell me more'
gives 0 sessions search tell --json
equals 'role of the hit' "$(json 0.role)" user
equals 'line of the hit' "$(json 0.line)" 'tell me more'
equals 'chat of the hit' "$(json 0.id)" "$id"
gives 0 sessions search 'no such words'
says 'no chat contains "no such words"'
[ ! -s out ] || fail 'hits of nothing'
gives 0 -p 'Ünïcödé, one
ÜNÏCÖDÉ, two' $endless -n 1 -c
gives 0 sessions search ünïcödé
equals 'lines with hits, with that of the title' "$(grep -c 'user: ' out)" 2
gives 1 sessions search
gives 1 sessions search ''

# ---- export and import ----

gives 0 sessions export "$id"
equals 'headings' "$(grep -c '^## You' out)" 5
prints '# What is Llama 2?'
prints '## System'
gives 0 sessions export "$id" --format text
prints 'You ('
lacks '## '
gives 0 sessions export "$id" --format json
mv out one.json
gives 0 sessions export "$id" --json
cmp -s out one.json || fail '--json is not --format json'
equals 'messages of the export' "$(json messages.#)" 10
gives 0 template --json one.json
prints 'tell me more'
gives 0 sessions import one.json
other=$(cat out)
[ "$other" != "$id" ] || fail 'the import took the place of what was there'
gives 0 sessions export "$other" --json
sed 1,3d out >other
sed 1,3d one.json | cmp -s - other || fail 'what was imported is not what was exported'
takes one.json 0 sessions import -
gives 0 sessions delete "$(cat out)"
cp "$sessions/$id.yaml" copy.yaml
gives 0 sessions import copy.yaml
gives 0 sessions export "$(cat out)" --json
sed 1,3d out | cmp -s - other || fail 'a session file imported is not what it was'
echo '[{"role": "system", "content": "S"}, {"role": "user", "content": "a question"}, {"role": "assistant", "content": "A"}]' >plain.json
gives 0 sessions import plain.json
gives 0 sessions show 'a question'
prints 'S'
gives 0 --resume='a question' -p 'and?' -n 1
for wrong in '' '{' '[]' '{}' '{"messages": 1}' '[{"role": "user"}]' '{"hum": 2, "messages": []}' \
	'[{"role": "user", "text": "x", "id": 0}]' '[{"role": "user", "text": "x", "id": 1, "parent": 1}]' \
	'[{"role": "user", "text": "x", "id": 2}, {"role": "user", "text": "y", "id": 2}]' \
	'[{"role": "user", "text": "x", "at_ms": "now"}]' '[{"role": "user", "text": "x"}, {"role": "system", "text": "y"}]' \
	'{"head": 7, "messages": [{"role": "user", "text": "x"}]}' \
	'[{"role": "assistant", "text": "x", "finish": "whatever"}]' '[{"role": "assistant", "text": "x", "seed": -1}]' \
	'[{"role": "assistant", "text": "x", "sampling": 1}]' '[{"role": "assistant", "text": "x", "sampling": {"top_k": 1e99}}]'; do
	printf '%s' "$wrong" >wrong.json
	"$hum" sessions import - <wrong.json >out 2>err
	got=$?
	[ $got -eq 1 ] || fail "status $got of an import of $wrong"
done
# Microseconds for milliseconds: a year that no session can have.
sed 's/"created_ms": *[0-9]*/"created_ms": 1700000000000000/' one.json >late.json
grep -q 1700000000000000 late.json || fail 'the export has no created_ms'
takes late.json 1 sessions import -
gives 6 sessions import missing.json
gives 6 sessions import .
echo 'neither one nor the other' >neither
gives 6 sessions import neither
says 'neither is nothing that can be imported: that is a session file of hum, what hum sessions export --format json wrote'
for format in markdown text; do
	gives 0 sessions export "$id" --format $format
	mv out exported
	gives 6 sessions import exported
	says 'export --format json'
	takes exported 1 sessions import -
	says 'standard input is nothing that can be imported: that is what hum sessions export --format json wrote'
done
XDG_DATA_HOME=/dev/null gives 6 sessions import one.json
gives 1 sessions export "$id" --format pdf
gives 1 sessions show "$id" --format json
says '--format goes with export only'
gives 1 sessions list --format json
gives 1 --plain -c --resume="$id"
says '-c and -r exclude each other'
gives 1 sessions wrong
gives 1 sessions show
gives 1 sessions lst
says 'did you mean list?'

# ---- delete ----

gives 0 sessions delete "$other"
gives 6 sessions show "$other"
[ -f "$sessions/trash/$other.yaml" ] || fail 'what was deleted is not in the trash'
gives 6 sessions delete "$other"

# ---- undelete ----

gives 0 sessions undelete
prints "$(echo "$other" | cut -c 1-13)"
gives 0 sessions undelete --json
equals 'chats of the trash' "$(json '#')" 2
gives 0 sessions undelete "$other"
prints 'is back'
gives 0 sessions show "$other"
gives 6 sessions undelete "$other"
says 'in the trash: there is no chat'
mkdir -p "$sessions/trash"
cp "$sessions/$other.yaml" "$sessions/trash"
gives 6 sessions undelete "$other"
says "hum sessions import ~/.local/share/hum/sessions/trash/$other.yaml"
rm "$sessions/trash"/*
gives 0 sessions undelete
says 'nothing is in the trash'

for name in one two three; do
	cp "$sessions/$id.yaml" "$sessions/$name.yaml"
	sed -i "s/^session: .*/session: $name/" "$sessions/$name.yaml"
done
gives 6 sessions delete one nothing-like-it two
says 'there is no chat "nothing-like-it"'
gives 0 sessions delete two three
equals 'chats in the trash' "$(ls "$sessions/trash" | wc -l)" 3
gives 0 sessions undelete one three
equals 'chats brought back' "$(grep -c 'is back' out)" 2
rm "$sessions/one.yaml" "$sessions/three.yaml" "$sessions/trash/two.yaml"

# ---- rename ----

gives 0 sessions rename "$id" 'Old friends'
gives 0 sessions show 'old friends'
gives 1 sessions rename "$id" ''
gives 1 sessions rename "$id"
gives 6 sessions rename nothing-like-it Title
head -c 300 "$sessions/$id.yaml" >"$sessions/cut.yaml"
gives 0 sessions rename cut 'Cut off'
says 'the end of the file was torn; it is kept in'
rm "$sessions"/cut.yaml*
head -c 300 "$sessions/$id.yaml" >"$sessions/cut.yaml"
gives 0 sessions delete cut
[ "$(wc -c <"$sessions/trash/cut.yaml")" -eq 300 ] || fail 'what is deleted is repaired'
rm "$sessions/trash/cut.yaml"

# ---- doctor ----

gives 0 sessions doctor
prints '0 repaired, 0 not repaired, 0 not examined, 0 cannot be read'
head -c 300 "$sessions/$id.yaml" >"$sessions/torn.yaml"
gives 0 sessions show torn
says 'is torn and left out'
gives 0 sessions search xyzzy
says 'is torn and left out'
gives 0 sessions import "$sessions/torn.yaml"
says 'is torn and left out'
gives 0 sessions delete "$(cat out)"
if command -v flock >/dev/null; then
	flock "$sessions/torn.yaml" "$hum" sessions import "$sessions/torn.yaml" >out 2>err
	says 'another program is writing it; its last'
	gives 0 sessions delete "$(cat out)"
fi
gives 0 sessions doctor
prints 'torn.yaml: repaired: '
prints '1 repaired'
ls "$sessions"/torn.yaml.torn-* >/dev/null 2>&1 || fail 'the torn end was not kept'
gives 0 sessions doctor
prints '0 repaired'
head -c 300 "$sessions/$id.yaml" >"$sessions/stuck.yaml.new"
printf -- '--- {vote: 1}\n...\n' >>"$sessions/torn.yaml"
( trap '' XFSZ; ulimit -f 0; "$hum" sessions doctor 2>&1 </dev/null; echo "status $?" ) | cat >out
prints 'torn.yaml: left as it is: 1 event of an unknown kind ignored'
prints 'stuck.yaml.new: repaired: '
prints 'stuck.yaml: not repaired: its end is torn and cannot be put aside'
prints '0 repaired, 1 not repaired'
prints 'status 6'
( trap '' XFSZ; ulimit -f 0; "$hum" --resume=stuck -p hi 2>&1 </dev/null; echo "status $?" ) | cat >out
prints 'could not be kept in this chat: its end is torn'
prints 'status 6'
gives 0 sessions doctor
prints 'stuck.yaml: repaired: the end of the file was torn'
rm "$sessions"/stuck.yaml*
cp "$sessions/$id.yaml" "$sessions/$(printf 'odd\351').yaml"
sed -i 's/^session: .*/session: "?"/' "$sessions/$(printf 'odd\351').yaml"
gives 0 sessions list --json
equals 'chats with a name that is no UTF-8' "$(grep -c '"path": .*/odd' out)" 1
gives 0 sessions search tell --json
grep -q '"id": "odd' out || fail 'a search does not name a chat whose file name is no UTF-8'
rm "$sessions"/odd*
printf 'nonsense: [' >"$sessions/bad.yaml"
gives 6 sessions doctor
prints 'bad.yaml: cannot be read: '
prints '1 cannot be read'
gives 0 sessions list
prints 'cannot be read'
gives 0 sessions search tell
gives 0 sessions list --json
rm "$sessions/bad.yaml" "$sessions"/torn.yaml*

# ---- another program has the chat open ----

mkfifo pipe
"$hum" --resume="$id" -p hi --temp 0 $endless --stream-json >pipe 2>/dev/null </dev/null &
pid=$!
exec 3<pipe
read -r first <&3
gives 6 --resume="$id" -p hi
says 'open'
gives 6 sessions delete "$id"
says 'is open in another program'
gives 6 sessions rename "$id" Title
says 'open'
gives 0 sessions doctor
prints '1 not examined'
gives 0 sessions show "$id"
prints 'hi'

# ---- killed in the middle of an answer: the turn is there, and what was said ----

kill -KILL $pid
exec 3<&-
wait $pid 2>/dev/null
gives 0 sessions show "$id" --json
n=$(json messages.#)
equals 'the turn' "$(json messages.$((n - 2)).text)" hi
equals 'how the answer ended' "$(json messages.$((n - 1)).finish)" open
[ -n "$(json messages.$((n - 1)).text)" ] || fail 'nothing is left of the answer'
gives 0 sessions show "$id"
prints '[interrupted]'
gives 0 --resume="$id" -p 'go on' -n 2 $endless
gives 0 sessions doctor
prints '0 cannot be read'

# ---- the file goes away, or the disk is full for a while, in the middle of an answer ----

# begin ARGUMENT...: a long answer into the pipe, of which the first line is read
begin() {
	"$hum" --resume="$id" -p 'and now?' --temp 0 -n 3000 $endless --stream-json >pipe 2>err </dev/null &
	pid=$!
	exec 3<pipe
	read -r first <&3
}
# ends: reads the rest; nothing of the turn may be lost
ends() {
	cat <&3 >out
	exec 3<&-
	wait $pid
	equals 'status of an answer that is stored in the end' $? 0
	equals 'its last line' "$(jsonl type)" done
	cp err told
	gives 0 sessions list --json
	id=$(json 0.id)
	gives 0 sessions show "$id" --json
	n=$(json messages.#)
	equals 'its turn' "$(json messages.$((n - 2)).text)" 'and now?'
	equals 'its finish' "$(json messages.$((n - 1)).finish)" length
}
begin
rm "$sessions/$id.yaml"
ends
grep -q 'the conversation goes on in' told || fail 'it is not said that the file went away'
if command -v prlimit >/dev/null; then
	begin
	prlimit --pid $pid --fsize=1000:
	until grep -q 'could not be stored' err; do
		read -r line <&3 || { fail 'a full disk is not told'; break; }
	done
	prlimit --pid $pid --fsize=unlimited:
	ends
	grep -q 'is stored after all' told || fail 'it is not said that all is stored'
fi

# ---- a prompt that does not fit leaves nothing behind ----

gives 0 sessions show "$id" --json
before=$(json messages.#)
yes word | head -n 2000 >words
takes words 4 --resume="$id" -p '' -m guide
gives 0 sessions show "$id" --json
equals 'messages after a prompt that does not fit' "$(json messages.#)" "$before"
finish
