/* The cases of test-ipvs and values they share. */
#ifndef LBHA_TESTS_TEST_IPVS_H
#define LBHA_TESTS_TEST_IPVS_H

#include "ipvs/plan.h"
#include "suite.h"

TCase *ipvs_carry_case(void);
TCase *ipvs_codec_case(void);
TCase *ipvs_contest_case(void);
TCase *ipvs_desired_case(void);
TCase *ipvs_plan_case(void);
TCase *ipvs_policy_case(void);
TCase *ipvs_nft_case(void);
TCase *ipvs_state_case(void);
TCase *ipvs_sync_case(void);
TCase *ipvs_sysctls_case(void);
TCase *ipvs_traffic_case(void);
TCase *ipvs_drain_case(void);
TCase *ipvs_told_case(void);
TCase *ipvs_ways_case(void);

/* "192.168.8.200:80" and a protocol. */
struct ipvs_service_key test_key(const char *endpoint, uint8_t protocol);
struct ipvs_dest test_dest(const char *endpoint, uint32_t weight);

#endif
