/*
 * world_fiber.c - a worker's code on a stack of its own, so that it can stand still between any two lines
 *
 * A process that gets SIGSTOP stops in the middle of what it does, and goes on
 * from there when the world has changed.  Only worlds that have such a stop in
 * store run on fibers; the others call the code as it is.
 */
#include "simulation/world_parts.h"

#include <stdlib.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)   ((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(saved, bottom, size) ((void)(saved), (void)(bottom), (void)(size))
#endif

#define STACK ((size_t)256 * 1024)

struct fiber {
	ucontext_t world, own;
	char *stack;
	node_fn *fn;
	void *arg;
	bool done;
	/* what ASan wants to know of a stack that is left */
	void *world_fake, *own_fake;
	const void *world_stack;
	size_t world_size;
};

static void begin(void)
{
	struct node *n = the_world->running;
	struct fiber *f = n->fiber;

	__sanitizer_finish_switch_fiber(NULL, &f->world_stack, &f->world_size);
	f->fn(n, f->arg);
	f->done = true;
	__sanitizer_start_switch_fiber(NULL, f->world_stack, f->world_size);
}

/* True: it has come to its end. */
static bool enter(struct node *n)
{
	struct fiber *f = n->fiber;

	__sanitizer_start_switch_fiber(&f->world_fake, f->stack, STACK);
	swapcontext(&f->world, &f->own);
	__sanitizer_finish_switch_fiber(f->world_fake, NULL, NULL);
	if (!f->done)
		return false;
	n->fiber = NULL;
	free(n->world->spare_stack);
	n->world->spare_stack = f->stack; /* the next one's */
	free(f);
	return true;
}

bool fiber_run(struct node *n, node_fn *fn, void *arg)
{
	struct fiber *f = must_calloc(1, sizeof(*f));

	f->stack = n->world->spare_stack ? n->world->spare_stack : must_calloc(1, STACK);
	n->world->spare_stack = NULL;
	f->fn = fn;
	f->arg = arg;
	getcontext(&f->own);
	f->own.uc_stack.ss_sp = f->stack;
	f->own.uc_stack.ss_size = STACK;
	f->own.uc_link = &f->world;
	makecontext(&f->own, begin, 0);
	n->fiber = f;
	return enter(n);
}

bool fiber_go_on(struct node *n)
{
	return enter(n);
}

void fiber_stop(struct node *n)
{
	struct fiber *f = n->fiber;

	__sanitizer_start_switch_fiber(&f->own_fake, f->world_stack, f->world_size);
	swapcontext(&f->own, &f->world);
	__sanitizer_finish_switch_fiber(f->own_fake, &f->world_stack, &f->world_size);
}
