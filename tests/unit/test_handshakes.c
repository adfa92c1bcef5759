/* check: redis, mysql, postgresql, ldap. Transcripts of servers, good and bad; tell() cuts each at every
 * position. */
#include "check/ldap.h"
#include "check/mysql.h"
#include "check/postgresql.h"
#include "check/redis.h"
#include "config/model.h"
#include "suite.h"
#include "talks.h"

struct row {
	const char *bytes;
	size_t size;
	bool closes;
	enum probe_reason reason; /* NONE: it waits for more */
	const char *fault;
};

#define ROW(bytes, closes, reason, fault) {bytes, sizeof(bytes) - 1, closes, reason, fault}

static void rows_hold(const struct dialogue *dialogue, const struct check *check,
		      const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct told told = tell(dialogue, check, rows[i].bytes, rows[i].size, rows[i].closes);

		ck_assert_msg(told.reason == rows[i].reason && !strcmp(told.fault, rows[i].fault),
			      "row %zu: reason %d, \"%s\"", i, (int)told.reason, told.fault);
	}
}

#define HOLD(dialogue, check, ...)                                     \
	do {                                                           \
		static const struct row rows[] = {__VA_ARGS__};        \
		rows_hold(dialogue, check, rows, COUNT_OF(rows));      \
	} while (0)

static void said_is(const struct told *told, const void *bytes, size_t size)
{
	ck_assert_uint_eq(told->said_size, size);
	ck_assert_mem_eq(told->said, bytes, size);
}

#define SAID(told, text) said_is(told, text, sizeof(text) - 1)

/* ---- redis -------------------------------------------------------------------------------------- */

START_TEST(redis_answers_ping)
{
	struct check check = {.type = CHECK_REDIS};
	struct told told = tell(&redis_dialogue, &check, "+PONG\r\n", 7, false);

	SAID(&told, "PING\r\n");
	HOLD(&redis_dialogue, &check, ROW("+PONG\r\n", false, REASON_PASSED, "PONG"),
	     ROW("-NOAUTH Authentication required.\r\n", false, REASON_PASSED,
		 "answers: NOAUTH Authentication required."),
	     ROW("-NOPERM this user has no permissions\r\n", false, REASON_PASSED,
		 "answers: NOPERM this user has no permissions"),
	     ROW("-LOADING Redis is loading the dataset in memory\r\n", false, REASON_SAYS_DOWN,
		 "LOADING Redis is loading the dataset in memory"),
	     ROW("-ERR max number of clients reached\r\n", true, REASON_SAYS_DOWN,
		 "ERR max number of clients reached"),
	     ROW("+OK\r\n", false, REASON_PROTOCOL, "reply is not PONG"),
	     ROW("SSH-2.0-OpenSSH\r\n", false, REASON_PROTOCOL, "reply is not Redis"),
	     ROW("+PO", false, REASON_NONE, ""), ROW("+PO", true, REASON_RESET, "PONG"),
	     ROW("", true, REASON_RESET, "PONG"));
}
END_TEST

/* What redis-server 7.0 says to strangers while it has no password, at its full length. */
START_TEST(redis_in_protected_mode_is_down_with_its_words)
{
	static const char begin[] =
		"-DENIED Redis is running in protected mode because protected mode is enabled";
	static char line[1067];
	struct told told;

	memset(line, '.', sizeof(line));
	memcpy(line, begin, sizeof(begin) - 1);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	told = tell(&redis_dialogue, &(struct check){0}, line, sizeof(line), true);
	ck_assert_int_eq(told.reason, REASON_SAYS_DOWN);
	ck_assert_str_eq(told.fault, "DENIED Redis is running in protected mode because protected …");
}
END_TEST

START_TEST(redis_sends_no_line_without_end)
{
	static char line[5000];

	memset(line, '-', sizeof(line));
	ck_assert_int_eq(tell(&redis_dialogue, &(struct check){0}, line, sizeof(line), false).reason,
			 REASON_PROTOCOL);
}
END_TEST

/* ---- mysql -------------------------------------------------------------------------------------- */

#define GREETING                                                                           \
	"\x2e\0\0\0\x0a"                                                                   \
	"5.5.5-10.11.6\0"                                                                  \
	"\x08\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0"
#define LOGIN(length, user)                                                                \
	length "\0\0\x01\x01\x82\x08\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	       "\0\0\0\0" user "\0\0mysql_native_password\0"
