#!/bin/sh
# How fast hum is beside its peers, on the same files and in the same minutes: a table in Markdown.
#
#   compare.sh [OPTION...] MODEL.gguf...
#     -H HUM        the program (build/hum)
#     -L LLAMA      llama.cpp's llama-bench
#     -I IK         ik_llama.cpp's llama-bench; what is shown is the better of -rtr 0 and 1
#     -t THREADS    (2)
#     -p TOKENS     of a prompt (512); 0: none
#     -n TOKENS     of an answer (64); 0: none
#     -d DEPTH      tokens in the context before (0). ik_llama.cpp is left out then: its llama-bench has no depth
#     -r ROUNDS     of all programs in turn, so that a machine that gets slower is so for all of them (3)
#
# Cells are medians over the rounds in tokens a second, ratios are of these medians. hum's share is that of the read
# bandwidth (answers) or of the int8 multiply-adds (prompts) that the same runs measured. KV caches are each
# program's own default (hum q8_0, the others f16).
set -u
export LC_ALL=C
hum=build/hum llama= ik= threads=2 prompt=512 answer=64 depth=0 rounds=3
while getopts H:L:I:t:p:n:d:r: option; do
	case $option in
	H) hum=$OPTARG ;;
	L) llama=$OPTARG ;;
	I) ik=$OPTARG ;;
	t) threads=$OPTARG ;;
	p) prompt=$OPTARG ;;
	n) answer=$OPTARG ;;
	d) depth=$OPTARG ;;
	r) rounds=$OPTARG ;;
	*) exit 1 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 1; }
[ "$depth" = 0 ] || ik=
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# The numbers of a key in JSON with a line each.
values() {
	sed -n "s/^ *\"$1\": *\([0-9.e+-]*\),\{0,1\}$/\1/p"
}

median() {
	sort -g "$1" 2>/dev/null | awk '{ v[NR] = $1 } END { if (NR) printf "%.2f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# One test of one program: its tokens a second at the end of a file.
run_hum() {
	"$hum" bench -m "$model" -t $threads -p $1 -n $2 -d $depth -r 1 --json >"$dir/json" 2>/dev/null || return
	values tps <"$dir/json" >>"$dir/hum"
	values $3 <"$dir/json" >>"$dir/share"
}

run_llama() {
	[ -z "$llama" ] || "$llama" -m "$model" -t $threads -p $1 -n $2 -d $depth -r 1 -o json 2>/dev/null |
		values avg_ts >>"$dir/llama"
}

run_ik() {
	[ -z "$ik" ] || for repack in 0 1; do
		"$ik" -m "$model" -t $threads -p $1 -n $2 -r 1 -rtr $repack -o json 2>/dev/null |
			values avg_ts >>"$dir/ik$repack"
	done
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", a / b }'
}

better() {
	awk -v a="${1:-0}" -v b="${2:-0}" 'BEGIN { b = a > b ? a : b; if (b > 0) print b }'
}

# row NAME PROMPT ANSWER SHARE: a test of all programs.
row() {
	rm -f "$dir"/*
	round=0
	while [ $round -lt $rounds ]; do
		run_hum $2 $3 $4
		run_llama $2 $3
		run_ik $2 $3
		round=$((round + 1))
	done
	h=$(median "$dir/hum") l=$(median "$dir/llama") i=$(better "$(median "$dir/ik0")" "$(median "$dir/ik1")")
	share=$(sort -g "$dir/share" | awk '{ v[NR] = $1 } END { if (NR) printf "%.0f %%", 100 * v[int((NR + 1) / 2)] }')
	echo "| ${model##*/} | $1 | $h | $share | $l | $(ratio "$h" "$l") | $i | $(ratio "$h" "$i") |"
}

echo '| model | test | hum | share | llama.cpp | ratio | ik_llama.cpp | ratio |'
echo '|---|---|---:|---:|---:|---:|---:|---:|'
at=
[ "$depth" = 0 ] || at=" @ $depth"
for model; do
	[ "$prompt" = 0 ] || row "pp$prompt$at" "$prompt" 0 int8_share
	[ "$answer" = 0 ] || row "tg$answer$at" 0 "$answer" bandwidth_share
done
