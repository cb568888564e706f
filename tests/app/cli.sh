# What the scripts about the command line share: an empty home in a folder of its own, and checks that name what failed.
# To be sourced. A script ends with: finish
set -u
top=${TOP_BUILDDIR:-.}
hum=$top/hum
[ -x "$hum" ] || { echo "$hum is not built"; exit 99; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
HOME=$dir/home
LC_ALL=C.UTF-8
TZ=UTC
export HOME LC_ALL TZ
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME LLAMA_CACHE HF_HOME HF_HUB_CACHE NO_COLOR COLORTERM
mkdir "$HOME"
cd "$dir" || exit 99
config=$HOME/.config/hum/config.yaml
sessions=$HOME/.local/share/hum/sessions
failed=0

fail() {
	echo "FAILED: $*"
	[ -s err ] && sed 's/^/    stderr: /' err
	[ -s out ] && head -n 5 out | cut -c 1-200 | sed 's/^/    stdout: /'
	failed=1
}

# gives STATUS ARGUMENT...: runs hum without input; stdout is then in out, stderr in err
gives() {
	takes /dev/null "$@"
}

# takes FILE STATUS ARGUMENT...: the same with input
takes() {
	input=$1
	want=$2
	shift 2
	timeout 100 "$hum" "$@" >out 2>err <"$input"
	got=$?
	[ $got -eq "$want" ] || fail "status $got instead of $want: hum $*"
}

# says TEXT: the last run said it on stderr; prints TEXT: on stdout
says() {
	grep -qF -- "$1" err || fail "stderr does not say: $1"
}

prints() {
	grep -qF -- "$1" out || fail "stdout does not have: $1"
}

lacks() {
	! grep -qF -- "$1" out || fail "stdout has: $1"
}

# equals WHAT GOT WANTED
equals() {
	[ "$2" = "$3" ] || fail "$1: \"$2\" instead of \"$3\""
}

# json PATH: that value of the JSON in out; jsonl PATH: of its last line, all of which are JSON
json() {
	"$top/tests/app/json_get" out "$1"
}

jsonl() {
	"$top/tests/app/json_get" -l out "$1"
}

# A model whose greedy answers fill the context, however long it is; and the arguments that make one without end of it.
make_endless() {
	"$top/tests/app/make_model" endless.gguf context=200000 || exit 99
	endless="-m endless.gguf --ctx 200000"
}

finish() {
	exit $failed
}
