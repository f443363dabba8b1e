/* SPDX-License-Identifier: MIT */
/* What was found, to the program that asked. One thread. */
#ifndef DISCOVER_REPORT_H
#define DISCOVER_REPORT_H

#include <jansson.h>

/* Sends MESSAGE (consumed; NULL is -ENOMEM), and waits where the other side has not read yet. 0 or negative errno: nobody is there. */
int report_send(int channel, json_t *message);

#endif
