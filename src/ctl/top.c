/* See the header. The screen is drawn anew from its upper left corner, without a flicker; whatever
 * ends or stops the program gives the terminal back as it was. */
#include "ctl/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/paper.h"
#include "ctl/show_top.h"

#define ANSWER (10 * NSTIME_S)
#define PERIOD NSTIME_S
#define SHARE 5 /* at most this part of the time goes by with answers */
#define ONCE_TRIES                                                                                 \
	60 /* of a quarter of a second: longer than any read_back while somebody watches */

static volatile sig_atomic_t ended, suspended, continued;

/* Two readings, and what is to be seen of them. */
struct top {
	struct client *client;
	json_t *now, *before;
	struct top_view view;
	int period; /* in milliseconds, until the next look: a large site takes its time to tell */
};

static nstime now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * NSTIME_S + at.tv_nsec;
}

static int look(struct top *top, char *error)
{
	json_t *answer, *result;
	nstime before = now(), took;
	int err = client_ask(top->client, json_pack("{s:s}", "request", "traffic"), ANSWER, &answer,
			     error);

	if (err)
		return err;
	took = now() - before;
	top->period = took * SHARE > PERIOD ? (int)(took * SHARE / NSTIME_MS) : PERIOD / NSTIME_MS;
	result = json_object_get(answer, "result");
	if (!json_truth(answer, "ok")) {
		snprintf(error, CLIENT_ERROR, "%s", json_text(answer, "error"));
		err = -EPROTO;
	} else if (json_number(result, "monotonic_ms") != json_number(top->now, "monotonic_ms")) {
		json_decref(top->before);
		top->before = top->now;
		top->now = json_incref(result);
		paper_clean(top->now);
	}
	json_decref(answer);
	return err;
}

/* ---- once ----------------------------------------------------------------------------------- */

static int show_once(struct top *top, const struct paper *paper, char *error)
{
	bool has_services = json_array_size(json_object_get(top->now, "services"));
	int err = 0;

	for (int i = 0; has_services && i < ONCE_TRIES && !top->before && !err; i++) {
		poll(NULL, 0, PERIOD / NSTIME_MS / 4);
		err = look(top, error);
	}
	if (!err)
		show_top(paper, top->now, top->before, &top->view);
	return err;
}

/* ---- on a terminal --------------------------------------------------------------------------- */

static void end(int number)
{
	ended = number;
}

static void suspend(UNUSED int number)
{
	suspended = 1;
}

static void go_on(UNUSED int number)
{
	continued = 1;
}

static void listen_to(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(number, &action, NULL);
}

/* Keys come one by one and unseen, and a narrow terminal cuts lines. */
static void take_terminal(const struct termios *before)
{
	struct termios raw = *before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
}

static void give_terminal(const struct termios *before)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, before);
}

/* A stop is the shell's turn, with a terminal as it knows it. Whoever wakes us, from this stop or from one that nobody
 * can catch, may have changed it. */
static void heed_job_control(const struct termios *before)
{
	if (suspended) {
		give_terminal(before);
		listen_to(SIGTSTP, SIG_DFL);
		raise(SIGTSTP);
		listen_to(SIGTSTP, suspend);
		suspended = 0;
		continued = 1;
	}
	if (continued) {
		continued = 0;
		take_terminal(before);
	}
}

static size_t terminal_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 6)
		return 24;
	return size.ws_row;
}

/* Each line ends with what clears the rest of it. */
static void put_screen(const char *text)
{
	fputs("\033[H", stdout);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\033[K", stdout);
		putchar(*text);
	}
	fputs("\033[2mq quit  sort: a active, c new, i in, o out, n name, < >  r reverse  s "
	      "servers\033[0m\033[K\033[J",
	      stdout);
	fflush(stdout);
}

static void draw(struct top *top, const struct paper *paper)
{
	struct paper screen = *paper;
	char *text = NULL;
	size_t size;

	screen.out = open_memstream(&text, &size);
	if (!screen.out)
		return;
	top->view.lines = terminal_lines() - 1;
	show_top(&screen, top->now, top->before, &top->view);
	if (!fclose(screen.out))
		put_screen(text);
	free(text);
}

/* The column to the left or to the right, as they stand in the table. */
static void move_sort(struct top *top, bool right)
{
	static const enum top_sort order[] = {TOP_NAME, TOP_ACTIVE, TOP_RATE, TOP_IN, TOP_OUT};
	size_t at = 0;

	while (order[at] != top->view.sort)
		at++;
	if (right && at + 1 < COUNT_OF(order))
		top->view.sort = order[at + 1];
	if (!right && at)
		top->view.sort = order[at - 1];
}

static void take_key(struct top *top, char key)
{
	static const char sorts[] = {[TOP_ACTIVE] = 'a',
				     [TOP_RATE] = 'c',
				     [TOP_IN] = 'i',
				     [TOP_OUT] = 'o',
				     [TOP_NAME] = 'n'};
	const char *sort = memchr(sorts, key, sizeof(sorts));

	if (sort)
		top->view.sort = (enum top_sort)(sort - sorts);
	if (key == '<' || key == '>')
		move_sort(top, key == '>');
	if (key == 'r')
		top->view.reverse = !top->view.reverse;
	if (key == 's')
		top->view.services_only = !top->view.services_only;
	if (key == 'q')
		ended = 1;
}

/* Several keys may have come at once; arrows are an escape and two characters. */
static void take_keys(struct top *top, const char *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool is_arrow = keys[i] == '\033' && i + 2 < count &&
				(keys[i + 1] == '[' || keys[i + 1] == 'O');

		if (!is_arrow) {
			take_key(top, keys[i]);
			continue;
		}
		i += 2;
		if (keys[i] == 'C' || keys[i] == 'D')
			move_sort(top, keys[i] == 'C');
	}
}

/* Waits for the next turn, for a key, or until the terminal has another size. One that is gone ends it. */
static void wait_key(struct top *top)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char keys[64];
	ssize_t count;

	if (suspended || continued || poll(&in, 1, top->period) <= 0)
		return;
	count = read(STDIN_FILENO, keys, sizeof(keys));
	if (count > 0)
		take_keys(top, keys, (size_t)count);
	else if (!count || errno != EINTR)
		ended = 1;
}

/* What poll() is interrupted for: the next thing is to draw. */
static void resized(UNUSED int number)
{
}

static int show_live(struct top *top, const struct paper *paper, char *error)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct termios before;
	int err = 0;

	if (tcgetattr(STDIN_FILENO, &before))
		return snprintf(error, CLIENT_ERROR, "no terminal"), -ENOTTY;
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		listen_to(ends[i], end);
	listen_to(SIGWINCH, resized);
	listen_to(SIGTSTP, suspend);
	listen_to(SIGCONT, go_on);
	take_terminal(&before);
	while (!ended && !err) {
		draw(top, paper);
		wait_key(top);
		heed_job_control(&before);
		err = ended ? 0 : look(top, error);
	}
	give_terminal(&before);
	return ended ? 0 : err;
}

int top_run(struct client *client, const struct paper *paper, json_t *first, bool once, char *error)
{
	struct top top = {
		.client = client, .now = json_incref(first), .period = PERIOD / NSTIME_MS};
	int err;

	paper_clean(first);
	if (once || !isatty(STDIN_FILENO) || !paper_takes_escapes(stdout))
		err = show_once(&top, paper, error);
	else
		err = show_live(&top, paper, error);
	json_decref(top.now);
	json_decref(top.before);
	return err;
}
