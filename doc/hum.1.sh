#!/bin/sh
# Prints the man page: hum.1.sh HUM VERSION DOCDIR. Options and programs come out of the program's own help, so they are those
# it has.
set -eu
hum=$1
version=$2
docdir=$3
HOME=/nonexistent
LC_ALL=C.UTF-8
export HOME LC_ALL

# Text for roff: backslashes, and dots and quotes at the beginning of a line, mean themselves.
escape() {
	sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
}

# The option rows of a help text: two blanks, the option, and after two blanks or more what it does.
options() {
	"$hum" "$@" --help | sed -n 's/^  \( *-.*\)$/\1/p' | rows
}

# The same of a program's verbs.
verbs() {
	"$hum" "$1" --help | sed -n '/^Verbs:$/,$s/^  //p' | sed "s/^/$1 /" | rows
}

rows() {
	escape | awk '
		{ sub(/^ +/, "") }
		match($0, /  +/) { print ".TP"; print ".B " substr($0, 1, RSTART - 1); print substr($0, RSTART + RLENGTH); next }
		# An option too long for its column is followed by one blank only.
		{ print ".TP"; print ".B " $0 }'
}

programs() {
	"$hum" --help | sed -n 's/^  hum \([a-z]*\) .*/\1/p'
}

cat <<END
.TH HUM 1 "" "hum $version"
.SH NAME
hum \- chat with Llama\-2\-Chat models in the terminal
.SH SYNOPSIS
.B hum
.RI [ OPTION ...]
.RI [ PROMPT ]
.br
.B hum \-p
.I PROMPT
.RI [ OPTION ...]
.br
.B hum
.I PROGRAM
.RI [ OPTION ...]
.SH DESCRIPTION
.B hum
opens a full\-screen chat with a model that runs on the processor of this machine. Every chat is kept on disk.
F1 or /help shows keys and commands. The wheel of the mouse scrolls; with Shift held (Option on a Mac) the mouse selects
text as it does in other programs, and
.B mouse: false
in the configuration leaves it to the terminal altogether.
.PP
A
.I PROMPT
is sent at once. One word that is nearly the name of a program is taken for a mistake; behind
.B \-\-
all words are the prompt.
.PP
With
.BR \-p ,
or where standard input is no terminal, it writes one answer to standard output and ends. Standard input is appended to
the prompt then, or is the whole of it. Nothing is kept then, unless
.BR \-c " or " \-r
is given as well.
.SH OPTIONS
END
options
echo '.SH PROGRAMS'
for program in $(programs); do
	printf '.SS "%s"\n' "$("$hum" "$program" --help | sed -n 's/^Usage: //p' | escape)"
	"$hum" "$program" --help | sed -n 2p | escape
	options "$program"
	verbs "$program"
done
cat <<'END'
.SH "EXIT STATUS"
.TP
0
done
.TP
1
usage
.TP
2
configuration
.TP
3
model missing or refused
.TP
4
the prompt does not fit into the context
.TP
5
backend or network
.TP
6
session or disk, also standard output that cannot be written
.TP
130
interrupted
.TP
141
the reader of standard output has gone; what was to be stored is stored
.SH FILES
.TP
.I $XDG_CONFIG_HOME/hum/config.yaml
configuration;
.B hum config check
looks for errors in it
.TP
.I $XDG_CONFIG_HOME/hum/themes/
themes
.TP
.I $XDG_DATA_HOME/hum/sessions/
chats; in
.I trash/
those that were deleted
.TP
.I $XDG_DATA_HOME/hum/models/
models that are found by themselves
.TP
.I $XDG_STATE_HOME/hum/
log and input history
.TP
.I $XDG_CACHE_HOME/hum/
what can be made again
.SH ENVIRONMENT
.TP
.B NO_COLOR
no colours when set
.TP
.B HUM_ISA
kernels to compute with: scalar, avx2, avxvnni, avx512, neon, i8mm
END
cat <<END
.SH "SEE ALSO"
.IR $docdir/configuration.md :
all keys of the configuration, all settings, actions and their keys, variables of the environment, and where files lie
.br
.IR $docdir/themes.md :
how to make a theme
.br
.IR $docdir/session-format.md :
what is in the file of a chat
END
