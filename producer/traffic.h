/*
 * traffic.h - what the producer counts: requests by route and status, how long they took, late answers
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "route.h"

void traffic_open(void); /* shows them all from the start */
void traffic_request(enum operation_name route, int status, int64_t took);
void traffic_late(void); /* an answer left after its answerBy */
void traffic_inflight(size_t n);

#endif
