# SPDX-License-Identifier: GPL-2.0
#
# ktap.awk - check every level of the KTAP output on a console
#
# Usage: awk -v out=PREFIX -f ktap.awk LINES
#
# LINES is the console without printk's time stamps.  The kselftest runner
# puts "# " before the output of each test, so that the tests inside look like
# remarks to a parser; indented output, as KUnit prints it, is understood too.
# Each level has a plan of its own, and each must be complete.
#
# Prints one line "problem TEXT" per finding and one line "counts DOCUMENTS
# PASS FAIL SKIP XFAIL" at the end; the counts are those of the innermost
# tests.  Each document goes to PREFIX<n>.ktap with real indentation, in the
# form that the kernel's own parser (tools/testing/kunit) understands.

function problem(text) { print "problem " text; problems++ }

function indent(level,	s) {
	for (s = ""; level > 0; level--)
		s = s "    "
	return s
}

function emit(text) { if (docs) doc[++lines] = text }

# A level begins; implicit: with a plan but without a version line
function open_level(level, implicit) {
	is_open[level] = 1
	plan[level] = -1
	results[level] = 0
	named[level] = !implicit
	first[level] = lines + 1
	if (level > top)
		top = level
	emit(indent(level) "KTAP version 1")
}

function close_level(level,	i, where) {
	if (!is_open[level])
		return
	is_open[level] = 0
	where = "level " level + 1 (last[level] ? " after '" last[level] "'" : "")
	last[level] = ""
	if (plan[level] >= 0 && plan[level] != results[level])
		problem("plan of " plan[level] ", " results[level] " results, " where)
	else if (plan[level] < 0 && named[level])
		problem("no plan, " results[level] " results, " where)
	else if (plan[level] == 0 && level == 0)
		problem("a plan without tests")
	# The parser takes a level without results for a crash.  Here it is a
	# test that was skipped as a whole; its own result line says so.
	if (results[level] == 0 && level > 0)
		for (i = first[level]; i <= lines; i++)
			doc[i] = "# " doc[i]
}

function close_from(level,	l) {
	for (l = top; l >= level; l--)
		close_level(l)
	top = level > 0 ? level - 1 : 0
}

function finish_document(	i, file) {
	close_from(0)
	if (!docs)
		return
	file = out docs ".ktap"
	printf "" > file
	for (i = 1; i <= lines; i++)
		print doc[i] > file
	close(file)
	lines = 0
}

{
	sub(/\r$/, "")
	text = $0
	for (level = 0; ; level++) {
		if (text ~ /^# /)
			text = substr(text, 3)
		else if (text ~ /^    /)
			text = substr(text, 5)
		else
			break
	}
}

text ~ /^K?TAP version [0-9]+$/ {
	if (level == 0) {
		finish_document()
		docs++
	} else {
		close_from(level)
	}
	open_level(level, 0)
	next
}

text ~ /^1\.\.[0-9]+([ \t]|$)/ {
	if (!is_open[level]) {
		if (level == 0)
			next
		open_level(level, 1)
	}
	if (plan[level] >= 0)
		problem("a second plan, level " level + 1)
	plan[level] = substr(text, 4) + 0
	emit(indent(level) "1.." plan[level])
	next
}

text ~ /^(not )?ok [0-9]+([ \t]|$)/ {
	inner = (top > level && results[level + 1] > 0)
	close_from(level + 1)
	if (!is_open[level]) {
		if (level == 0) {
			problem("a result outside of any document: " text)
			next
		}
		open_level(level, 1)
	}
	top = level
	results[level]++
	last[level] = substr(text, 1, 60)
	number = text
	sub(/^(not )?ok /, "", number)
	if (number + 0 != results[level])
		problem("result " results[level] " has the number " number + 0 ": " text)
	if (text ~ /^not ok/) {
		failures++
		if (!inner)
			failed++
		problem("failed: " text)
	} else if (inner) {
		;
	} else if (text ~ /# SKIP/) {
		skipped++
	} else if (text ~ /# XFAIL/) {
		xfailed++
	} else {
		passed++
	}
	emit(indent(level) text)
	next
}

text ~ /^Bail out!/ {
	problem(text)
}

{ emit($0) }

END {
	finish_document()
	print "counts", docs + 0, passed + 0, failed + 0, skipped + 0, xfailed + 0
}
