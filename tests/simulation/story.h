/*
 * story.h - what the simulation's stories begin and end with, and what happens in them at a moment
 *
 * In a story's world every delay is the same, there are no faults but those that
 * it asks for, and one partition unless it asks for more.
 */
#ifndef STORY_H
#define STORY_H

#include "simulation/world_parts.h"

struct world *story_make(struct world_rules rules); /* until all have joined and all is taken */
struct world *story_workers(int n);
void story_end(struct world *w); /* settles it: a broken promise fails the test */
void story_starts_with(const char *text, const char *start);
uint64_t story_number(const char *name, uint64_t otherwise); /* of the environment */

/* for world_when() */
void killed(struct world *w, struct node *n);
void sleeps_shortly(struct world *w, struct node *n); /* longer than dial.bound, shorter than a session */
void sleeps_long(struct world *w, struct node *n);    /* longer than a session */
void rebalanced(struct world *w, struct node *n);
void redis_leaves(struct world *w, struct node *n);
void redis_restarts(struct world *w, struct node *n);
void kafka_sticks(struct world *w, struct node *n);

#endif
