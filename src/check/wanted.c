#include "check/wanted.h"

#include "base/text.h"
#include "config/model.h"
#include "config/schema.h"

static void want_http(struct text *out, const struct http_expect *expect)
{
	text_add(out, "status ");
	for (size_t i = 0; i < expect->status_count; i++) {
		text_add(out, "%s%u", i ? ", " : "", expect->status[i].first);
		if (expect->status[i].last != expect->status[i].first)
			text_add(out, "-%u", expect->status[i].last);
	}
	if (!expect->status_count)
		text_add(out, "200-299");
	for (size_t i = 0; i < expect->header_count; i++)
		text_add(out, ", header %s: %s", expect->header[i].name, expect->header[i].value);
	if (expect->body_regex)
		text_add(out, ", a body with /%s/", expect->body_regex);
	if (expect->not_regex)
		text_add(out, ", a body without /%s/", expect->not_regex);
	if (expect->sha256)
		text_add(out, ", a body of SHA-256 %s", expect->sha256);
}

static void want_tls(struct text *out, const struct tls_options *tls)
{
	text_add(out, tls->verify ? "a certificate that is valid" : "any certificate");
	if (tls->verify)
		text_add(out, tls->sni ? " for %s" : " for the address", tls->sni);
	if (tls->min_days_left)
		text_add(out, ", for at least %u day%s", tls->min_days_left,
			 tls->min_days_left == 1 ? "" : "s");
	for (size_t i = 0; i < tls->alpn_count; i++)
		text_add(out, "%s%s", i ? " or " : ", alpn ", tls->alpn[i]);
}

static void want_dns(struct text *out, const struct dns_expect *expect)
{
	const struct schema_word *word = schema_find(&schema_dns_expect, "rcode")->words;
	char address[ADDR_TEXT];
	const char *between = "";

	for (; word->text; word++)
		if (expect->rcodes & word->value) {
			text_add(out, "%s%s", between, word->text);
			between = " or ";
		}
	for (size_t i = 0; i < expect->address_count; i++)
		text_add(out, "%s%s", i ? " and " : ", with ",
			 addr_format(&expect->addresses[i], address));
}

static void want_bytes(struct text *out, const struct check *check, const char *otherwise)
{
	if (check->expect_bytes)
		text_add(out, "a reply with \"%s\"", check->expect_bytes);
	else if (check->expect_regex)
		text_add(out, "a reply that /%s/ matches", check->expect_regex);
	else
		text_add(out, "%s", otherwise);
}

static void want_mail(struct text *out, const struct check *check)
{
	text_add(out, "a greeting and an answer to EHLO%s", check->starttls ? ", also inside TLS with " : "");
	if (check->starttls)
		want_tls(out, &check->tls);
}

static const char *want_simply(const struct check *check)
{
	switch (check->type) {
	case CHECK_SCRIPT:
		return check->weight_from_exit ? "exit status 0, or 2 to 255 as a weight" : "exit status 0";
	case CHECK_FILE:
		return check->weight_from_file ? "a file whose first line tells a weight"
					       : "a file that does not say down";
	case CHECK_AGENT:
		return "a line with a weight, drain, maint, ready, up, down or maxconn";
	case CHECK_REDIS:
		return "+PONG";
	case CHECK_MYSQL:
	case CHECK_POSTGRESQL:
		return check->account ? "a login" : "any answer of its protocol";
	case CHECK_LDAP:
		return "an answer to the bind";
	case CHECK_GRPC:
		return "SERVING";
	case CHECK_TCP:
	case CHECK_UDP:
	case CHECK_HTTP:
	case CHECK_TLS:
	case CHECK_DNS:
	case CHECK_SMTP:
	case CHECK_PROCESS:
	case CHECK_ICMP:
	case CHECK_TYPES:
		break;
	}
	return "";
}

const char *wanted_describe(const struct check *check, char *out, size_t size)
{
	struct text text = text_of(out, size);

	if (check->type == CHECK_HTTP)
		want_http(&text, &check->expect);
	else if (check->type == CHECK_TLS)
		want_tls(&text, &check->tls);
	else if (check->type == CHECK_DNS)
		want_dns(&text, &check->dns.expect);
	else if (check->type == CHECK_TCP)
		want_bytes(&text, check, "a connection");
	else if (check->type == CHECK_UDP)
		want_bytes(&text, check, check->require_reply ? "a reply" : "nobody who says that it cannot be delivered");
	else if (check->type == CHECK_SMTP)
		want_mail(&text, check);
	else if (check->type == CHECK_PROCESS)
		text_add(&text, "%u or more of %s", check->count, check->process);
	else if (check->type == CHECK_ICMP)
		text_add(&text, "%u of %u replies", check->count, check->count);
	else
		text_add(&text, "%s", want_simply(check));
	text_clean(out);
	return out;
}
