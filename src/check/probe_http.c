/* Type http: what an answer must be, judged as it comes. The status and the headers are looked at when the
 * headers end, and what is wrong then ends the probe: the body cannot make it better. Of the body nothing is
 * kept but its digest, unless it is to be searched. A redirect is another request over another connection, within the same deadline and
 * to the same address and port, whatever name it has for them. */
#include "check/probe_http.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/flight_io.h"
#include "check/http_answer.h"
#include "check/http_client_io.h"
#include "check/http_exchange_io.h"
#include "check/http_request_io.h"
#include "check/match_io.h"
#include "check/outcome.h"
#include "check/transcript.h"
#include "config/model.h"

#define BODY_MOST (1u << 20)
#define SEARCHED_MOST (64u << 10) /* of the body: a search costs up to 64 ns a byte */
#define LOCATION_MOST 4096
#define REDIRECTS_MOST 8

struct answer {
	bool headers_done;
	bool decided; /* `outcome` says how it ended: the transfer was broken off */
	struct outcome outcome;
	uint32_t header_bytes, body_bytes;
	uint64_t headers_found; /* bits: those expected ones that were there as wanted */
	size_t unwanted;        /* the first one that was there, but not so: `said` tells how */
	EVP_MD_CTX *digest;
	/* redirects */
	char *location;              /* of this answer */
	char *target, *host;         /* of the request; NULL: as configured */
	bool without_body;           /* GET instead of the check's method */
	uint64_t been[REDIRECTS_MOST]; /* hashes of where it was */
	size_t redirects;
	char said[OUTCOME_SAID];
};

static struct outcome too_large(const char *fault)
{
	return (struct outcome){.reason = REASON_TOO_LARGE, .step = STEP_REPLY, .fault = fault};
}

static struct outcome mismatch(struct answer *answer, uint16_t status)
{
	text_clean(answer->said);
	return (struct outcome){.reason = REASON_MISMATCH,
				.step = STEP_REPLY,
				.status = status,
				.fault = answer->said};
}

/* Ends the transfer: what libcurl makes of that no longer counts. */
static bool decide(struct answer *answer, struct outcome outcome)
{
	answer->outcome = outcome;
	answer->decided = true;
	return false;
}

/* ---- headers -------------------------------------------------------------------------------- */

/* Whether a field is as wanted; the first that is not is told. */
static bool is_wanted(struct answer *answer, size_t index, const struct http_header *wanted,
		      const struct http_field *field)
{
	if (strlen(wanted->value) == field->value_size &&
	    !memcmp(wanted->value, field->value, field->value_size))
		return true;
	if (!*answer->said || index <= answer->unwanted) {
		answer->unwanted = index;
		snprintf(answer->said, sizeof(answer->said), "header %s is \"%.*s\", wanted \"%s\"",
			 wanted->name, (int)field->value_size, field->value, wanted->value);
	}
	return false;
}

/* Of several fields with one name any may be the wanted one. */
static void note_field(struct http_request *request, const struct http_field *field)
{
	struct answer *answer = request->answer;
	const struct check *check = request->flight->check;

	for (size_t i = 0; i < check->expect.header_count; i++)
		if (http_field_is(field, check->expect.header[i].name) &&
		    is_wanted(answer, i, &check->expect.header[i], field))
			answer->headers_found |= 1ull << i;
	if (check->follow && !answer->location && field->value_size < LOCATION_MOST &&
	    http_field_is(field, "location"))
		answer->location = strndup(field->value, field->value_size);
}

static void forget_fields(struct answer *answer)
{
	answer->headers_found = 0;
	answer->said[0] = '\0';
	free(answer->location);
	answer->location = NULL;
}

static bool judge_fields(struct http_request *request)
{
	struct answer *answer = request->answer;
	const struct http_expect *expect = &request->flight->check->expect;

	for (size_t i = 0; i < expect->header_count; i++) {
		if (answer->headers_found & 1ull << i)
			continue;
		if (!*answer->said || answer->unwanted != i)
			snprintf(answer->said, sizeof(answer->said), "no header %s",
				 expect->header[i].name);
		return decide(answer, mismatch(answer, http_status(request)));
	}
	return true;
}

