#!/bin/sh
# Makes models/guide.gguf of topics.yaml and the phrases, and measures it. Three hours on two cores that know bf16 (AVX512-BF16);
# interrupted, it goes on where it was. Needs python3-torch, python3-sentencepiece, python3-yaml, python3-numpy, wamerican, and a built hum.
#   make.sh [WORK-FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/../../build/guide}
hum=${HUM:-$here/../../build/hum}
python=${PYTHON:-/usr/bin/python3}
steps=13400
more=13600              # with the last steps on longer chats,
careful=13850           # and the very last with more to be declined
# The C library gives large blocks back to the system at once, and then every tensor costs page faults.
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456

mkdir -p "$work"
if [ ! -e "$work/data/done" ]; then
	"$python" "$here/make_corpus.py" text 120000 "$work/text.txt" 7
	"$python" "$here/pack.py" vocab "$work/text.txt" 3072 "$work/guide"
	"$python" "$here/pack.py" rows "$work/guide.model" 76 1 "$work/data"
	"$python" "$here/pack.py" rows "$work/guide.model" 1.8 2 "$work/chats" chats
	"$python" "$here/pack.py" rows "$work/guide.model" 2.1 3 "$work/careful" careful
	touch "$work/data/done"
fi
if [ ! -e "$work/run/done" ]; then
	resume=
	[ ! -e "$work/run/checkpoint.pt" ] || resume=--resume
	"$python" "$here/train.py" --data "$work/data" --out "$work/run" --steps $steps $resume
	touch "$work/run/done"
fi
if [ ! -e "$work/run/chats" ]; then
	"$python" "$here/train.py" --data "$work/chats" --out "$work/run" --steps $more --resume
	touch "$work/run/chats"
fi
"$python" "$here/train.py" --data "$work/careful" --out "$work/run" --steps $careful --resume
"$python" "$here/export.py" "$work/run/checkpoint.pt" "$work/guide.model" "$work/guide.gguf"
"$python" "$here/evaluate.py" "$hum" -m "$work/guide.gguf" --rows 500 99 --show "$work/wrong.tsv"
cp "$work/guide.gguf" "$here/../guide.gguf"
