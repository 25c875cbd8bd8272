/*
 * http_date.h - "Thu, 22 Apr 2021 08:00:00 GMT": the one form of date that the API's clients send
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <stdint.h>

/* Microseconds since 1970.  -EINVAL: not an IMF-fixdate (the name of the day is checked too). */
int http_date_parse(int64_t *out, const char *text);

#endif