static bool headers_end(struct http_request *request)
{
	struct answer *answer = request->answer;
	const struct check *check = request->flight->check;
	uint16_t status = http_status(request);
	struct outcome outcome = outcome_of_status(check, status);

	if (status < 200) { /* interim: the real ones follow */
		forget_fields(answer);
		return true;
	}
	answer->headers_done = true;
	if (answer->location && http_status_redirects(status))
		return decide(answer, outcome);
	free(answer->location);
	answer->location = NULL;
	if (outcome.reason != REASON_PASSED)
		return decide(answer, outcome) || request->flight->look;
	return judge_fields(request) || request->flight->look;
}

static bool got_header(struct http_request *request, const char *line, size_t size)
{
	struct answer *answer = request->answer;
	struct http_field field;

	answer->header_bytes += (uint32_t)size;
	if (answer->header_bytes > HTTP_HEADERS_MOST)
		return decide(answer, too_large("headers larger than 64KiB"));
	if (answer->headers_done) /* trailers */
		return true;
	if (line[0] == '\r' || line[0] == '\n')
		return headers_end(request);
	if (http_field_parse(line, size, &field))
		note_field(request, &field);
	return true;
}

/* ---- body ----------------------------------------------------------------------------------- */

/* False when out of memory. */
static bool digest_add(struct answer *answer, const char *bytes, size_t size)
{
	if (!answer->digest) {
		answer->digest = EVP_MD_CTX_new();
		if (!answer->digest || !EVP_DigestInit_ex(answer->digest, EVP_sha256(), NULL))
			return false;
	}
	return EVP_DigestUpdate(answer->digest, bytes, size);
}

static bool is_searched(const struct check *check)
{
	return check->expect.body_regex || check->expect.not_regex;
}

static bool keep(struct http_request *request, const char *bytes, size_t size)
{
	struct answer *answer = request->answer;

	if (answer->body_bytes > SEARCHED_MOST)
		return decide(answer, too_large("body larger than 64KiB, too large to be searched"));
	if (http_keep(request, bytes, size))
		return true;
	return decide(answer, outcome_of_error(STEP_REPLY, ENOMEM));
}

static bool got_body(struct http_request *request, const char *bytes, size_t size)
{
	struct answer *answer = request->answer;

	answer->body_bytes += (uint32_t)size;
	if (answer->decided) /* it is read for who looks on */
		return answer->body_bytes < TRANSCRIPT_TEXT;
	if (answer->body_bytes > BODY_MOST)
		return decide(answer, too_large("reply larger than 1MiB"));
	if (request->flight->check->expect.sha256 && !digest_add(answer, bytes, size))
		return decide(answer, outcome_of_error(STEP_REPLY, ENOMEM));
	return !is_searched(request->flight->check) || keep(request, bytes, size);
}

/* NULL, or what is wrong with the body, before the expression. */
static const char *search(const struct http_request *request, const struct pattern *pattern,
			  enum match_found wanted, const char *wrong)
{
	uint64_t work = 0;
	enum match_found found;

	if (!pattern)
		return NULL;
	found = pattern_search(pattern, (const uint8_t *)(request->kept ? request->kept : ""),
			       request->kept_size, &work);
	if (found == MATCH_LIMIT)
		return "it takes too long to search the body for";
	return found == wanted ? NULL : wrong;
}

static struct outcome judge_patterns(const struct http_request *request)
{
	const struct http_expect *expect = &request->flight->check->expect;
	const struct patterns *patterns = request->flight->patterns;
	struct answer *answer = request->answer;
	const char *expression = expect->body_regex, *wrong;
	struct text said = text_of(answer->said, sizeof(answer->said));

	wrong = search(request, patterns->wanted, MATCH_FOUND, "body lacks");
	if (!wrong) {
		wrong = search(request, patterns->unwanted, MATCH_NONE, "body has");
		expression = expect->not_regex;
	}
	if (!wrong)
		return outcome_of_status(request->flight->check, http_status(request));
	text_add(&said, "%s /%s/", wrong, expression);
	return mismatch(answer, http_status(request));
}

