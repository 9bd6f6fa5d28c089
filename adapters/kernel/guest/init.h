/* What the parts of the guest's first process share. */
#ifndef VFIO_CONFORM_INIT_H
#define VFIO_CONFORM_INIT_H

/* How long what is to come may take. */
#define WAIT_MS 15000

/* Says what is wrong on the console, and powers the machine off. */
void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/*
 * Opens the port when the host has its end open: before that, reading gives
 * an end of file that is none.
 */
int open_port(const char *name);

/* Sends every .gcda file below the folder through the port of that name. */
void hand_over(const char *port, const char *folder);

#endif
