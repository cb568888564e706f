#!/bin/sh
# The bundled guide itself: every tenth of the held-out questions, greedily. How many must be right was measured when it was trained.
. "${TOP_SRCDIR:-.}/tests/app/cli.sh"
. "${TOP_SRCDIR:-.}/tests/app/topics.sh"
in_scope_at_least=47
refused_at_least=11

# topic_of FILE: the topic whose answer it is
topic_of() {
	sed ':a; N; $!ba; s/\n/\\n/g' "$1" >line
	[ -s line ] || cp "$1" line
	awk -F '\t' 'NR == FNR { said = $0; next } $3 == said { print $1; exit }' line topics
}

# serves GOT WANTED: an answer of topic GOT answers a question of topic WANTED
serves() {
	awk -F '\t' -v got="$1" -v want="$2" '
		got == "" { exit }
		want == "scope" && $1 == got && $2 == "scope" { ok = 1 }
		$1 == want && (got == want || index(" " $4 " ", " " got " ")) { ok = 1 }
		END { exit !ok }' topics
}

right_inside=0
inside=0
right_scope=0
scope=0
tab=$(printf '\t')
awk 'NR % 10 == 1' "$guide/heldout.tsv" >sample
while IFS=$tab read -r wanted question; do
	timeout 100 "$hum" --temp 0 --print="$question" >out 2>err </dev/null || fail "no answer to: $question"
	got=$(topic_of out)
	ok=0
	for topic in $(echo "$wanted" | tr ',' ' '); do
		serves "$got" "$topic" && ok=1
	done
	case $wanted in
	scope) scope=$((scope + 1)) right_scope=$((right_scope + ok)) ;;
	*) inside=$((inside + 1)) right_inside=$((right_inside + ok)) ;;
	esac
done <sample
echo "in scope $right_inside of $inside, out of scope $right_scope of $scope"
[ $right_inside -ge $in_scope_at_least ] || fail "only $right_inside of $inside questions get the answer of their topic"
[ $right_scope -ge $refused_at_least ] || fail "only $right_scope of $scope questions out of scope are declined"

# ---- in a chat: what refers to the turn before, and a system prompt ----

printf 'How do I change the theme?\nHow do I undo that?\n' >lines
takes lines 0 --plain --no-save --temp 0
prints 'Type `/theme` and choose'
printf 'What is Llama 2?\n' >lines
takes lines 0 --plain --no-save --temp 0 --system='You are a pirate.'
prints 'Arr! '
finish
