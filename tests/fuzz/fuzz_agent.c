/* Any bytes as what an agent or a file says: a line is found or not, the same in every part of the bytes
 * that holds it; what is read of it lies inside it, can be sent on, and reads as words for people. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(int fine)
{
	if (!fine)
		abort();
}

static void inside(const char *part, size_t length, const char *line, size_t size)
{
	demand(!length || (part >= line && part + length <= line + size));
}

static void survives(const struct advice *told)
{
	uint8_t bytes[32];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;
	struct advice again;

	advice_put(&out, told);
	in = reader_of(bytes, writer_used(&out));
	again = advice_get(&in);
	demand(reader_done(&in) && advice_equal(&again, told));
}

static void read_line(const char *line, size_t length, int numbers)
{
	struct agent_reply reply = agent_read(line, length, numbers);
	char said[OUTCOME_SAID];
	struct outcome outcome = numbers ? agent_outcome_of_file(&reply, said) : agent_outcome(&reply, said);

	inside(reply.words, reply.words_length, line, length);
	inside(reply.comment, reply.comment_length, line, length);
	inside(reply.unknown, reply.unknown_length, line, length);
	survives(&reply.told);
	demand(outcome.fault == said && strlen(said) < sizeof(said) && *said);
	for (const char *at = said; *at; at++)
		demand((unsigned char)*at >= ' ' && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *)bytes, *line = NULL, *again;
	size_t length = 0, same;

	if (!agent_find(text, size, false, &line, &length)) {
		demand(!line);
		if (agent_find(text, size, true, &line, &length))
			demand(line + length == text + size);
		else
			return 0;
	} else {
		demand(agent_find(text, (size_t)(line - text) + length + 1, false, &again, &same));
		demand(again == line && same == length);
		demand(!agent_find(text, (size_t)(line - text) + length, false, &again, &same));
	}
	read_line(line, length, 0);
	read_line(line, length, 1);
	return 0;
}
