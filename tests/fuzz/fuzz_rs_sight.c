/* What lbha-rs doctor reads from others: frames from the segment, and rules (as iptables-save or arptables-save list
 * them), judged for a service with a tunnel. The first byte chooses. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/firewall_save.h"
#include "net/frame.h"
#include "rs-agent/doctor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const char *text, enum firewall_family family)
{
	static struct link links[] = {{.index = 1, .name = "lo", .up = true, .loopback = true},
				      {.index = 2, .name = "eth0", .up = true, .arp = true}};
	struct arena *arena = arena_new(0);
	struct doctor_vip vip = {.forwarding = FORWARDING_TUNNEL};
	struct doctor_port port = {.protocol = PROTOCOL_TCP, .service = "web"};
	struct doctor_case wanted = {.vips = &vip, .vip_count = 1, .ports = &port, .port_count = 1, .setup = "setup"};
	struct doctor_sight sight = {.links = links, .link_count = 2, };
	struct doctor_findings findings;

	if (!arena || firewall_read_save(arena, text, family, FIREWALL_IPTABLES, &sight.firewall) ||
	    addr_parse("192.168.8.200", &vip.address) || addr_parse("192.168.8.20", &vip.local) ||
	    endpoint_parse("192.168.8.200:80", &port.at) || doctor_ways(arena, &wanted, &sight) ||
	    doctor_questions(arena, &wanted, &sight) || doctor_judge(arena, &wanted, &sight, &findings) ||
	    !findings.count)
		abort();
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr address = {0};
	uint8_t mac[LINK_MAC];
	char *text;

	if (!size)
		return 0;
	if (*data == 'f') {
		if (!frame_read_answer(data + 1, size - 1, &address, mac) && !addr_size(address.family))
			abort();
		return 0;
	}
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		abort();
	judge(text, *data == 'a' ? FIREWALL_ARP : FIREWALL_IPV4);
	free(text);
	return 0;
}