static struct outcome judge_digest(struct answer *answer, const char *wanted, uint16_t status)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct text said = text_of(answer->said, sizeof(answer->said));

	if (!digest_add(answer, "", 0) || !EVP_DigestFinal_ex(answer->digest, digest, NULL))
		return outcome_of_error(STEP_REPLY, ENOMEM);
	if (http_digest_is(digest, wanted))
		return (struct outcome){
			.reason = REASON_PASSED, .step = STEP_REPLY, .status = status};
	text_add(&said, "sha256 of the body is ");
	for (size_t i = 0; i < 32; i++)
		text_add(&said, "%02x", digest[i]);
	return mismatch(answer, status);
}

static struct outcome judge_answer(struct http_request *request)
{
	const struct check *check = request->flight->check;
	struct outcome outcome = outcome_of_status(check, http_status(request));

	if (check->expect.sha256)
		outcome = judge_digest(request->answer, check->expect.sha256, http_status(request));
	if (outcome.reason == REASON_PASSED && is_searched(check))
		outcome = judge_patterns(request);
	return outcome;
}

/* ---- how it ended --------------------------------------------------------------------------- */

static struct outcome judge(struct http_request *request, CURLcode code)
{
	const struct answer *answer = request->answer;

	if (answer->decided)
		return answer->outcome;
	if (code == CURLE_OK && answer->headers_done)
		return judge_answer(request);
	return http_broken(request, code, answer->headers_done);
}

/* ---- redirects ------------------------------------------------------------------------------ */

/* Makes `out` one part of a URL; NULL when the URL has none. */
static bool url_part(CURLU *url, CURLUPart part, char **out)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(url, part, &text, 0);

	*out = text ? strdup(text) : NULL;
	curl_free(text);
	return !code || code == CURLUE_NO_QUERY || code == CURLUE_NO_PORT;
}

/* "path?query" and "host:port" of a URL; false when out of memory. */
static bool url_split(CURLU *url, char **target, char **host)
{
	char *path = NULL, *query = NULL, *name = NULL, *port = NULL;
	bool fine = url_part(url, CURLUPART_PATH, &path) &&
		    url_part(url, CURLUPART_QUERY, &query) &&
		    url_part(url, CURLUPART_HOST, &name) &&
		    url_part(url, CURLUPART_PORT, &port) && path && name &&
		    asprintf(target, "%s%s%s", path, query ? "?" : "", query ? query : "") >= 0;

	if (fine && asprintf(host, "%s%s%s", name, port ? ":" : "", port ? port : "") < 0) {
		free(*target);
		fine = false;
	}
	free(path);
	free(query);
	free(name);
	free(port);
	return fine;
}

static const char *scheme_of(const struct check *check)
{
	return check->scheme == HTTP_SCHEME_HTTPS ? "https" : "http";
}

/* Where the answer sends to, seen from where it came from. CURLUE_OK, or what is wrong with it. */
static CURLUcode url_resolve(const struct http_request *request, CURLU *url)
{
	const struct answer *answer = request->answer;
	const struct check *check = request->flight->check;
	const char *host = answer->host ? answer->host : http_host(check);
	char *base, where[ENDPOINT_TEXT];
	CURLUcode code;

	if (asprintf(&base, "%s://%s%s", scheme_of(check),
		     host ? host : endpoint_format(&request->flight->target, where),
		     answer->target ? answer->target : check->path) < 0)
		return CURLUE_OUT_OF_MEMORY;
	code = curl_url_set(url, CURLUPART_URL, base, CURLU_PATH_AS_IS);
	free(base);
	if (!code)
		code = curl_url_set(url, CURLUPART_URL, answer->location, CURLU_URLENCODE);
	return code;
}

static bool is_scheme(CURLU *url, const char *wanted)
{
	char *scheme = NULL;
	bool same = url_part(url, CURLUPART_SCHEME, &scheme) && scheme && !strcmp(scheme, wanted);

	free(scheme);
	return same;
}