#define LOGGED_IN "\x07\0\0\x02\0\0\0\x02\0\0\0"
#define QUIT "\x01\0\0\0\x01"
#define DENIED "\x16\0\0\x02\xff\x15\x04#28000Access denied"

START_TEST(mysql_logs_in_without_a_password_and_says_good_bye)
{
	const struct check check = {.type = CHECK_MYSQL, .account = "lbha"};
	struct told told = tell(&mysql_dialogue, &check, GREETING LOGGED_IN,
				sizeof(GREETING LOGGED_IN) - 1, false);

	ck_assert_int_eq(told.reason, REASON_PASSED);
	SAID(&told, LOGIN("\x3c", "lbha") QUIT);
	HOLD(&mysql_dialogue, &check,
	     ROW(GREETING DENIED, false, REASON_SAYS_DOWN, "Access denied (error 1045)"),
	     ROW(GREETING "\x02\0\0\x02\x01\x04", false, REASON_SAYS_DOWN, "the user has a password"),
	     ROW(GREETING, true, REASON_RESET, "reply to the login"),
	     ROW(GREETING, false, REASON_NONE, ""));
}
END_TEST

START_TEST(mysql_without_a_user_is_content_with_being_refused)
{
	const struct check check = {.type = CHECK_MYSQL};
	struct told told = tell(&mysql_dialogue, &check, GREETING DENIED,
				sizeof(GREETING DENIED) - 1, false);

	SAID(&told, LOGIN("\x38", ""));
	ck_assert(told.orderly);
	HOLD(&mysql_dialogue, &check,
	     ROW(GREETING DENIED, false, REASON_PASSED,
		 "answers, and lets nobody in without a name"),
	     ROW(GREETING LOGGED_IN, false, REASON_PASSED, "logged in"),
	     ROW(GREETING "\x13\0\0\x02\xff\x84\x04#08S01Bad packet", false, REASON_SAYS_DOWN,
		 "Bad packet (error 1156)"));
}
END_TEST

START_TEST(mysql_that_greets_with_an_error_is_down)
{
	HOLD(&mysql_dialogue, &(struct check){.type = CHECK_MYSQL},
	     ROW("\x17\0\0\0\xff\x10\x04Too many connections", true, REASON_SAYS_DOWN,
		 "Too many connections (error 1040)"),
	     ROW("\x1d\0\0\0\xff\x10\x04#08004Too many connections", true, REASON_SAYS_DOWN,
		 "Too many connections (error 1040)"),
	     ROW("\x10\0\0\0\xff\x69\x04Host blocked", false, REASON_NONE, ""),
	     ROW("\x01\0\0\0\xff", true, REASON_SAYS_DOWN, " (error 0)"),
	     ROW("", true, REASON_RESET, "greeting"));
}
END_TEST

START_TEST(mysql_may_want_another_plugin_once)
{
	const struct check check = {.type = CHECK_MYSQL, .account = "lbha"};
	struct told told = tell(&mysql_dialogue, &check,
				GREETING "\x17\0\0\x02\xfe"
					 "caching_sha2_password\0"
					 "\x07\0\0\x04\0\0\0\x02\0\0\0",
				sizeof(GREETING) - 1 + 4 + 23 + 11, false);

	ck_assert_int_eq(told.reason, REASON_PASSED);
	SAID(&told, LOGIN("\x3c", "lbha") "\x01\0\0\x03\0" QUIT);
	HOLD(&mysql_dialogue, &check,
	     ROW(GREETING "\x01\0\0\x02\xfe\x01\0\0\x04\xfe", false, REASON_PROTOCOL,
		 "reply is not MySQL"));
}
END_TEST

/* As mariadbd 10.11 said it. A blocked host is known by its words; a bare greeting is followed by no blocking of ours,
 * since the login is always sent. */
