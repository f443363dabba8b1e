#include "control.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_listener.h"
#include "log.h"
#include "message.h"

/* NNG counts its own header in; a message of just over MESSAGE_MAX bytes still gets an answer. */
#define RECEIVE_MAX (MESSAGE_MAX + 64u)

/* Requests answered before the cameras get their turn. */
#define BATCH 8

struct control {
    nng_socket socket; /* id 0: not open */
    struct control_listener listener;
    sd_event_source *source;
    control_answer answer;
    void *data;
};

/* Runs on a thread of NNG, before the peer can send anything. */
static void on_connect(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    uint64_t uid;

    (void)event, (void)data;
    if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) != 0 || (uid != 0 && uid != geteuid()))
        nng_pipe_close(pipe);
}

static json_t *reply_to(struct control *control, const void *text, size_t length)
{
    const char *problem = NULL;
    json_t *request = message_decode(text, length, &problem);

    if (request == NULL)
        return problem == message_wrong_version
                   ? message_error("version", "this ringcastd speaks version %d of the control protocol",
                                   MESSAGE_VERSION)
                   : message_error("malformed", "the request is malformed: %s", problem);
    json_t *reply = control->answer(control->data, request);
    json_decref(request);
    return reply;
}

/* NULL: out of memory, or more than MESSAGE_MAX. */
static char *encode_reply(struct control *control, nng_msg *request, size_t *length)
{
    json_t *reply = reply_to(control, nng_msg_body(request), nng_msg_len(request));
    char *text = reply == NULL ? NULL : message_encode(reply, length);

    json_decref(reply);
    return text;
}

/* Turns the request into its reply and sends it. A client that has vanished costs nothing: NNG drops the
 * reply. */
static void answer_one(struct control *control, nng_msg *message)
{
    size_t length = 0;
    char *text = encode_reply(control, message, &length);

    nng_msg_clear(message);
    int error = text == NULL ? NNG_ENOMEM : nng_msg_append(message, text, length);
    free(text);
    if (error == 0)
        error = nng_sendmsg(control->socket, message, NNG_FLAG_NONBLOCK);
    if (error != 0) {
        log_warning("control: a reply was not sent: %s", nng_strerror(error));
        nng_msg_free(message);
    }
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct control *control = data;
    nng_msg *message;

    (void)source, (void)fd, (void)events;
    for (int i = 0; i < BATCH; i++) {
        if (nng_recvmsg(control->socket, &message, NNG_FLAG_NONBLOCK) != 0)
            break;
        answer_one(control, message);
    }
    return 0;
}

static int listen_at(struct control *control, sd_event *event, const char *url)
{
    int error = nng_pipe_notify(control->socket, NNG_PIPE_EV_ADD_PRE, on_connect, NULL);

    if (error == 0)
        error = nng_socket_set_size(control->socket, NNG_OPT_RECVMAXSZ, RECEIVE_MAX);
    if (error == 0)
        error = control_listener_init(&control->listener, event, control->socket, url);
    return error;
}

static int watch(struct control *control, sd_event *event)
{
    int fd;
    int error = nng_socket_get_int(control->socket, NNG_OPT_RECVFD, &fd);

    if (error != 0)
        return -EIO;
    return sd_event_add_io(event, &control->source, fd, EPOLLIN, on_request, control);
}

int control_create(sd_event *event, const char *url, control_answer answer, void *data,
                   struct control **result)
{
    if (strlen(url) - strlen("ipc://") >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        log_error("the path of the control socket, %s, is too long for a socket: shorten `runtime_dir`", url);
        return -ENAMETOOLONG;
    }
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        return -ENOMEM;
    control->answer = answer;
    control->data = data;
    int error = nng_rep0_open(&control->socket);
    if (error == 0)
        error = listen_at(control, event, url);
    if (error != 0)
        log_error("the control socket %s cannot be opened: %s", url, nng_strerror(error));
    int result_code = error == 0 ? watch(control, event) : -EIO;
    if (result_code < 0) {
        control_destroy(control);
        return result_code;
    }
    *result = control;
    return 0;
}

void control_destroy(struct control *control)
{
    if (control == NULL)
        return;
    sd_event_source_disable_unref(control->source);
    control_listener_finish(&control->listener);
    if (nng_socket_id(control->socket) > 0)
        nng_close(control->socket);
    free(control);
}