/* Notes where it goes; false when it was there before. */
static bool note_place(struct answer *answer, const char *target, const char *host)
{
	uint64_t place = text_hash(TEXT_HASH, target, strlen(target));

	place = text_hash(place, host, strlen(host));
	for (size_t i = 0; i < answer->redirects; i++)
		if (answer->been[i] == place)
			return false;
	answer->been[answer->redirects++] = place;
	return true;
}

static struct outcome lost(struct answer *answer, const char *how)
{
	snprintf(answer->said, sizeof(answer->said), "redirect %s: %s", how, answer->location);
	text_clean(answer->said);
	return (struct outcome){
		.reason = REASON_MISMATCH, .step = STEP_REPLY, .fault = answer->said};
}

/* Puts the next place into the answer. PASSED: go there. */
static struct outcome next_place(struct http_request *request, CURLU *url)
{
	struct answer *answer = request->answer;
	char *target, *host;
	CURLUcode code = url ? url_resolve(request, url) : CURLUE_OUT_OF_MEMORY;

	if (code == CURLUE_OUT_OF_MEMORY)
		return outcome_of_error(STEP_REPLY, ENOMEM);
	if (code)
		return lost(answer, "to no URL");
	if (!is_scheme(url, scheme_of(request->flight->check)))
		return lost(answer, "to another scheme");
	if (answer->redirects == REDIRECTS_MOST)
		return lost(answer, "after 8 redirects");
	if (!url_split(url, &target, &host))
		return outcome_of_error(STEP_REPLY, ENOMEM);
	free(answer->target);
	free(answer->host);
	answer->target = target;
	answer->host = host;
	if (!note_place(answer, target, host))
		return lost(answer, "in a circle");
	return (struct outcome){.reason = REASON_PASSED};
}

static void follow(struct http_request *request)
{
	struct answer *answer = request->answer;
	uint16_t status = http_status(request);
	CURLU *url = curl_url();
	struct outcome outcome = next_place(request, url);

	curl_url_cleanup(url);
	if (outcome.reason != REASON_PASSED) {
		flight_end(request->flight, &outcome);
		return;
	}
	answer->without_body |= http_status_drops_body(status, request->flight->check->method);
	answer->headers_done = answer->decided = false;
	answer->header_bytes = 0;
	forget_fields(answer);
	http_reset(request);
	http_begin(request->flight);
}

static void http_done(struct http_request *request, CURLcode code)
{
	struct answer *answer = request->answer;
	struct outcome outcome;

	if (answer->location && answer->headers_done) {
		follow(request);
		return;
	}
	outcome = judge(request, code);
	flight_end(request->flight, &outcome);
}

bool http_has_words(const struct check *check)
{
	return check->expect.header_count || check->expect.sha256 || is_searched(check) ||
	       check->follow ||
	       check->scheme == HTTP_SCHEME_HTTPS;
}

/* ---- the type ------------------------------------------------------------------------------- */

static bool fill(struct http_request *request)
{
	const struct answer *answer = request->answer;

	return http_fill(request, answer->target, answer->host, answer->without_body);
}

static const struct http_user USER = {
	.fill = fill, .header = got_header, .body = got_body, .done = http_done};

static void answer_free(struct answer *answer)
{
	EVP_MD_CTX_free(answer->digest);
	free(answer->location);
	free(answer->target);
	free(answer->host);
	memset(answer, 0, sizeof(*answer));
}

static void http_stop(struct flight *flight)
{
	struct http_request *request = flight->request;

	if (!request)
		return;
	flight->request = NULL;
	answer_free(request->answer);
	http_give_back(request);
}

static void *client_new(struct loop *loop)
{
	return http_client_new(loop, &USER, sizeof(struct answer));
}

/* The deadline may come while the rest of an answer is read that is judged already. */
static struct outcome expired(const struct flight *flight)
{
	const struct http_request *request = flight->request;
	const struct answer *answer = request ? request->answer : NULL;

	return answer && answer->decided ? answer->outcome : http_expired(flight);
}

const struct probe_type probe_http = {
	.client_new = client_new,
	.client_free = http_client_free,
	.start = http_begin,
	.stop = http_stop,
	.expired = expired,
};
