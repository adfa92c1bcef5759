/* The control socket: requests, and clients that misbehave. Real unix sockets in a temporary
 * folder, one loop. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/loop.h"
#include "daemon/control_clients.h"
#include "daemon/control_request.h"
#include "suite.h"

/* ---- requests --------------------------------------------------------------------- */

static int parse(const char *line, struct control_request *out, char *error)
{
	return control_request_parse(line, strlen(line), out, error);
}

START_TEST(every_request_is_known_by_its_name)
{
	for (int kind = CONTROL_PING; kind <= CONTROL_OVERRIDES; kind++) {
		struct control_request request;
		char line[128], error[CONTROL_ERROR];

		snprintf(line, sizeof(line), "{\"request\":\"%s\"}",
			 control_request_name((enum control_kind)kind));
		ck_assert_int_eq(parse(line, &request, error), 0);
		ck_assert_int_eq((int)request.kind, kind);
		ck_assert_str_eq(request.file, "");
	}
}
END_TEST

START_TEST(what_operators_say_is_taken_with_its_members)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"release\",\"instance\":\"public\"}", &request, error), 0);
	ck_assert(request.kind == CONTROL_RELEASE && !request.all);
	ck_assert_str_eq(request.instance, "public");
	ck_assert_int_eq(parse("{\"request\":\"claim\",\"all\":true}", &request, error), 0);
	ck_assert(request.kind == CONTROL_CLAIM && request.all);
	ck_assert_int_eq(parse("{\"request\":\"priority\",\"instance\":\"public\",\"value\":\"120\","
			       "\"comment\":\"a\\nb\",\"timeout\":1.5}",
			       &request, error),
			 0);
	ck_assert_str_eq(request.value, "120");
	ck_assert_str_eq(request.comment, "a?b");
	ck_assert_int_eq(request.timeout, 1500 * NSTIME_MS);
	ck_assert_int_eq(parse("{\"request\":\"maintenance\",\"value\":\"off\"}", &request, error), 0);
	ck_assert_int_eq(request.timeout, 0);
}
END_TEST

START_TEST(a_server_is_named_with_its_service_or_in_all)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"drain\",\"service\":\"web\",\"server\":\"a\","
			       "\"timeout\":600,\"comment\":\"disk\"}",
			       &request, error),
			 0);
	ck_assert_str_eq(request.service, "web");
	ck_assert_str_eq(request.server, "a");
	ck_assert_int_eq(request.timeout, 600 * NSTIME_S);
	ck_assert_int_eq(parse("{\"request\":\"enable\",\"all\":true,\"server\":\"[2001:db8::1]:80\"}",
			       &request, error),
			 0);
	ck_assert(request.all);
	ck_assert_int_eq(parse("{\"request\":\"weight\",\"service\":\"web\",\"server\":\"a\","
			       "\"value\":\"65535\"}",
			       &request, error),
			 0);
	ck_assert_str_eq(request.value, "65535");
}
END_TEST

START_TEST(a_file_of_overrides_is_one_request)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"load\",\"overrides\":[{\"object\":\"web/a\"}]}", &request,
			       error),
			 0);
	ck_assert_uint_eq(json_array_size(request.overrides), 1);
	control_request_fini(&request);
	ck_assert_ptr_null(request.overrides);
}
END_TEST

START_TEST(traffic_is_zeroed_for_a_service_and_a_table_exported_for_a_program)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"zero\",\"service\":\"web\"}", &request, error), 0);
	ck_assert(request.kind == CONTROL_ZERO);
	ck_assert(control_request_is_command(CONTROL_ZERO));
	ck_assert_str_eq(request.service, "web");
	ck_assert_int_eq(parse("{\"request\":\"export\",\"format\":\"ipvsadm\"}", &request, error), 0);
	ck_assert(request.kind == CONTROL_EXPORT);
	ck_assert(!control_request_is_command(CONTROL_EXPORT));
	ck_assert_int_eq(parse("{\"request\":\"export\"}", &request, error), -EINVAL);
	ck_assert_str_eq(error, "\"format\" is missing");
	ck_assert_int_eq(parse("{\"request\":\"export\",\"format\":\"x\"}", &request, error), -EINVAL);
}
END_TEST

