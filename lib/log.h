/*
 * log.h - one line per thing that happened, on stderr
 *
 * A line reads `<time> <level> <subject>.<verb> key=value ...` and names the
 * call or leg it is about first, so that `grep call=<id>` tells the whole story
 * of one call.  Nothing secret and no whole phone number goes in: use
 * log_number() for numbers.  Safe from any thread.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

extern enum log_level log_threshold;

/* -EINVAL: no such level.  Takes "debug", "info", "warn", "error". */
int log_level_parse(enum log_level *out, const char *name);

/* Control characters in the finished line are shown as '?'.  Keeps errno. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#define LOG_NUMBER_SIZE 24
/*
 * "+46701234567" becomes "+46*******67": country code (at most 3 digits) and
 * last two digits stay.  Anything that is no phone number keeps its last two
 * characters.  Returns out.
 */
const char *log_number(char out[LOG_NUMBER_SIZE], const char *number);

#endif
