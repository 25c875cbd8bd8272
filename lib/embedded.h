/* embedded.h - text files compiled into the program by local/embed.sh */
#ifndef EMBEDDED_H
#define EMBEDDED_H

struct embedded {
	const char *name; /* path in the tree: "schemas/CallCommand.avsc" */
	const char *text;
};

/* Each ends with an entry whose name is NULL. */
extern const struct embedded embedded_schemas[];   /* schemas/X.avsc and schemas/history/X.N.avsc */
extern const struct embedded embedded_scripts[];   /* worker/scripts/X.lua; in the worker only */
extern const struct embedded embedded_documents[]; /* openapi.json; in the producer only */

#endif