START_TEST(commands_are_told_from_questions)
{
	ck_assert(control_request_is_command(CONTROL_RELOAD));
	ck_assert(control_request_is_command(CONTROL_PLAN));
	ck_assert(control_request_is_command(CONTROL_STOP));
	for (int kind = CONTROL_RELEASE; kind <= CONTROL_LOAD; kind++)
		ck_assert(control_request_is_command((enum control_kind)kind));
	ck_assert(!control_request_is_command(CONTROL_OVERRIDES));
	ck_assert(!control_request_is_command(CONTROL_STATUS));
	ck_assert(!control_request_is_command(CONTROL_CONFIG));
}
END_TEST

START_TEST(what_the_supervisor_may_refuse_has_words_for_it)
{
	for (enum control_kind kind = CONTROL_PING; kind <= CONTROL_LOAD; kind++) {
		bool goes_on = control_request_is_command(kind) && kind != CONTROL_ZERO;

		ck_assert_int_eq(control_request_refusal(kind) != NULL, goes_on);
		ck_assert(goes_on || !control_request_order(kind));
	}
	ck_assert_int_eq(control_request_order(CONTROL_STOP), REQUEST_STOP);
	ck_assert_int_eq(control_request_order(CONTROL_MAINTENANCE), REQUEST_MAINTENANCE);
	ck_assert_int_eq(control_request_order(CONTROL_WEIGHT), 0);
}
END_TEST

START_TEST(plan_takes_an_absolute_path)
{
	struct control_request request = {.kind = CONTROL_PING};
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"plan\",\"file\":\"/etc/x.conf\"}", &request, error),
			 0);
	ck_assert_str_eq(request.file, "/etc/x.conf");
	ck_assert_int_eq(parse("{\"request\":\"plan\",\"file\":\"x.conf\"}", &request, error),
			 -EINVAL);
	ck_assert_str_eq(error, "\"file\" must be an absolute path");
	ck_assert_int_eq(parse("{\"request\":\"plan\",\"file\":7}", &request, error), -EINVAL);
	ck_assert_str_eq(request.file, "/etc/x.conf");
}
END_TEST

START_TEST(events_take_a_number_and_whether_to_follow)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"events\"}", &request, error), 0);
	ck_assert(!request.follow && !request.has_since);
	ck_assert_int_eq(parse("{\"request\":\"events\",\"since\":1767322800123,\"follow\":true}",
			       &request, error),
			 0);
	ck_assert(request.follow && request.has_since);
	ck_assert_uint_eq(request.since, 1767322800123);
}
END_TEST

START_TEST(a_status_says_whether_it_is_one_of_many)
{
	struct control_request request;
	char error[CONTROL_ERROR];

	ck_assert_int_eq(parse("{\"request\":\"status\"}", &request, error), 0);
	ck_assert(!request.watch);
	ck_assert_int_eq(parse("{\"request\":\"status\",\"watch\":true}", &request, error), 0);
	ck_assert(request.watch);
}
END_TEST

