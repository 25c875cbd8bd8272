/* verdict.c - see verdict.h */
#include "verdict.h"

enum verdict verdict_of(int status, bool refused)
{
	if (refused)
		return VERDICT_GIVE_UP;
	if (status >= 200 && status < 300)
		return VERDICT_DELIVERED;
	switch (status) {
	case 0:   /* no connection, no answer, broken off */
	case 408: /* request timeout */
	case 425: /* too early */
	case 429: /* too many */
		return VERDICT_RETRY;
	case 410:
		return VERDICT_GONE;
	}
	/* a redirect is not followed: it could lead inside, and it is the app's to mend */
	return status >= 500 ? VERDICT_RETRY : VERDICT_GIVE_UP;
}

int64_t verdict_delay(int tries, int64_t first, int64_t most, int64_t retry_after, uint32_t dice)
{
	int64_t delay = first;

	if (retry_after >= 0)
		return retry_after < most ? retry_after : most;
	for (int i = 1; i < tries && delay < most; i++)
		delay *= 2;
	delay += delay * ((int64_t)(dice % 401) - 200) / 1000;
	return delay < most ? delay : most;
}
