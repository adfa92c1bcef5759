#include "test_ipvs.h"

struct ipvs_service_key test_key(const char *text, uint8_t protocol)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse(text, &endpoint), 0);
	return (struct ipvs_service_key){
		.address = endpoint.address, .port = endpoint.port, .protocol = protocol};
}

struct ipvs_dest test_dest(const char *text, uint32_t weight)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse(text, &endpoint), 0);
	return (struct ipvs_dest){.key = {.address = endpoint.address, .port = endpoint.port},
				  .attr = {.forwarding = IPVS_FORWARD_DR, .weight = weight}};
}

int main(void)
{
	return SUITE_RUN("ipvs", ipvs_carry_case(), ipvs_codec_case(), ipvs_contest_case(), ipvs_desired_case(),
			 ipvs_plan_case(),
			 ipvs_drain_case(), ipvs_nft_case(), ipvs_policy_case(), ipvs_state_case(),
			 ipvs_sync_case(),
			 ipvs_sysctls_case(), ipvs_told_case(), ipvs_traffic_case(),
			 ipvs_ways_case());
}