static const struct {
	const char *line, *error;
} bad_lines[] = {
	{"{\"request\":\"status\",\"watch\":false}", "\"watch\" can only be true"},
	{"{\"request\":\"traffic\",\"watch\":true}", "the request \"traffic\" has no \"watch\""},
	{"{\"request\":\"drain\",\"server\":\"a\"}", "either \"service\" or \"all\" is needed"},
	{"{\"request\":\"drain\",\"service\":\"web\"}", "\"server\" is missing"},
	{"{\"request\":\"drain\",\"service\":\"web\",\"all\":true,\"server\":\"a\"}",
	 "either \"service\" or \"all\" is needed"},
	{"{\"request\":\"drain\",\"service\":\"web\",\"server\":\"a\",\"value\":\"5\"}",
	 "the request \"drain\" has no \"value\""},
	{"{\"request\":\"weight\",\"all\":true,\"server\":\"a\",\"value\":\"5\"}",
	 "the request \"weight\" has no \"all\""},
	{"{\"request\":\"weight\",\"server\":\"a\",\"value\":\"5\"}", "\"service\" is missing"},
	{"{\"request\":\"weight\",\"service\":\"web\",\"server\":\"a\",\"value\":\"65536\"}",
	 "the weight must be a number from 0 to 65535, or auto"},
	{"{\"request\":\"weight\",\"service\":\"web\",\"server\":\"a\"}", "the weight must be"},
	{"{\"request\":\"weight\",\"service\":\"web\",\"server\":\"a\",\"value\":\"auto\","
	 "\"timeout\":5}",
	 "auto has no timeout"},
	{"{\"request\":\"load\"}", "\"overrides\" is missing"},
	{"{\"request\":\"load\",\"overrides\":{}}", "\"overrides\" must be an array"},
	{"{\"request\":\"load\",\"overrides\":[7]}", "each of \"overrides\" must be an object"},
	{"{\"request\":\"events\",\"since\":-1}", "\"since\" must be the number of an event"},
	{"{\"request\":\"events\",\"since\":\"1\"}", "\"since\" must be the number of an event"},
	{"{\"request\":\"events\",\"follow\":1}", "\"follow\" must be true or false"},
	{"{\"request\":\"status\",\"follow\":true}", "the request \"status\" has no \"follow\""},
	{"", "not a line of JSON: "},
	{"status", "not a line of JSON: "},
	{"{\"request\":\"status\"} {}", "not a line of JSON: "},
	{"{\"request\":\"status\",\"request\":\"stop\"}", "not a line of JSON: "},
	{"{\"request\":\"st\xff\"}", "not a line of JSON: "},
	{"[]", "a request is a JSON object with \"request\": its name"},
	{"{}", "a request is a JSON object with \"request\": its name"},
	{"{\"request\":7}", "a request is a JSON object with \"request\": its name"},
	{"{\"request\":\"statsu\"}", "unknown request \"statsu\"; did you mean \"status\"?"},
	{"{\"request\":\"\\u001b[2J\"}", "unknown request \"?[2J\""},
	{"{\"request\":\"status\",\"file\":\"/x\"}", "the request \"status\" has no \"file\""},
	{"{\"request\":\"plan\",\"fiel\":\"/x\"}", "the request \"plan\" has no \"fiel\""},
	{"{\"request\":\"release\"}", "either \"instance\" or \"all\" is needed"},
	{"{\"request\":\"claim\",\"all\":true,\"instance\":\"a\"}", "either \"instance\" or"},
	{"{\"request\":\"claim\",\"all\":false}", "\"all\" can only be true"},
	{"{\"request\":\"claim\",\"instance\":\"\"}", "\"instance\" must be the name"},
	{"{\"request\":\"claim\",\"instance\":\"a\",\"comment\":\"x\"}", "the request \"claim\" has no"},
	{"{\"request\":\"priority\",\"value\":\"120\"}", "\"instance\" is missing"},
	{"{\"request\":\"priority\",\"instance\":\"a\"}", "the priority must be a number from 1 to 254"},
	{"{\"request\":\"priority\",\"instance\":\"a\",\"value\":\"255\"}", "the priority must be"},
	{"{\"request\":\"priority\",\"instance\":\"a\",\"value\":120}", "\"value\" must be a short"},
	{"{\"request\":\"priority\",\"instance\":\"a\",\"value\":\"auto\",\"timeout\":5}",
	 "auto has no timeout"},
	{"{\"request\":\"maintenance\"}", "maintenance must be on or off"},
	{"{\"request\":\"maintenance\",\"value\":\"off\",\"timeout\":5}", "off has no timeout"},
	{"{\"request\":\"maintenance\",\"value\":\"on\",\"timeout\":0}", "\"timeout\" must be seconds"},
	{"{\"request\":\"maintenance\",\"value\":\"on\",\"timeout\":1e300}", "\"timeout\" must be seconds"},
	{"{\"request\":\"maintenance\",\"value\":\"on\",\"timeout\":\"5m\"}", "\"timeout\" must be seconds"},
	{"{\"request\":\"maintenance\",\"value\":\"on\",\"comment\":7}", "\"comment\" must be a text"},
};

START_TEST(bad_lines_are_refused_with_a_reason)
{
	struct control_request request;
	char error[CONTROL_ERROR] = "";

	ck_assert_int_eq(parse(bad_lines[_i].line, &request, error), -EINVAL);
	ck_assert_msg(!strncmp(error, bad_lines[_i].error, strlen(bad_lines[_i].error)), "%s",
		      error);
}
END_TEST

