#define _GNU_SOURCE
#include "runner.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "process.h"

// What an actor other than main does: what main asks of it, until it has to exit or is killed.
static _Noreturn void serve(struct process *process)
{
	struct channel *channel = process->channel;

	for (;;) {
		channel_wait(&channel->processes[process->self].turn);
		switch (channel->task) {
		case TASK_PERFORM:
			if (perform(process, &process->program->ops[channel->at_op]))
				outcome_changed(process, true);
			break;
		case TASK_COMPARE:
			outcome_changed(process, false);
			break;
		case TASK_EXIT:
			_exit(0);
		}
		channel_wake(&channel->processes[0].turn);
	}
}

bool perform_fork(struct process *process, const struct op *op)
{
	struct channel *channel = process->channel;
	const uint32_t number = channel->process_count;
	long pid;

	if (number == MOST_PROCESSES)
		return process_unsupported(process, "there are too many processes");
	channel->processes[number] = (struct actor_process){ .name = op->as };
	// Counted before it lives: a child that dies at once is no stranger to the keeper.
	channel->process_count = number + 1;
	// A child of the keeper, not of this process: only the keeper can tell an exit from a crash while this
	// process waits for its turn.
	pid = fault_call(&process->fault, SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fault_drop(&process->fault); // the parent's own affair
		process->self = number;
		serve(process);
	}
	if (pid < 0) {
		channel->process_count = number;
		outcome_errno(process, errno);
		return true;
	}
	channel->processes[number].pid = (pid_t)pid;
	outcome_value(process, 0);
	return true;
}

static void order(struct channel *channel, uint32_t number, enum task task)
{
	channel->task = task;
	channel_wake(&channel->processes[number].turn);
	channel_wait(&channel->processes[0].turn);
}

// Has a process exit, and waits until it is gone.
static void see_off(struct channel *channel, uint32_t number)
{
	struct actor_process *leaver = &channel->processes[number];

	channel->leaving = leaver->pid;
	channel->task = TASK_EXIT;
	channel_wake(&leaver->turn);
	channel_wait(&channel->left);
	leaver->gone = true;
}

// The living process of that name; -1 if there is none.
static int find(const struct channel *channel, int name)
{
	for (uint32_t i = 0; i < channel->process_count; i++)
		if (channel->processes[i].name == name && !channel->processes[i].gone)
			return (int)i;
	return -1;
}

// Performs one op wherever it belongs, and writes its outcome.
static bool step(struct process *process, const struct op *op)
{
	struct channel *channel = process->channel;
	int actor = find(channel, op->actor);

	if (actor < 0)
		return process_unsupported(process, "there is no process %s", process->program->names[op->actor]);
	if (op->kind == OP_FORK && find(channel, op->as) >= 0)
		return process_unsupported(process, "there is a process %s already", process->program->names[op->as]);
	if (op->kind == OP_EXIT) {
		see_off(channel, (uint32_t)actor);
		outcome_value(process, 0);
	} else if (actor == 0) {
		if (perform(process, op))
			outcome_changed(process, true);
	} else {
		order(channel, (uint32_t)actor, TASK_PERFORM);
	}
	if (channel->end != END_NONE)
		return false;
	for (uint32_t i = 0; i < channel->process_count; i++) {
		if ((int)i == actor || channel->processes[i].gone)
			continue;
		if (i == 0)
			outcome_changed(process, false);
		else
			order(channel, i, TASK_COMPARE);
	}
	if (channel->end != END_NONE)
		return false;
	text_add(&channel->outcomes, channel->changed_open ? "]}" : "}");
	channel->changed_open = false;
	channel->runs = 0;
	if (channel->outcomes.full)
		return process_unsupported(process, "the outcomes are too long");
	channel->published = channel->outcomes.length;
	return true;
}

void runner_run(const struct program *program, const struct slot *const *slots, struct channel *channel)
{
	struct process process = { .program = program, .slots = slots, .channel = channel };

	process.last_memory = &process.memories;
	process.resources = calloc(program->name_count, sizeof(*process.resources));
	if (!process.resources)
		abort();
	channel->processes[0] = (struct actor_process){ .name = program->main, .pid = getpid() };
	channel->process_count = 1;
	for (size_t i = 0; i < program->op_count; i++) {
		channel->at_op = i;
		if (i)
			text_add(&channel->outcomes, ",");
		if (!step(&process, &program->ops[i]))
			return;
	}
	channel->at_op = program->op_count;
	channel->end = END_COMPLETED;
}
