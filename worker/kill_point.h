/*
 * kill_point.h - places where a test build kills or stops itself, by name
 *
 * KILL_POINT("saved") is nothing unless the build has -DCALLCAST_KILL_POINTS.
 * There it counts its passages, and at the nth of an armed name the worker
 * raises SIGKILL, or SIGSTOP, on itself.  Armed by CALLCAST_KILL_POINT, or while
 * it runs by the file that CALLCAST_KILL_POINT_FILE names; both hold
 * "<name>[:<nth>[:stop]]".  The file is removed when it has done its work, and
 * "<name> <kill|stop> <pid> <us UTC>" is appended to CALLCAST_KILL_POINT_LOG.
 *
 * Points that can't lie behind a send say "before": what is asked of Redis or
 * Kafka leaves in a later turn of the loop, or on a thread.
 */
#ifndef KILL_POINT_H
#define KILL_POINT_H

#ifdef CALLCAST_KILL_POINTS
void kill_point(const char *name);
#define KILL_POINT(name) kill_point(name)
#else
#define KILL_POINT(name) ((void)0)
#endif

#endif