START_TEST(deep_nesting_and_zero_bytes_are_refused)
{
	static char line[CONTROL_LINE_MAX];
	struct control_request request;
	char error[CONTROL_ERROR];

	memset(line, '[', sizeof(line));
	ck_assert_int_eq(control_request_parse(line, sizeof(line), &request, error), -EINVAL);
	memset(line, 0, sizeof(line));
	ck_assert_int_eq(control_request_parse(line, sizeof(line), &request, error), -EINVAL);
	ck_assert_int_eq(
		control_request_parse("{\"request\":\"pi\\u0000ng\"}", 23, &request, error),
		-EINVAL);
}
END_TEST

START_TEST(random_bytes_never_make_a_request)
{
	unsigned seed = (unsigned)getpid();

	fprintf(stderr, "seed %u\n", seed);
	for (int round = 0; round < 20000; round++) {
		struct control_request request;
		char line[64], error[CONTROL_ERROR];
		size_t length = (size_t)rand_r(&seed) % sizeof(line);

		for (size_t i = 0; i < length; i++)
			line[i] = rand_r(&seed) % 4 ? "{}[]\":,requst \\"[rand_r(&seed) % 15]
						    : (char)rand_r(&seed);
		if (control_request_parse(line, length, &request, error))
			ck_assert(strlen(error) > 0 && strlen(error) < CONTROL_ERROR);
		else
			control_request_fini(&request);
	}
}
END_TEST

/* ---- clients ---------------------------------------------------------------------- */

#define PATIENCE (10 * NSTIME_S)

static struct loop *loop;
static struct clients *clients;
static struct loop_timer turn;
static char folder[] = "/tmp/lbha-test-XXXXXX", path[64];
static uint32_t held[8]; /* tickets of lines "hold" */
static size_t held_count, lines_seen;
static uint64_t made; /* lines for followers so far */
static unsigned pieces_made;

/* The ring of this test keeps the last eight numbers, a line each. */
static char *more(UNUSED void *ctx, uint64_t *cursor)
{
	char *text = NULL;

	if (*cursor + 8 < made) {
		ck_assert_int_gt(asprintf(&text, "missed %llu\n",
					  (unsigned long long)(made - 8 - *cursor)),
				 0);
		*cursor = made - 8;
	} else if (*cursor < made) {
		++*cursor;
		ck_assert_int_gt(asprintf(&text, "%llu\n", (unsigned long long)*cursor), 0);
	}
	return text;
}

#define PIECES 16

/* An answer of a mebibyte in pieces. */
static char *piece(UNUSED void *ctx, uint64_t *cursor)
{
	char *text = malloc((1 << 16) + 1);

	pieces_made++;
	memset(text, 'p', 1 << 16);
	text[1 << 16] = '\0';
	if (++*cursor < PIECES)
		return text;
	text[(1 << 16) - 1] = '\n';
	*cursor = UINT64_MAX;
	return text;
}

static void make_lines(uint64_t count)
{
	made += count;
	clients_wake(clients);
}

/* Echoes a line; "hold" waits for us, "big" gets a megabyte, "follow" becomes a follower. */
static void on_line(UNUSED void *ctx, uint32_t ticket, const struct client_peer *peer,
		    const char *line, size_t length)
{
	char *answer = calloc(1, length + 2);

	ck_assert_uint_eq(peer->uid, geteuid());
	ck_assert_int_eq(peer->pid, getpid());
	lines_seen++;
	memcpy(answer, line, length);
	answer[length] = '\n';
	if (!strncmp(answer, "hold", 4) && held_count < COUNT_OF(held)) {
		held[held_count++] = ticket;
		free(answer);
		return;
	}
	if (!strncmp(answer, "follow", 6)) {
		if (!clients_follow(clients, ticket, answer, more, made)) {
			free(answer);
			clients_answer(clients, ticket, strdup("no\n"));
		}
		return;
	}
	if (!strncmp(answer, "pieces", 6)) {
		free(answer);
		clients_tell(clients, ticket, piece);
		return;
	}
	if (!strncmp(answer, "big", 3)) {
		answer = realloc(answer, 1 << 20);
		memset(answer, 'x', (1 << 20) - 2);
		strcpy(answer + (1 << 20) - 2, "\n");
	}
	clients_answer(clients, ticket, answer);
}