START_TEST(mysql_says_what_mariadb_says)
{
	static const char login[] =
		"\x64\0\0\0\x0a"
		"5.5.5-10.11.19-MariaDB-0+deb12u1\0"
		"\x04\0\0\0gFgSIWW0\0\xfe\xf7\x08\x02\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0"
		"){Ri7voKgGi[\0mysql_native_password\0"
		"\x07\0\0\x02\0\0\0\x02\0\0\0";
	static const char blocked[] =
		"\x6a\0\0\0\xff\x69\x04Host '192.0.2.1' is blocked because of many connection "
		"errors; unblock with 'mariadb-admin flush-hosts'";
	static const char stranger[] = "\x49\0\0\0\xff\x6a\x04Host 'client.example' is not allowed to "
				       "connect to this MariaDB server";

	HOLD(&mysql_dialogue, &(struct check){.account = "lbha"},
	     ROW(login, false, REASON_PASSED, "logged in"),
	     ROW(blocked, true, REASON_SAYS_DOWN,
		 "Host '192.0.2.1' is blocked because of many connection error… (error 1129)"),
	     ROW(stranger, true, REASON_SAYS_DOWN,
		 "Host 'client.example' is not allowed to connect to this Mari… (error 1130)"));
}
END_TEST

START_TEST(what_is_not_mysql_is_known_early)
{
	HOLD(&mysql_dialogue, &(struct check){.type = CHECK_MYSQL},
	     ROW("SSH-2.0-OpenSSH_9\r\n", false, REASON_PROTOCOL, "reply is not MySQL"),
	     ROW("\x05\0\0\0\x09old!", false, REASON_PROTOCOL, "reply is not MySQL"),
	     ROW("\x00\0\0\0\x0a", false, REASON_PROTOCOL, "reply is not MySQL"),
	     ROW("\xff\xff\xff\0\x0a", false, REASON_PROTOCOL, "reply is not MySQL"),
	     ROW("\x05\0\0\0\x0a\x35.5\0", false, REASON_PROTOCOL, "reply is not MySQL"),
	     ROW(GREETING "\x01\0\0\x02\x55", false, REASON_PROTOCOL, "reply is not MySQL"));
}
END_TEST

/* ---- postgresql --------------------------------------------------------------------------------- */

#define STARTING "E\0\0\0\x3eSFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
#define FULL /* PostgreSQL 15, before it asks who we are */                                             \
	"E\0\0\0\x55SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0Fproc.c\0L357\0"       \
	"RInitProcess\0\0"
#define NO_ROLE "E\0\0\0\x25SFATAL\0C28000\0Mrole lbha is not\0\0\0"

START_TEST(postgresql_that_asks_for_a_password_is_up)
{
	const struct check check = {
		.type = CHECK_POSTGRESQL, .account = "joe", .database = "shop"};
	struct told told = tell(&postgresql_dialogue, &check, "R\0\0\0\x0c\0\0\0\x05salt", 13, false);

	ck_assert_int_eq(told.reason, REASON_PASSED);
	ck_assert(told.orderly);
	SAID(&told, "\0\0\0\x20\0\x03\0\0user\0joe\0database\0shop\0\0");
	told = tell(&postgresql_dialogue, &(struct check){0}, "", 0, true);
	SAID(&told, "\0\0\0\x13\0\x03\0\0user\0lbha\0\0");
}
END_TEST

START_TEST(postgresql_that_lets_us_in_is_heard_until_it_is_ready)
{
	const struct check check = {.type = CHECK_POSTGRESQL, .account = "joe"};
	struct told told =
		tell(&postgresql_dialogue, &check,
		     "R\0\0\0\x08\0\0\0\0S\0\0\0\x08" "a\0b\0K\0\0\0\x0c" "12345678Z\0\0\0\x05I",
		     9 + 9 + 13 + 6, false);

	ck_assert_int_eq(told.reason, REASON_PASSED);
	ck_assert_mem_eq(told.said + told.said_size - 5, "X\0\0\0\x04", 5);
	HOLD(&postgresql_dialogue, &check,
	     ROW("R\0\0\0\x08\0\0\0\0" "E\0\0\0\x1cSFATAL\0C3D000\0Mno such\0\0", false,
		 REASON_SAYS_DOWN, "no such"),
	     ROW("R\0\0\0\x08\0\0\0\0", true, REASON_RESET, "word that it is ready for a query"),
	     ROW("R\0\0\0\x08\0\0\0\0", false, REASON_NONE, ""));
}
END_TEST

START_TEST(postgresql_says_why_it_cannot_serve)
{
	const struct check check = {.type = CHECK_POSTGRESQL, .account = "lbha"};

	HOLD(&postgresql_dialogue, &check,
	     ROW(STARTING, true, REASON_SAYS_DOWN, "the database system is starting up"),
	     ROW(NO_ROLE, true, REASON_SAYS_DOWN, "role lbha is not"),
	     ROW("Ecould not fork new process\n\0", true, REASON_SAYS_DOWN,
		 "could not fork new process"),
	     ROW("E\0\0\0\x04", true, REASON_SAYS_DOWN, "an error without a message"));
	HOLD(&postgresql_dialogue, &(struct check){.type = CHECK_POSTGRESQL},
	     ROW(FULL, true, REASON_SAYS_DOWN, "sorry, too many clients already"),
	     ROW(STARTING, true, REASON_SAYS_DOWN, "the database system is starting up"),
	     ROW(NO_ROLE, true, REASON_PASSED, "answers: role lbha is not"));
}
END_TEST

