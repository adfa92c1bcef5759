/* See page.h. */
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>

#include "base/cleanup.h"
#include "exporter/http.h"
#include "exporter/page.h"
#include "exporter/page_assets.h"
#include "exporter/shared.h"

/* Nothing but our own files, and no text of anybody's can become markup. */
#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
	"require-trusted-types-for 'script'; trusted-types 'none'"

static const struct page_asset *asset_of(struct evhttp_request *request)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	const struct page_asset *asset = page_assets;

	while (asset->path && strcmp(asset->path, path) != 0)
		asset++;
	return asset;
}

static struct shared *copy_of(const struct page_asset *asset)
{
	char *copy = malloc(asset->size);

	if (copy)
		memcpy(copy, asset->bytes, asset->size);
	return shared_new(copy, asset->size);
}

/* Whether the client has this very file. The header may be a list, of which browsers send one. */
static bool is_known(struct evhttp_request *request, const struct page_asset *asset)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *known = evhttp_find_header(headers, "If-None-Match");

	return known && strstr(known, asset->tag);
}

void page_file_route(UNUSED void *ctx, struct evhttp_request *request)
{
	const struct page_asset *asset = asset_of(request);
	struct shared *body;

	http_header(request, "Content-Security-Policy", POLICY);
	http_header(request, "Cache-Control", "no-cache");
	http_header(request, "ETag", asset->tag);
	if (is_known(request, asset)) {
		evhttp_send_reply(request, 304, "Not Modified", NULL);
		return;
	}
	body = copy_of(asset);
	if (body)
		http_reply(request, 200, asset->type, body);
	else
		http_reply_text(request, 503, "out of memory\n");
	shared_drop(body);
}
