#!/bin/sh
# The guide's answers against the program: every command, option, program, setting, configuration key, theme and key that they name
# exists, and every command, program, setting and theme that exists is named by some answer, or at least by a question with an answer.
. "${TOP_SRCDIR:-.}/tests/app/cli.sh"
. "${TOP_SRCDIR:-.}/tests/app/topics.sh"

# ---- what the program has, in its own words ----

printf '/help\n/set\n' >lines
takes lines 0 --plain --no-save
mv out help
awk '/^  \/[a-z]/ { print substr($1, 2) }' help >commands
awk '/^  [a-z_]+ +[a-z0-9_.]+ +[a-z]/ { print $1 }' help >settings
# The table of keys, as a user reads them. A script has no screen to see its page on.
sed -n 's/^	X([A-Z_]*,[^"]*"[a-z-]*",[^"]*"\([^"]*\)".*/\1/p' "$guide/../../ui/action.h" | tr ' ' '\n' |
	sed 's/C-/Ctrl-/; s/M-/Alt-/; s/S-/Shift-/; s/Ctrl-[a-z]$/\U&/; s/CTRL/Ctrl/' >keys
gives 0 --help
mv out usage
awk '/^  hum [a-z]/ { print $2 }' usage >programs
gives 0 themes
awk 'NR > 1 { print $1 }' out >themes
cp usage options
for p in $(cat programs); do
	gives 0 "$p" --help
	cat out >>options
	sed -n "/^Verbs:/,\$s/^  \([a-z]*\) .*/$p \1/p" out >>verbs
done

# The keys of the configuration and of themes: the program lists them when it meets one that it does not know.
mkdir -p "$HOME/.config/hum/themes"
echo 'nonsense: 1' >"$config"
gives 2 config check
sed -n 's/.*there are: //p' err >>known
printf 'models:\n  - name: a\n    nonsense: 1\n' >"$config"
gives 2 config check
sed -n 's/.*there are: //p' err >>known
echo 'nonsense: 1' >"$HOME/.config/hum/themes/odd.yaml"
echo 'theme: odd' >"$config"
"$hum" config check >/dev/null 2>err </dev/null
"$hum" themes >/dev/null 2>>err </dev/null
sed -n 's/.*there are: //p' err | head -n 1 >>known
rm "$config" "$HOME/.config/hum/themes/odd.yaml"
{ tr -cs 'a-z_' '\n' <known; cat settings; } | sort -u >config_keys
for f in commands settings programs themes config_keys keys verbs; do
	[ "$(wc -l <$f)" -gt 5 ] || fail "what the program says of its $f could not be read"
done

# ---- what the answers name ----

text=$guide/topics.yaml
tr '\n' ' ' <"$text" | grep -o '`[^`]*`' | tr -d '`' | sed 's/  */ /g' | sort -u >code

# have WHAT LIST: each word on stdin is a line of LIST
have() {
	sort -u | while read -r word; do
		grep -qxF -- "$word" "$2" || echo "$1 $word"
	done >missing
	[ ! -s missing ] || fail "answers name what does not exist: $(tr '\n' ';' <missing)"
}

grep -oE '(^|[ (])/[a-z]+' code | tr -d ' (/' | have command commands
grep -oE '(^|\| )hum [a-z]+' code | sed 's/.*hum //' | have program programs
grep -oE '/set [a-z_]+' code | sed 's/.* //' | have setting settings
grep -oE '[a-z]+_[a-z_]+' "$text" | grep -v '^oos_' | have setting settings
sed -n 's/.*`\/theme \([a-z-]*\)`.*/\1/p' "$text" | have theme themes
grep -oE '(^|[{ ])[a-z_]+:' code | tr -d '{ :' | grep -vxE 'fg|bg|attr|user|stop|palette' | have key config_keys
grep -oE '(^| )--?[a-z][a-z-]*' code | tr -d ' ' | sort -u | while read -r option; do
	grep -qE "(^|[ ,])$option([ =,[]|\$)" options || echo "$option"
done >missing
[ ! -s missing ] || fail "answers name options that do not exist: $(tr '\n' ' ' <missing)"
grep -oE '^hum (sessions|config) [a-z]+' code | sort -u | while read -r _ program verb; do
	grep -qx "$program $verb" verbs || echo "hum $program $verb"
done >missing
[ ! -s missing ] || fail "answers name what does not exist: $(tr '\n' ';' <missing)"

# Keys of the chat are in the list that F1 shows; these are of the input line, of the lists, and of terminals.
others='Ctrl-A Ctrl-D Ctrl-E Ctrl-R Ctrl-Shift-C Ctrl-W Ctrl-_'
grep -oE '\b(Ctrl|Alt|Shift)(-[A-Za-z_]+)+|\bF[0-9]\b' "$text" | grep -v '^F[0-9][0-9]' | sort -u | while read -r key; do
	case " $others " in *" $key "*) continue ;; esac
	grep -qF -- "$key" keys || echo "$key"
done >missing
[ ! -s missing ] || fail "answers name keys that do nothing: $(tr '\n' ' ' <missing)"
gives 0 config path
grep -qF "$(sed "s|$HOME|~|" out)" "$text" || fail 'answers name another configuration file'

# ---- and what the program has is known to the guide ----

known() {
	while read -r word; do
		grep -qE -- "$2$word([^a-z_-]|\$)" "$text" "$guide"/phrases/*.txt || echo "$word"
	done <"$1" >missing
	[ ! -s missing ] || fail "no answer and no question names the $1 $(tr '\n' ' ' <missing)"
}
known commands '(^|[ `])/'
known programs 'hum '
known settings '[ `]'
known themes '[ `]'
grep -v '^key_' config_keys >keys_of_config		# those of remote models are there to be refused
known keys_of_config '[ `{]'

# ---- the topics themselves ----

equals 'topics of the same name' "$(cut -f 1 topics | sort | uniq -d)" ''
equals 'topics with the same answer' "$(cut -f 3 topics | sort | uniq -d)" ''
cut -f 1 topics >names
cut -f 4 topics | tr ' ' '\n' | grep . | have topic names
sed -n 's/^\[\([a-z0-9_]*\)\]$/\1/p' "$guide"/phrases/*.txt | have topic names
finish
