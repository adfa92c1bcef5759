/* Adverts of keepalived 2.2.7, captured from a veth without their Ethernet header: virtual router
 * 51, priority 150, interval 1 s, two addresses. IPv4 ones list 192.168.8.200 and .201 and come
 * from 192.168.8.10; IPv6 ones list fe80::200 and fd00::200. */
#ifndef LBHA_TESTS_VRRP_CAPTURED_H
#define LBHA_TESTS_VRRP_CAPTURED_H

#include <stddef.h>
#include <stdint.h>

#define V3_IPV4                                                                                    \
	"45c0002400010000ff7011e4c0a8080ae0000012"                                                \
	"313396020064fc3dc0a808c8c0a808c9"
#define V3_IPV4_PRIORITY_0                                                                         \
	"45c0002400040000ff7011e1c0a8080ae0000012"                                                \
	"313300020064923ec0a808c8c0a808c9"
#define V3_IPV4_UNICAST /* to 192.168.8.11 */                                                      \
	"45c0002400010000ff702943c0a8080ac0a8080b"                                                 \
	"313396020064139dc0a808c8c0a808c9"
#define V2_NONE                                                                                    \
	"45c0002c00010000ff7011dcc0a8080ae0000012"                                                 \
	"213396020001b5e6c0a808c8c0a808c90000000000000000"
#define V2_PASS /* "secret" */                                                                     \
	"45c0002c00010000ff7011dcc0a8080ae0000012"                                                 \
	"213396020101789ac0a808c8c0a808c97365637265740000"
#define V2_AH /* "secret", counter 1 */                                                            \
	"45c0004400010000ff331201c0a8080ae0000012"                                                 \
	"70040000c0a8080a00000001b5db9c8af8e6730ce635b544"                                         \
	"213396020201b3e6c0a808c8c0a808c90000000000000000"
#define V2_AH_UNICAST /* "longpass", counter 1, to 192.168.8.11 */                                 \
	"45c0004400010000ff332960c0a8080ac0a8080b"                                                 \
	"70040000c0a8080a00000001fcba238f4ae2849e9c3e09e4"                                         \
	"213396020201b3e6c0a808c8c0a808c90000000000000000"
#define V3_IPV6 /* from fe80::ff:fe00:a to ff02::12 */                                             \
	"6c0e6451002870fffe80000000000000000000fffe00000a"                                        \
	"ff020000000000000000000000000012"                                                         \
	"3133960200643bacfe800000000000000000000000000200fd000000000000000000000000000200"
#define V3_IPV6_UNICAST /* from fd00::10 to fd00::11, hop limit 64 */                              \
	"6c07e2ae00287040fd000000000000000000000000000010"                                         \
	"fd000000000000000000000000000011"                                                         \
	"3133960200643e29fe800000000000000000000000000200fd000000000000000000000000000200"

static inline int hex_digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Bytes of a text as above; returns how many. */
static inline size_t unhex(const char *text, uint8_t *out)
{
	size_t count = 0;

	for (; *text; text += 2)
		out[count++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	return count;
}

#endif
