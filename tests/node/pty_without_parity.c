/* A pty has no parity, and the C library refuses to ask it for one: loaded before a program, this asks for none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <termios.h>

int tcsetattr(int port, int when, const struct termios *wanted)
{
    int (*set)(int, int, const struct termios *) = dlsym(RTLD_NEXT, "tcsetattr");
    struct termios plain = *wanted;

    plain.c_cflag &= ~(tcflag_t)PARENB;
    return set(port, when, &plain);
}
