# What the scripts about the guide share: its topics, as lines. To be sourced after cli.sh.
guide=${TOP_SRCDIR:-.}/models/guide

# topic <tab> group <tab> answer <tab> the topics whose answer serves as well; lines of an answer are joined by \n
awk '
	function put() {
		if (topic != "")
			print topic "\t" group "\t" answer "\t" near
	}
	/^- topic: / { put(); topic = $3; group = answer = near = ""; field = "" ; next }
	/^  group: / { group = $2; field = ""; next }
	/^  near: / { sub(/^  near: \[/, ""); sub(/\].*/, ""); gsub(/,/, ""); near = $0; field = ""; next }
	/^  [a-z]+: \|-/ { field = $1; next }
	/^    / || /^$/ {
		if (field == "answer:") {
			sub(/^    /, "")
			answer = answer (answer == "" ? "" : "\\n") $0
		}
	}
	END { put() }' "$guide/topics.yaml" >topics
[ "$(wc -l <topics)" -gt 100 ] || fail 'topics.yaml could not be read'