static enum client_access admit(UNUSED void *ctx, const struct client_peer *peer)
{
	return peer->uid == geteuid() ? CLIENT_READS : CLIENT_STRANGER;
}

static void turn_over(UNUSED void *ctx)
{
	loop_stop(loop);
}

static void run_for(nstime time)
{
	timer_at(&turn, clock_now() + time);
	ck_assert_int_eq(loop_run(loop), 0);
}

static void setup(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	strcpy(to.sun_path, path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(listener, 128), 0);
	loop = loop_new();
	clients = clients_new(loop, listener, CONTROL_LINE_MAX, admit, on_line, NULL);
	ck_assert_ptr_nonnull(clients);
	ck_assert_int_eq(timer_init(loop, &turn, LOOP_IDLE, turn_over, NULL), 0);
	held_count = lines_seen = 0;
	made = 0;
	pieces_made = 0;
}

static void teardown(void)
{
	clients_free(clients);
	timer_fini(&turn);
	loop_free(loop);
	unlink(path);
	rmdir(folder);
}

static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(to.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Turns the loop until `wanted` bytes came (or the end); how many came. */
static size_t hear(int fd, char *out, size_t wanted, bool *ended)
{
	nstime deadline = clock_now() + PATIENCE;
	size_t got = 0;

	*ended = false;
	while (got < wanted && !*ended && clock_now() < deadline) {
		ssize_t size;

		run_for(NSTIME_MS);
		size = recv(fd, out + got, wanted - got, 0);
		*ended = size == 0 || (size < 0 && errno == ECONNRESET);
		got += size > 0 ? (size_t)size : 0;
	}
	return got;
}

static void expect(int fd, const char *text)
{
	char got[256] = "";
	bool ended;

	ck_assert_uint_eq(hear(fd, got, strlen(text), &ended), strlen(text));
	ck_assert_str_eq(got, text);
}

static void expect_end(int fd)
{
	char byte;
	bool ended;

	ck_assert_uint_eq(hear(fd, &byte, 1, &ended), 0);
	ck_assert(ended);
}

START_TEST(lines_are_answered_in_order_however_they_are_cut)
{
	int fd = dial();

	say(fd, "one\ntw");
	expect(fd, "one\n");
	say(fd, "o\nthree\n\n");
	expect(fd, "two\nthree\n\n");
	close(fd);
}
END_TEST

START_TEST(a_line_waits_until_the_one_before_is_answered)
{
	int fd = dial(), other = dial();

	say(fd, "hold\nafter\n");
	say(other, "meanwhile\n");
	expect(other, "meanwhile\n");
	ck_assert_uint_eq(held_count, 1);
	clients_answer(clients, held[0], strdup("held\n"));
	expect(fd, "held\nafter\n");
	close(fd);
	close(other);
}
END_TEST

START_TEST(a_client_that_left_is_forgotten)
{
	int fd = dial(), other = dial();

	say(fd, "hold\n");
	say(other, "x\n");
	expect(other, "x\n");
	ck_assert_uint_eq(held_count, 1);
	close(fd);
	run_for(5 * NSTIME_MS);
	clients_answer(clients, held[0], strdup("nobody hears this\n"));
	clients_answer(clients, held[0], strdup("nor this\n"));
	clients_answer(clients, 99, strdup("nor this\n"));
	say(other, "still here\n");
	expect(other, "still here\n");
	close(other);
}
END_TEST

START_TEST(a_client_that_only_listens_on_gets_its_answers)
{
	int fd = dial();

	say(fd, "a\nb\nunfinished");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect(fd, "a\nb\n");
	expect_end(fd);
	ck_assert_uint_eq(lines_seen, 2);
	close(fd);
}
END_TEST

START_TEST(an_endless_line_ends_the_connection)
{
	static char line[CONTROL_LINE_MAX + 100];
	int fd = dial();

	memset(line, 'x', sizeof(line) - 1);
	say(fd, line);
	expect(fd, "{\"ok\":false,\"error\":\"the line is too long\",\"lines\":[]}\n");
	expect_end(fd);
	ck_assert_uint_eq(lines_seen, 0);
	close(fd);
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
	char *got = malloc(1 << 20);
	int fd = dial();
	bool ended;

	say(fd, "big\nafter\n");
	ck_assert_uint_eq(hear(fd, got, (1 << 20) - 1, &ended), (1 << 20) - 1);
	ck_assert(got[(1 << 20) - 2] == '\n' && got[0] == 'x');
	expect(fd, "after\n");
	free(got);
	close(fd);
}
END_TEST

START_TEST(an_answer_in_pieces_is_made_as_it_is_read_and_others_are_heard_between)
{
	static char out[1 << 20];
	int slow = dial(), other = dial();
	bool ended = false;

	say(slow, "pieces\nafter\n");
	say(other, "hello\n");
	expect(other, "hello\n");
	run_for(50 * NSTIME_MS);
	ck_assert_uint_lt(pieces_made, PIECES);
	ck_assert_uint_eq(hear(slow, out, sizeof(out), &ended), sizeof(out));
	ck_assert(!ended);
	ck_assert_int_eq(out[0], 'p');
	ck_assert_ptr_eq(memchr(out, '\n', sizeof(out)), out + sizeof(out) - 1);
	expect(slow, "after\n");
	ck_assert_uint_eq(pieces_made, PIECES);
	close(slow);
	close(other);
}
END_TEST

START_TEST(a_client_that_does_not_read_does_not_hold_up_others)
{
	int slow = dial(), fd = dial();

	while (send(slow, "big\n", 4, MSG_NOSIGNAL) == 4)
		;
	ck_assert_int_eq(errno, EAGAIN);
	for (int i = 0; i < 20; i++) {
		say(fd, "quick\n");
		expect(fd, "quick\n");
	}
	ck_assert_uint_le(lines_seen, 20 + 2); /* of the slow one's no more than it has read */
	close(slow);
	close(fd);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_dropped)
{
	int slow = dial();
	struct pollfd wait = {.fd = slow, .events = POLLRDHUP};

	say(slow, "big\n");
	run_for(CLIENT_STALL - 500 * NSTIME_MS);
	ck_assert_int_eq(poll(&wait, 1, 0), 0);
	run_for(2 * NSTIME_S);
	ck_assert_int_eq(poll(&wait, 1, 0), 1);
	close(slow);
}
END_TEST

START_TEST(the_silent_make_room_for_the_new)
{
	int fds[CLIENTS_MAX + 10];

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial();
		run_for(2 * NSTIME_MS);
	}
	say(fds[COUNT_OF(fds) - 1], "hello\n");
	expect(fds[COUNT_OF(fds) - 1], "hello\n");
	expect_end(fds[0]);
	expect_end(fds[9]);
	say(fds[10], "kept\n");
	expect(fds[10], "kept\n");
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		close(fds[i]);
}
END_TEST

