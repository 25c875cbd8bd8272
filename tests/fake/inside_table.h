/*
 * inside_table.h - how the inside of the network can be spelt
 *
 * One table for both ends: what the door says of each spelling (callback.h), and what
 * the poster does when it is given the spelling all the same.
 */
#ifndef INSIDE_TABLE_H
#define INSIDE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct inside_row {
	const char *uri;
	const char *door; /* is in what the door says; NULL: a name, which is not looked up there */
	const char *
	        answers; /* what a look-up of any name gives: addresses with blanks between; NULL: no such name */
	bool unread;     /* libcurl takes it for no URI, and asks for no socket */
};

extern const struct inside_row inside_table[];
extern const size_t inside_table_count;

#endif
