/* `viewers` and `kick`: who watches, and ending one. One thread. */
#ifndef AUDIENCE_H
#define AUDIENCE_H

#include "client.h"
#include "options.h"

enum exit_code audience_list(struct client *client, const struct options *options);
enum exit_code audience_kick(struct client *client, const struct options *options);

#endif
