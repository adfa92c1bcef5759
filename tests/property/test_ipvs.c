#include "random.h"
#include "test_ipvs.h"

int main(void)
{
	random_seed();
	return SUITE_RUN("ipvs-property", ipvs_plan_property_case(), ipvs_failures_property_case(),
			 ipvs_state_property_case(), ipvs_drain_property_case(),
			 ipvs_reading_property_case());
}
