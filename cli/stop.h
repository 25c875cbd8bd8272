/*
 * stop.h - SIGINT and SIGTERM end a wait, so that what is known can still be said
 *
 * The second of them ends the process.
 */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stdint.h>

void stop_on_signals(void);
bool stop_asked(void);
/* Sleeps for that long (us), or until a signal. */
void stop_sleep(int64_t time);

#endif
