# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# mutant.sh - the table of what ci/mutant found
#
# Usage: source it after common.sh, with names() and field() of ci/mutant
#
# Each run leaves OUT/mutants.tsv: mutant, what it breaks, test, architecture,
# variant, "noticed" or "missed", and the first digits of the hash of the series.

# mutant_row NAME TEST ARCH VARIANT noticed|missed - one line of mutants.tsv
#
# SERIES_HASH is what the run began with.
mutant_row() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$(field "$1" Breaks)" "$2" "$3" "$4" \
		"$5" "${SERIES_HASH:0:12}"
}

# mutant_runs FOLDER... - the mutants.tsv of these runs
#
# Without a folder those of all runs of the cache, the oldest first.
mutant_runs() {
	local dir

	if [ $# -eq 0 ]; then
		set -- "$CACHE/results/"*-mutant
	fi
	for dir; do
		[ -d "$dir" ] || usage_die "no folder '$dir' with results of ci/mutant"
		[ -f "$dir/mutants.tsv" ] || continue
		echo "$dir/mutants.tsv"
	done
}

# mutant_rows_unknown - a row for each mutant that is there, as if none had run
mutant_rows_unknown() {
	local name SERIES_HASH=-

	for name in $(names); do
		mutant_row "$name" "$(field "$name" Test)" "$(arch_of "$name")" \
			"$(variant_of "$name")" "not run"
	done
}

# mutant_table FOLDER... - Documentation/mutants.rst from these runs
#
# Of a mutant that ran more than once the last run counts; one that is gone is
# not shown, one that never ran is.
mutant_table() {
	local files

	files=$(mutant_runs "$@") || exit
	[ -n "$files" ] || die "no mutants.tsv in the results: run ci/mutant"
	# shellcheck disable=SC2086 # a list of files, no path of results has a space
	awk -F '\t' 'NF != 7 { exit 1 }' $files || die "a line without 7 fields in: $(echo "$files" | xargs)"
	cat <<-END
		.. SPDX-License-Identifier: GPL-2.0
		.. Made by ci/mutant --table.

		Changes that the tests notice
		=============================

		\`\`ci/mutant\`\` puts one of these changes after the other on top of the series. Each
		undoes a patch or breaks a promise, and the test beside it has to fail. The last
		column is the series that it ran on, as \`\`ci/report\`\` and the guests name it.

	END
	# shellcheck disable=SC2086 # a list of files, no path of results has a space
	mutant_rows_unknown | awk -F '\t' -v OFS='\t' '
		FILENAME == "-" { name[++n] = $1 }
		{ row[$1] = $0 }
		END {
			for (i = 1; i <= n; i++) {
				split(row[name[i]], f, "\t")
				print f[1], f[2], f[3], f[4] (f[5] == "base" ? "" : " " f[5]), f[6], f[7]
			}
		}' - $files | {
		printf 'mutant\twhat it breaks\ttest\tguest\tresult\tseries\n'
		cat
	} | rst_table
}

# rst_table - lines with tabs become a table; the first is its header
rst_table() {
	awk -F '\t' '
		{
			for (i = 1; i <= NF; i++) {
				cell[NR, i] = $i == "" ? "-" : $i
				if (length(cell[NR, i]) > width[i])
					width[i] = length(cell[NR, i])
			}
			columns = NF
		}
		function rule(	i, c, s) {
			for (i = 1; i <= columns; i++) {
				for (c = 0; c < width[i]; c++)
					s = s "="
				s = s (i < columns ? " " : "")
			}
			print s
		}
		END {
			rule()
			for (r = 1; r <= NR; r++) {
				line = ""
				for (i = 1; i <= columns; i++)
					line = line sprintf("%-" (width[i] + 1) "s", cell[r, i])
				sub(/ +$/, "", line)
				print line
				if (r == 1)
					rule()
			}
			rule()
		}'
}