START_TEST(a_follower_gets_lines_as_they_come)
{
	int fd = dial();

	make_lines(3);
	say(fd, "follow\nnot heard\n");
	expect(fd, "follow\n");
	make_lines(1);
	expect(fd, "4\n");
	make_lines(2);
	expect(fd, "5\n6\n");
	ck_assert_uint_eq(lines_seen, 1);
	close(fd);
}
END_TEST

/* Reads on until that word comes by. */
static bool reads(int fd, const char *word)
{
	nstime deadline = clock_now() + PATIENCE;
	char got[4096 + 1];
	size_t kept = 0;

	while (clock_now() < deadline) {
		ssize_t size = recv(fd, got + kept, sizeof(got) - 1 - kept, 0);

		if (size <= 0) {
			run_for(NSTIME_MS);
			continue;
		}
		got[kept + (size_t)size] = '\0';
		if (strstr(got, word))
			return true;
		kept = strlen(word) < (size_t)size ? strlen(word) : (size_t)size; /* it may be cut */
		memmove(got, got + strlen(got) - kept, kept);
	}
	return false;
}

START_TEST(a_follower_that_does_not_read_is_told_what_it_missed)
{
	int slow = dial(), fd = dial(), small = 1;
	char got[1 << 16];

	ck_assert_int_eq(setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	say(slow, "follow\n");
	say(fd, "follow\n");
	expect(slow, "follow\n");
	expect(fd, "follow\n");
	for (int i = 0; i < 200000; i++) {
		make_lines(1);
		if (i % 8 == 7) {
			run_for(0);
			while (recv(fd, got, sizeof(got), 0) > 0)
				;
		}
	}
	say(fd, "x\n"); /* nobody was held up */
	run_for(NSTIME_MS);
	make_lines(1);
	ck_assert(reads(slow, "missed"));
	close(slow);
	close(fd);
}
END_TEST

START_TEST(followers_leave_room_for_others)
{
	int fds[FOLLOWERS_MAX], fd;

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial();
		say(fds[i], "follow\n");
		expect(fds[i], "follow\n");
	}
	for (size_t i = 0; i < 2 * CLIENTS_MAX; i++) {
		fd = dial();
		say(fd, "follow\n");
		expect(fd, "no\n");
		run_for(0);
	}
	make_lines(1); /* none of them was thrown out for the others */
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		expect(fds[i], "1\n");
	close(fds[0]);
	run_for(5 * NSTIME_MS);
	fd = dial();
	say(fd, "follow\n");
	expect(fd, "follow\n");
}
END_TEST

