/* The cases of test-ipvs-property. */
#ifndef LBHA_TESTS_PROPERTY_TEST_IPVS_H
#define LBHA_TESTS_PROPERTY_TEST_IPVS_H

#include "../unit/suite.h"

struct arena;
struct model;

/* A model with a few services of a few servers, two probes each. */
struct model *test_random_model(struct arena *arena);

TCase *ipvs_plan_property_case(void);
TCase *ipvs_failures_property_case(void);
TCase *ipvs_state_property_case(void);
TCase *ipvs_drain_property_case(void);
TCase *ipvs_reading_property_case(void);

#endif
