# Makes C from the theme files named on the command line. Portable awk; the files are text in UTF-8.

function finish() {
	if (file == "")
		return
	printf ";\n\n"
	rows = rows "\t{ \"" name "\", \"" file "\", theme_" n ", sizeof theme_" n " - 1 },\n"
}

# By the letter: awks differ in what backslashes mean to gsub.
function quoted(s,	i, c, out) {
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" : "") c
	}
	return out
}

BEGIN {
	print "/* Made by themes_builtin.awk from themes. */"
	print "#include \"config.h\""
	print ""
	print "#include \"app/config/themes_builtin.h\""
	print ""
}

FNR == 1 {
	finish()
	n++
	file = FILENAME
	name = file
	sub(/^.*\//, "", name)
	sub(/\.yaml$/, "", name)
	printf "static const char theme_%d[] =", n
}

{
	printf "\n\t\"%s\\n\"", quoted($0)
}

END {
	finish()
	print "const struct theme_builtin theme_builtins[] = {"
	printf "%s", rows
	print "};"
	print ""
	print "const size_t theme_builtin_count = sizeof theme_builtins / sizeof *theme_builtins;"
}