START_TEST(random_clients_do_no_harm)
{
	unsigned seed = (unsigned)getpid();
	int fds[16];

	fprintf(stderr, "seed %u\n", seed);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = dial();
	for (int round = 0; round < 2000; round++) {
		size_t i = (size_t)rand_r(&seed) % COUNT_OF(fds);
		char bytes[3000];
		size_t length = (size_t)rand_r(&seed) % sizeof(bytes);

		for (size_t n = 0; n < length; n++)
			bytes[n] = rand_r(&seed) % 9 ? (char)rand_r(&seed) : '\n';
		if (rand_r(&seed) % 2 && send(fds[i], bytes, length, MSG_NOSIGNAL) < 0)
			ck_assert(errno == EPIPE || errno == EAGAIN || errno == ECONNRESET);
		if (rand_r(&seed) % 2)
			(void)!recv(fds[i], bytes, sizeof(bytes), 0);
		if (rand_r(&seed) % 16 == 0)
			shutdown(fds[i], SHUT_WR);
		if (rand_r(&seed) % 16 == 0) {
			close(fds[i]);
			fds[i] = dial();
		}
		if (rand_r(&seed) % 4 == 0)
			run_for(100 * NSTIME_US);
	}
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		close(fds[i]);
	fds[0] = dial();
	say(fds[0], "well\n");
	expect(fds[0], "well\n");
	close(fds[0]);
}
END_TEST

static TCase *request_case(void)
{
	TCase *tcase = CASE("request", every_request_is_known_by_its_name, what_the_supervisor_may_refuse_has_words_for_it, what_operators_say_is_taken_with_its_members, a_server_is_named_with_its_service_or_in_all, a_file_of_overrides_is_one_request,
			    traffic_is_zeroed_for_a_service_and_a_table_exported_for_a_program,
			      commands_are_told_from_questions, plan_takes_an_absolute_path,
			    events_take_a_number_and_whether_to_follow,
			    a_status_says_whether_it_is_one_of_many,
			    deep_nesting_and_zero_bytes_are_refused,
			    random_bytes_never_make_a_request);

	tcase_add_loop_test(tcase, bad_lines_are_refused_with_a_reason, 0,
			    (int)COUNT_OF(bad_lines));
	return tcase;
}

static TCase *clients_case(void)
{
	TCase *tcase = CASE(
		"clients", lines_are_answered_in_order_however_they_are_cut,
		a_line_waits_until_the_one_before_is_answered, a_client_that_left_is_forgotten,
		a_client_that_only_listens_on_gets_its_answers, an_endless_line_ends_the_connection,
		a_large_answer_arrives_whole, a_client_that_does_not_read_does_not_hold_up_others,
		a_client_that_does_not_read_is_dropped, the_silent_make_room_for_the_new,
		a_follower_gets_lines_as_they_come,
		a_follower_that_does_not_read_is_told_what_it_missed,
		followers_leave_room_for_others, random_clients_do_no_harm,
		an_answer_in_pieces_is_made_as_it_is_read_and_others_are_heard_between);

	tcase_add_checked_fixture(tcase, setup, teardown);
	return tcase;
}

int main(void)
{
	return SUITE_RUN("ctl-request", request_case(), clients_case());
}
