/* Judges: what a value must be beyond its type. Each takes the parsed value (a const char * for
 * texts, else a pointer to the struct) and gives a complaint that completes "KEY: …", or NULL. Used
 * by the rows of config/tables.c. */
#ifndef LBHA_CONFIG_JUDGE_H
#define LBHA_CONFIG_JUDGE_H

const char *judge_text(const void *text); /* printable; lines are fine */
const char *judge_name(
	const void *text); /* of an object: no blanks, at most 63 bytes (facts have room for it) */
const char *
judge_interface(const void *text); /* what the kernel takes: at most 15 bytes, no '/' nor blank */
const char *judge_user(const void *text);
const char *judge_user_group(const void *text); /* or a number of one */
const char *judge_file(const void *text);    /* an absolute path */
const char *judge_bytes(const void *text); /* with escapes, see base/escape.h; not empty */
const char *judge_pattern(const void *text); /* not empty; whether it is one says PCRE2 */
const char *judge_process(const void *text); /* the name of a program, no path */
const char *
judge_scheduler(const void *text); /* could be a scheduler's name (at most 15 of a-z 0-9 _) */
const char *judge_engine(const void *text); /* likewise a persistence engine's */
const char *judge_sysctl(const void *text); /* could be one of net.ipv4.vs */
const char *judge_dns_name(const void *text); /* with or without the last dot; "." is the root */
const char *judge_http_path(const void *text);
const char *judge_http_method(const void *text);
const char *judge_grpc_service(const void *text);
const char *judge_http_host(const void *text);
const char *judge_http_name(const void *text); /* of a header */
const char *judge_http_value(const void *text);
const char *judge_tls_name(const void *text); /* of a server, as SNI has it */
const char *judge_helo(const void *text); /* a domain, or an address in brackets */
const char *judge_alpn(const void *text);
const char *judge_sha256(const void *text);
const char *judge_host_address(const void *address); /* one host: not 0.0.0.0, no group */
const char *judge_way_address(const void *address);  /* one that others can send to: no loopback */
const char *judge_group(const void *address); /* multicast */
const char *judge_vrrp_group(const void *address);
const char *judge_vip(const void *prefix);
const char *judge_secret(const void *text); /* complaints never show it */
const char *judge_secret_file(const void *text);
const char *judge_label(const void *text);   /* of an address */
const char *judge_route(const void *prefix); /* a network without host bits, or family 0: default */
const char *judge_listener(const void *endpoint); /* a port, and an address or all of them */
const char *judge_endpoint(const void *endpoint); /* of one host, with or without a port */

#endif
