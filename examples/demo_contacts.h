/* demo_contacts.h - who is to be called: name,number,note from a CSV file */
#ifndef DEMO_CONTACTS_H
#define DEMO_CONTACTS_H

#include <stddef.h>

struct contact {
	char *name;
	char *number; /* E.164 */
	char *note;
};

struct contacts {
	struct contact *list;
	size_t count;
};

#define CONTACTS_MAX 100000

/* 0, or a negative errno; then `why` names file and line, and *out is empty. */
int contacts_read(struct contacts *out, const char *path, char *why, size_t size);
void contacts_free(struct contacts *c);

#endif
