/* Any line into the control protocol: it is a request, or a refusal with a reason; the refusal goes
 * out as one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct control_request request;
	char error[CONTROL_ERROR] = "", *answer;

	if (!control_request_parse((const char *)bytes, size, &request, error)) {
		if (!control_request_name(request.kind) ||
		    (request.file[0] && request.file[0] != '/'))
			abort();
		control_request_fini(&request);
		return 0;
	}
	if (!error[0])
		abort();
	answer = control_refusal(error, NULL);
	if (!answer || strchr(answer, '\n') != answer + strlen(answer) - 1)
		abort();
	free(answer);
	return 0;
}
