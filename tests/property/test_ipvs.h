/* The cases of test-ipvs-property. */
#ifndef LBHA_TESTS_PROPERTY_TEST_IPVS_H
#define LBHA_TESTS_PROPERTY_TEST_IPVS_H

#include "../unit/suite.h"

TCase *ipvs_plan_property_case(void);
TCase *ipvs_failures_property_case(void);
TCase *ipvs_state_property_case(void);
TCase *ipvs_drain_property_case(void);

#endif
