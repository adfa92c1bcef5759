/* The dialogue of one probe: a line for each thing done, "→" before what was sent, "←" before what came, each line of
 * it a line of its own. Times stand where they change. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ctl/paper.h"
#include "ctl/show.h"

#define INDENT 12

/* "web/b: http check health at 192.0.2.20:80", and which of several it is. */
static void head(const struct paper *paper, const json_t *probe)
{
	const char *service = json_text(probe, "service"), *check = json_text(probe, "check");

	if (*service)
		paper_put(paper, INK_HEAD, "%s/%s: ", service, json_text(probe, "server"));
	paper_put(paper, INK_HEAD, "%s%s%s", json_text(probe, "type"), *check ? " check " : " check", check);
	if (*json_text(probe, "target"))
		paper_put(paper, INK_HEAD, " at %s", json_text(probe, "target"));
	if (json_number(probe, "of") > 1)
		paper_put(paper, INK_DIM, " (%lld of %lld)", json_number(probe, "at") + 1, json_number(probe, "of"));
	paper_put(paper, INK_PLAIN, "\n");
}

static const char *mark_of(const char *kind)
{
	return !strcmp(kind, "sent") ? "→ " : !strcmp(kind, "received") ? "← " : "";
}

/* How much of it stands in its first line: up to the end of an escape that ends a line. */
static size_t line_length(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at != '\\' || !at[1])
			continue;
		if (at[1] == 'n')
			return (size_t)(at + 2 - text);
		at++; /* the next one is part of the escape */
	}
	return strlen(text);
}

static void show_text(const struct paper *paper, const char *kind, const char *text)
{
	const char *mark = mark_of(kind);
	enum ink ink = !strcmp(kind, "did") ? INK_PLAIN : INK_DIM;

	if (!strcmp(kind, "did")) {
		paper_fold(paper, ink, INDENT, INDENT + 2, text);
		return;
	}
	do {
		size_t length = line_length(text);

		paper_put(paper, INK_HEAD, "%s", mark);
		paper_put(paper, INK_PLAIN, "%.*s\n", (int)length, text);
		text += length;
		if (*text)
			paper_put(paper, INK_PLAIN, "%*s", INDENT, "");
	} while (*text);
}

static void show_step(const struct paper *paper, const json_t *step, char *before)
{
	char time[32];
	long long left_out = json_number(step, "left_out");

	snprintf(time, sizeof(time), "%7.1f ms", json_number_value(json_object_get(step, "ms")));
	paper_put(paper, INK_DIM, "%-*s", INDENT, strcmp(time, before) ? time : "");
	strcpy(before, time);
	show_text(paper, json_text(step, "kind"), json_text(step, "text"));
	if (left_out)
		paper_put(paper, INK_DIM, "%*s… and %lld more byte%s\n", INDENT, "", left_out, left_out == 1 ? "" : "s");
}

static enum ink ink_of(const char *result)
{
	return !strcmp(result, "passed") ? INK_GOOD : !strcmp(result, "failed") ? INK_BAD : INK_WARN;
}

static void labelled(const struct paper *paper, const char *label, enum ink ink, const char *text)
{
	char line[2 * PAPER_TEXT];

	snprintf(line, sizeof(line), "%s %s", label, text);
	paper_put(paper, INK_PLAIN, "  ");
	paper_fold(paper, ink, 2, 4, line);
}

void show_check(const struct paper *paper, const json_t *probe)
{
	const char *result = json_text(probe, "result");
	char before[32] = "", words[PAPER_TEXT];
	const json_t *one;
	size_t at;

	head(paper, probe);
	json_array_foreach (json_object_get(probe, "notes"), at, one)
		labelled(paper, "note:", INK_WARN, json_string_value(one));
	json_array_foreach (json_object_get(probe, "steps"), at, one)
		show_step(paper, one, before);
	if (json_truth(probe, "cut"))
		paper_put(paper, INK_DIM, "%*s… the rest of the dialogue is left out\n", INDENT, "");
	labelled(paper, "wanted:", INK_PLAIN, json_text(probe, "wanted"));
	snprintf(words, sizeof(words), "%s after %.1f ms", json_text(probe, "detail"),
		 json_number_value(json_object_get(probe, "latency_ms")));
	labelled(paper, !strcmp(result, "none") ? "not probed:" : !strcmp(result, "passed") ? "passed:" : "failed:",
		 ink_of(result), words);
	labelled(paper, "on schedule:", INK_PLAIN, json_text(probe, "verdict"));
}
