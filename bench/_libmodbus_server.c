/* A plain libmodbus server in C for bench/modbus.py: many connections by poll, the registers of one map. */
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 256

int main(void)
{
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 65535, 0);
    struct pollfd polled[CONNECTIONS];
    int count = 1, listening, port = atoi(getenv("PORT"));
    modbus_free(context);
    context = modbus_new_tcp("127.0.0.1", port);
    listening = modbus_tcp_listen(context, CONNECTIONS);
    if (listening < 0)
        return 1;
    printf("ready\n");
    fflush(stdout);
    polled[0] = (struct pollfd){.fd = listening, .events = POLLIN};
    while (poll(polled, count, -1) >= 0) {
        if (polled[0].revents && count < CONNECTIONS) {
            int opened = modbus_tcp_accept(context, &listening);
            if (opened >= 0)
                polled[count++] = (struct pollfd){.fd = opened, .events = POLLIN};
        }
        for (int n = 1; n < count; n++) {
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            int size;
            if (!polled[n].revents)
                continue;
            modbus_set_socket(context, polled[n].fd);
            size = modbus_receive(context, query);
            if (size > 0) {
                modbus_reply(context, query, size, map);
            } else if (size < 0) {
                close(polled[n].fd);
                polled[n--] = polled[--count];
            }
        }
    }
    return 0;
}
