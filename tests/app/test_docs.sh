#!/bin/sh
# doc/configuration.md and doc/themes.md against the program: each key, setting, action, key name, variable, slot, colour and attribute
# that it has is there, with its range and default, and none that it has not; and the examples are in order.
. "${TOP_SRCDIR:-.}/tests/app/cli.sh"
src=${TOP_SRCDIR:-.}
case $src in /*) ;; *) src=$OLDPWD/$src ;; esac
manual=$src/doc/configuration.md
themes=$src/doc/themes.md

# table FILE TITLE: the rows of the table whose first heading is that
table() {
	awk -v title="$2" '
		$0 ~ "^[|] " title " [|]" { on = 1; next }
		!/^[|]/ { on = 0 }
		on && !/^[|]---/' "$1"
}

# section FILE TITLE: what stands below that heading
section() {
	awk -v title="$2" '/^#/ { on = $0 ~ "^#+ " title "$" } on' "$1"
}

# words: what stands in `` in the first column
words() {
	cut -d '|' -f 2 | grep -o '`[^`]*`' | tr -d '`'
}

# same WHAT DOCUMENTED THERE: two files of lines, in any order
same() {
	[ -s "$3" ] || fail "what the program says of its $1 could not be read"
	sort "$2" >documented.sorted
	sort "$3" >there.sorted
	diff documented.sorted there.sorted >differs || fail "$1, documented < and there >: $(grep '^[<>]' differs)"
}

# known YAML: the names that the program has in the place of "nonsense", one a line
known() {
	printf "$1" >wrong.yaml
	"$hum" config check wrong.yaml >out 2>err </dev/null
	sed -n 's/.*there are: //p' err | tr -d ' ' | tr ',' '\n'
}

# ---- settings: with range, default, option and meaning ----

echo /set >lines
takes lines 0 --plain --no-save
mv out set
gives 0 --help
sed -nE 's/^ +(-., )?(--[a-z-]+) [A-Z]+ +([^ ].*\(.*\))$/\2\t\3/p' out >options
sed -nE 's/^(> )? +([a-z_]+) +([^ ]+) +(.*) \(([^()]*)\)$/\2\t\3\t\4\t\5/p' set |
	awk -F '\t' '
		FILENAME == "options" { option[$2] = "`" $1 "`"; next }
		{ o = option[$3 " (" $4 ")"]; print "| `" $1 "` | " $4 " | `" $2 "` | " (o ? o : "-") " | " $3 " |" }' options - >there
known 'sampling: {nonsense: 1}' >sampling
for title in Sampling Settings; do
	section "$manual" $title >part
	table part key >>documented
	table part key | words >"$title"
done
same settings documented there
same 'settings under sampling' Sampling sampling

# ---- keys ----

section "$manual" 'Keys of the file' >part
{ table part key | words; cat Settings; } >documented
known 'nonsense: 1' >there
same 'keys of the file' documented there
section "$manual" Models >part
{ table part key | words; cat Settings; } >documented
known 'models: [{name: a, path: b, nonsense: 1}]' >there
same 'keys of a model' documented there
table "$manual" template | words >documented
known 'models: [{name: a, path: b, template: nonsense}]' >there
same templates documented there

sed -n 's/^	X([A-Z_]*,[^"]*"\([a-z-]*\)",[^"]*"\([^"]*\)".*"\(.*\)").*/| `\1` | `\2` | \3 |/p' "$src/ui/action.h" >there
table "$manual" action >documented
same actions documented there
table "$manual" action | words >documented
known 'keys: {nonsense: 1}' >there
same 'names of actions' documented there
sed -n "s/^	{ [^\",]*, \"\([A-Za-z0-9]*\)\", \"[^\"]*\", .*/\1/p" "$src/ui/key.c" >there
table "$manual" names | words >documented
same 'names of keys' documented there

# ---- the environment ----

( cd "$src" && cat app/*.c app/*/*.c ui/*.c engine/*.c base/*.c ) |
	grep -oE '(getenv|base_path)\("[A-Z_]+"|^	\{ "[A-Z_]+", "|\$\{[A-Z]+:-|:-\$\{[A-Z]+' | grep -oE '[A-Z_]{4,}' | sort -u >there
table "$manual" variable | words >documented
same 'variables of the environment' documented there
gives 0 config path
equals 'the file' "$(cat out)" "$HOME/.config/hum/config.yaml"

# ---- themes ----

sed -n 's/^	X(\([a-z_]*\),	*"\(.*\)").*/| `\1` | \2 |/p' "$src/ui/style.h" >there
table "$themes" slot >documented
same slots documented there
mkdir -p "${config%/*}/themes"
echo 'theme: t' >"$config"
# in_theme YAML: as known, of a theme
in_theme() {
	printf "$1" >"${config%/*}/themes/t.yaml"
	"$hum" config check >out 2>err </dev/null
	sed -n 's/.*there are: //p' err | tr -d ' ' | tr ',' '\n'
}
in_theme 'nonsense: 1' >there
section "$themes" 'Keys of the file' >part
table part key | words >documented
same 'keys of a theme' documented there
in_theme 'slots: {text: {nonsense: 1}}' >there
section "$themes" 'A slot' >part
table part key | words >documented
same 'keys of a slot' documented there
in_theme 'slots: {text: {attr: nonsense}}' >there
table "$themes" attributes | grep -o '`[^`]*`' | tr -d '`' >documented
same attributes documented there
{ sed -n '/color_names\[\]/,/};/p' "$src/app/config/theme.c" | grep -o '"[a-z-]*"' | tr -d '"'; echo default; } >there
table "$themes" colours | grep -o '`[^`]*`' | tr -d '`' >documented
same colours documented there

# ---- the examples, as they stand there ----

mkdir "$HOME/models"
"$top/tests/app/make_model" "$HOME/models/llama-2-7b-chat.Q4_K_M.gguf" || exit 99
# check_examples FILE: each YAML block of it
check_examples() {
	rm -f example*
	awk '/^```yaml$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print > ("example" n) }' "$1"
	[ -f example1 ] || fail "there is no example in $1"
	for example in example*; do
		cp $example "$2"
		gives 0 config check
	done
}
check_examples "$themes" "${config%/*}/themes/t.yaml"
check_examples "$manual" "$config"
check_examples "$src/README.md" "$config"
finish
