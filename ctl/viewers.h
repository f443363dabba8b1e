/* `viewers` and `kick`: who watches, and ending one. One thread. */
#ifndef CTL_VIEWERS_H
#define CTL_VIEWERS_H

#include "ctl/client.h"
#include "ctl/options.h"

enum exit_code audience_list(struct client *client, const struct options *options);
enum exit_code audience_kick(struct client *client, const struct options *options);

#endif
