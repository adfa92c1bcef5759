/* The URL has the numeric target, so nothing is resolved; what is asked for goes as a request target, which
 * libcurl sends as it is. The check's own headers win over ours. Nothing here may outlive the call: a reload
 * replaces the check while its probe flies. */
#include "check/http_request_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/flight_io.h"
#include "check/http_client_io.h"
#include "config/model.h"

#define SCHEME_HTTPS ":scheme: https" /* of HTTP/2: libcurl sees no TLS */
#define URL_ROOM (sizeof("http:///") + ENDPOINT_TEXT)

static bool add_header(struct http_request *request, const char *line)
{
	struct curl_slist *longer = curl_slist_append(request->headers, line);

	if (longer)
		request->headers = longer;
	return longer != NULL;
}

/* "name: value", or libcurl's form "name;" for an empty value. */
static bool add_field(struct http_request *request, const char *name, const char *value)
{
	size_t room = strlen(name) + strlen(value) + 3;
	char *line = malloc(room);
	bool added;

	if (!line)
		return false;
	snprintf(line, room, *value ? "%s: %s" : "%s;%s", name, value);
	added = add_header(request, line);
	free(line);
	return added;
}

static const char *find_header(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->header_count; i++)
		if (!strcasecmp(check->headers[i].name, name))
			return check->headers[i].value;
	return NULL;
}

const char *http_host(const struct check *check)
{
	const char *given = find_header(check, "host");

	return given ? given : check->host;
}

static bool add_own_headers(struct http_request *request, const struct check *check, bool has_host)
{
	bool fine = true;

	for (size_t i = 0; i < check->header_count; i++)
		if (!has_host || strcasecmp(check->headers[i].name, "host"))
			fine = fine && add_field(request, check->headers[i].name,
						 check->headers[i].value);
	return fine;
}

/* "Connection: close" is the truth: one request per connection; HTTP/2 has no such header. libcurl would
 * make up a Content-Type, and wait for a server's consent to a large body. */
static bool set_headers(struct http_request *request, const struct check *check, const char *host)
{
	bool fine = add_own_headers(request, check, host != NULL);

	if (!host && !find_header(check, "host"))
		host = check->host;
	if (host)
		fine = fine && add_field(request, "Host", host);
	if (!find_header(check, "connection") && check->version != HTTP_VERSION_2)
		fine = fine && add_header(request, "Connection: close");
	if (!find_header(check, "content-type"))
		fine = fine && add_header(request, "Content-Type:");
	if (check->version == HTTP_VERSION_2 && check->scheme == HTTP_SCHEME_HTTPS)
		fine = fine && add_header(request, SCHEME_HTTPS);
	if (check->body && !find_header(check, "expect"))
		fine = fine && add_header(request, "Expect:");
	return fine && !curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

/* The body is copied. Methods that have one say so even when theirs is empty. */
static bool set_body(CURL *easy, const char *method, const char *body)
{
	bool sends = !strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH");

	if (!body && !sends)
		return true;
	if (!body)
		body = "";
	return !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body)) &&
	       !curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
}

/* HEAD has no body to wait for. */
static bool set_method(CURL *easy, const struct check *check, bool without_body)
{
	bool head = !strcmp(check->method, "HEAD");
	const char *method = head || !without_body ? check->method : "GET";

	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	return set_body(easy, method, without_body ? NULL : check->body) &&
	       !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, head ? NULL : method);
}

/* Over a plain connection HTTP/2 begins without asking (RFC 9113 section 3.3). */
static bool set_version(CURL *easy, enum http_version version)
{
	static const long VERSIONS[] = {
		[HTTP_VERSION_1_1] = CURL_HTTP_VERSION_1_1,
		[HTTP_VERSION_1_0] = CURL_HTTP_VERSION_1_0,
		[HTTP_VERSION_2] = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
	};

	return !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, VERSIONS[version]);
}

/* Where to, and what is asked for there. */
static bool set_target(CURL *easy, const struct flight *flight, const char *target)
{
	char url[URL_ROOM], where[ENDPOINT_TEXT];

	snprintf(url, sizeof(url), "http://%s/", endpoint_format(&flight->target, where));
	return !curl_easy_setopt(easy, CURLOPT_URL, url) &&
	       !curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, target);
}

bool http_fill(struct http_request *request, const char *target, const char *host,
	       bool without_body)
{
	const struct check *check = request->flight->check;

	return set_target(request->easy, request->flight, target ? target : check->path) &&
	       set_method(request->easy, check, without_body) &&
	       set_version(request->easy, check->version) && set_headers(request, check, host);
}

/* Who is asked is told by the name that TLS asks for, if there is one. */
static bool set_call_headers(struct http_request *request, const struct check *check)
{
	bool fine = add_header(request, "Content-Type: application/grpc") &&
		    add_header(request, "TE: trailers") && add_header(request, "Accept:") &&
		    add_header(request, "Expect:");

	if (check_speaks_tls(check))
		fine = fine && add_header(request, SCHEME_HTTPS);
	if (check_speaks_tls(check) && check->tls.sni)
		fine = fine && add_field(request, "Host", check->tls.sni);
	return fine && !curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

bool http_fill_call(struct http_request *request, const char *path, const uint8_t *body,
		    size_t size)
{
	CURL *easy = request->easy;

	return set_target(easy, request->flight, path) &&
	       !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)size) &&
	       !curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, (const char *)body) &&
	       set_version(easy, HTTP_VERSION_2) &&
	       set_call_headers(request, request->flight->check);
}
