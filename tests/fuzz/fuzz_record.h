/*
 * fuzz_record.h - what the fuzzers of Avro records share
 *
 * An input is a framed record, as Kafka and Redis hold it; or a digit and a body, for nobody guesses a
 * fingerprint: then the frame of that version's schema is put before it, 0 being the newest.
 */
#ifndef FUZZ_RECORD_H
#define FUZZ_RECORD_H

#include "fuzz.h"
#include "records.h"

void fuzz_record_open(void);
/*
 * Refused for a reason that is named, and the record is empty then; or taken: encoded anew and decoded
 * again it has the same bytes, whichever version was read.
 */
void fuzz_record(enum record_type type, const uint8_t *data, size_t size);

#endif
