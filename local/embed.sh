#!/bin/sh
# embed.sh - turns text files into one C file: a table `embedded_<kind>s` of {name, text}, ended by NULL
# usage: embed.sh KIND FILE...     the name is the path as given
set -eu
kind=$1
shift
printf '/* made by local/embed.sh */\n#include "embedded.h"\n\nconst struct embedded embedded_%ss[] = {\n' "$kind"
for file; do
	printf '{ "%s",\n' "$file"
	# backslashes and quotes escaped, each line a string of its own
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
	printf '},\n'
done
printf '{ 0, 0 },\n};\n'