START_TEST(what_is_not_postgresql_is_known_early)
{
	HOLD(&postgresql_dialogue, &(struct check){.type = CHECK_POSTGRESQL},
	     ROW("HTTP/1.1 400 Bad Request\r\n", false, REASON_PROTOCOL, "reply is not PostgreSQL"),
	     ROW("R\0\0\0\x03", false, REASON_PROTOCOL, "reply is not PostgreSQL"),
	     ROW("R\x7f\xff\xff\xff", false, REASON_PROTOCOL, "reply is not PostgreSQL"),
	     ROW("R\0\0\0\x04Z", false, REASON_PROTOCOL, "reply is not PostgreSQL"),
	     ROW("Z\0\0\0\x05I", false, REASON_PROTOCOL, "reply is not PostgreSQL"),
	     ROW("R\0\0", true, REASON_RESET, "reply to the startup message"));
}
END_TEST

/* ---- ldap --------------------------------------------------------------------------------------- */

#define BIND "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"
#define UNBIND "\x30\x05\x02\x01\x02\x42\0"
#define BOUND "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"

START_TEST(ldap_binds_and_unbinds)
{
	struct told told = tell(&ldap_dialogue, &(struct check){0}, BOUND, sizeof(BOUND) - 1, false);

	SAID(&told, BIND UNBIND);
	HOLD(&ldap_dialogue, &(struct check){.type = CHECK_LDAP},
	     ROW(BOUND, false, REASON_PASSED, "bound"),
	     /* as Active Directory writes it */
	     ROW("\x30\x84\0\0\0\x10\x02\x01\x01\x61\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0", false,
		 REASON_PASSED, "bound"),
	     ROW("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x30\x04\0\x04\0", false, REASON_PASSED,
		 "answers, and lets nobody in without a name"),
	     ROW("\x30\x13\x02\x01\x01\x61\x0e\x0a\x01\x33\x04\0\x04\x07too bad", false,
		 REASON_SAYS_DOWN, "busy (result code 51): too bad"),
	     ROW("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x07\x04\0\x04\0", false, REASON_SAYS_DOWN,
		 "refused (result code 7)"),
	     /* a notice of disconnection */
	     ROW("\x30\x10\x02\x01\0\x78\x0b\x0a\x01\x34\x04\0\x04\x04gone", true, REASON_SAYS_DOWN,
		 "unavailable (result code 52): gone"),
	     ROW("", true, REASON_RESET, "bind response"),
	     ROW("\x30\x0c\x02\x01", true, REASON_RESET, "bind response"));
}
END_TEST

START_TEST(what_is_not_ldap_is_known_early)
{
	HOLD(&ldap_dialogue, &(struct check){.type = CHECK_LDAP},
	     ROW("220 mail ready\r\n", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\x80", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\x85\0", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\x84\xff\xff\xff\xff", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\0", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\x05\x02\x01\x01\x42\0", false, REASON_PROTOCOL, "reply is not LDAP"),
	     ROW("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\x09\x04\0", false, REASON_PROTOCOL,
		 "reply is not LDAP"));
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"handshakes", CASE("redis", redis_answers_ping,
		     redis_in_protected_mode_is_down_with_its_words, redis_sends_no_line_without_end),
		CASE("mysql", mysql_logs_in_without_a_password_and_says_good_bye,
		     mysql_without_a_user_is_content_with_being_refused,
		     mysql_that_greets_with_an_error_is_down, mysql_may_want_another_plugin_once,
		     mysql_says_what_mariadb_says, what_is_not_mysql_is_known_early),
		CASE("postgresql", postgresql_that_asks_for_a_password_is_up,
		     postgresql_that_lets_us_in_is_heard_until_it_is_ready,
		     postgresql_says_why_it_cannot_serve, what_is_not_postgresql_is_known_early),
		CASE("ldap", ldap_binds_and_unbinds, what_is_not_ldap_is_known_early));
}
