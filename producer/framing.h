/*
 * framing.h - requests whose ends two readers could see in different places are refused
 *
 * A proxy in front and this server must agree where a request ends (RFC 9112,
 * section 6.3); the library accepts what they could disagree on.
 */
#ifndef FRAMING_H
#define FRAMING_H

struct MHD_Connection;

/* NULL: fine.  Else what is wrong, as a message. */
const char *framing_fault(struct MHD_Connection *c);

#endif
