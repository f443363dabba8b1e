/*
 * One lock guards everything: the secrets, the buffers, and through them the order format → redact → escape →
 * write. Redaction comes before anything is cut, so that no beginning of a secret is left at the end of a
 * line; a text that did not fit even then loses whatever at its end could be such a beginning.
 */
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* A line in bytes, with its newline: what the kernel writes to a pipe in one piece. */
#define LINE_MAX_BYTES PIPE_BUF

/* Text in bytes before redaction: leaves room for long secrets to become short. */
#define TEXT_MAX_BYTES (4 * PIPE_BUF)

#define REPLACEMENT "***"

/*
 * Bytes from which on a secret is hidden anywhere. A shorter one is hidden only where it stands alone: hiding
 * every "1" would make the log unreadable, and would tell the secret.
 */
#define SECRET_ANYWHERE_MIN 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_handlers_once = PTHREAD_ONCE_INIT;
static _Atomic int threshold = LOG_LEVEL_INFO;

static void (*recorder)(const char *line, size_t length); /* NULL: none */
static char *source;                                      /* "ingest[front]"; NULL: the program's name */
static char **secrets;
static size_t secret_count;
static bool secret_starts[UCHAR_MAX + 1]; /* bytes that some secret, plain or encoded, begins with */

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static void lock_log(void)
{
    pthread_mutex_lock(&lock);
}

static void unlock_log(void)
{
    pthread_mutex_unlock(&lock);
}

/* A child forked while another thread writes a line must not find the lock taken by a thread that it has not
 * got. */
static void register_fork_handlers(void)
{
    pthread_atfork(lock_log, unlock_log, unlock_log);
}

void log_open(const char *role, const char *camera)
{
    char *name = NULL;

    pthread_once(&fork_handlers_once, register_fork_handlers);
    if (camera == NULL)
        name = strdup(role);
    else if (asprintf(&name, "%s[%s]", role, camera) < 0)
        name = NULL;
    lock_log();
    free(source);
    source = name;
    unlock_log();
}

void log_close(void)
{
    lock_log();
    for (size_t i = 0; i < secret_count; i++) {
        explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    free(secrets);
    free(source);
    secrets = NULL;
    secret_count = 0;
    source = NULL;
    memset(secret_starts, 0, sizeof(secret_starts));
    unlock_log();
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_level_from_name(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* In place. False if that changes nothing, or would give a NUL. */
static bool percent_decode(char *text)
{
    char *out = text;
    bool changed = false;

    for (const char *in = text; *in != '\0'; out++) {
        int high = in[0] == '%' ? hex_value(in[1]) : -1;
        int low = high >= 0 ? hex_value(in[2]) : -1;
        if (low < 0) {
            *out = *in++;
            continue;
        }
        if (high == 0 && low == 0)
            return false;
        *out = (char)(high * 16 + low);
        in += 3;
        changed = true;
    }
    *out = '\0';
    return changed;
}

static bool is_known_secret(const char *secret)
{
    for (size_t i = 0; i < secret_count; i++)
        if (strcmp(secrets[i], secret) == 0)
            return true;
    return false;
}

/* Takes SECRET over. A secret that cannot be kept ends the process: going on would show it. */
static void keep_secret(char *secret)
{
    if (secret == NULL)
        abort();
    if (is_known_secret(secret)) {
        free(secret);
        return;
    }
    char **larger = reallocarray(secrets, secret_count + 1, sizeof(*secrets));
    if (larger == NULL)
        abort();
    secrets = larger;
    secrets[secret_count++] = secret;
    secret_starts[(unsigned char)secret[0]] = true;
    secret_starts['%'] = true;
}

void log_add_secret(const char *secret)
{
    if (secret == NULL || secret[0] == '\0')
        return;
    lock_log();
    keep_secret(strdup(secret));
    char *decoded = strdup(secret);
    if (decoded == NULL || percent_decode(decoded))
        keep_secret(decoded);
    else
        free(decoded);
    unlock_log();
}

/* A text that is being redacted. */
struct scan {
    const char *text;
    size_t length;
    bool cut;            /* the text goes on after LENGTH, but was cut there */
    size_t url_end;      /* the URL last looked at ends here */
    size_t userinfo_end; /* and its user information here */
};

/*
 * Matches BYTE, percent-encoded, at offset AT. Returns the offset after it, or 0. At the end of a cut text
 * the beginning of the code is enough.
 */
static size_t match_encoded(const struct scan *scan, size_t at, unsigned char byte)
{
    const int wanted[] = {byte >> 4, byte & 15};

    if (at == scan->length || scan->text[at] != '%')
        return 0;
    for (size_t i = 0; i < 2; i++) {
        if (at + 1 + i == scan->length)
            return scan->cut ? scan->length : 0;
        if (hex_value(scan->text[at + 1 + i]) != wanted[i])
            return 0;
    }
    return at + 3;
}

/*
 * Matches SECRET at offset AT, each of its bytes plain or percent-encoded. Returns the offset after it, or 0.
 * '%' itself may be meant either way, so both are tried.
 */
static size_t match_secret(const struct scan *scan, size_t at, const char *secret)
{
    for (; *secret != '\0'; secret++) {
        if (at == scan->length)
            return scan->cut ? at : 0;
        size_t encoded = match_encoded(scan, at, (unsigned char)*secret);
        bool plain = scan->text[at] == *secret;
        if (encoded != 0 && plain) {
            size_t end = match_secret(scan, encoded, secret + 1);
            if (end != 0)
                return end;
        }
        if (plain)
            at++;
        else if (encoded != 0)
            at = encoded;
        else
            return 0;
    }
    return at;
}

static bool ends_url(char byte)
{
    return (unsigned char)byte <= ' ' || byte == 0x7f || byte == '"' || byte == '<' || byte == '>';
}

/*
 * If a URL's authority begins at offset AT, the end of its user information, else 0. That end is the last '@'
 * of the whole URL and not of the authority: a password with an unencoded '/' in it must not show.
 */
static size_t match_userinfo(struct scan *scan, size_t at)
{
    if (at < 3 || memcmp(scan->text + at - 3, "://", 3) != 0)
        return 0;
    if (at < scan->url_end)
        return scan->userinfo_end;
    scan->userinfo_end = 0;
    for (scan->url_end = at; scan->url_end < scan->length && !ends_url(scan->text[scan->url_end]);
         scan->url_end++)
        if (scan->text[scan->url_end] == '@')
            scan->userinfo_end = scan->url_end;
    if (scan->cut && scan->url_end == scan->length)
        scan->userinfo_end = scan->length;
    return scan->userinfo_end;
}

static bool is_word(const struct scan *scan, size_t at, size_t end)
{
    return (at == 0 || !isalnum((unsigned char)scan->text[at - 1])) &&
           (end == scan->length || !isalnum((unsigned char)scan->text[end]));
}

/* Offset after the longest thing to hide that begins at offset AT; 0: nothing does. */
static size_t match_hidden(struct scan *scan, size_t at)
{
    size_t end = match_userinfo(scan, at);

    if (!secret_starts[(unsigned char)scan->text[at]])
        return end;
    for (size_t i = 0; i < secret_count; i++) {
        size_t match = match_secret(scan, at, secrets[i]);
        bool anywhere = strlen(secrets[i]) >= SECRET_ANYWHERE_MIN;
        if (match > end && (anywhere || is_word(scan, at, match)))
            end = match;
    }
    return end;
}

static size_t append(char *out, size_t size, size_t used, const char *piece, size_t length)
{
    if (length > size - 1 - used)
        length = size - 1 - used;
    memcpy(out + used, piece, length);
    return used + length;
}

/* Writes TEXT to OUT (SIZE > 0 bytes) redacted. Things to hide that touch or overlap become one replacement.
 */
static void redact(const char *text, bool cut, char *out, size_t size)
{
    struct scan scan = {.text = text, .length = strlen(text), .cut = cut};
    size_t used = 0;
    size_t hidden_end = 0;
    bool hiding = false;

    for (size_t at = 0; at < scan.length; at++) {
        size_t end = match_hidden(&scan, at);
        if (end > hidden_end)
            hidden_end = end;
        if (at >= hidden_end)
            used = append(out, size, used, text + at, 1);
        else if (!hiding)
            used = append(out, size, used, REPLACEMENT, strlen(REPLACEMENT));
        hiding = at < hidden_end;
    }
    out[used] = '\0';
    text_trim_partial(out);
}

void log_redact(char *text, size_t size)
{
    if (size == 0)
        return;
    size_t length = strnlen(text, size);
    char *copy = strndup(text, length);
    if (copy == NULL) {
        text[0] = '\0';
        return;
    }
    lock_log();
    redact(copy, length + 1 >= size, text, size);
    unlock_log();
    explicit_bzero(copy, length);
    free(copy);
}

/* Returns the length of what is in LINE. */
static size_t format_header(char *line, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    char name[256 * TEXT_ESCAPE_MAX];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    text_escape(name, sizeof(name), source != NULL ? source : program_invocation_short_name);
    int more = snprintf(line + used, size - used, ".%03dZ %s %s %d: ", (int)(now.tv_nsec / 1000000),
                        level_names[level], name, (int)getpid());
    return used + (size_t)more;
}

void log_set_recorder(void (*function)(const char *line, size_t length))
{
    lock_log();
    recorder = function;
    unlock_log();
}

/* A line that cannot be written is lost: there is nowhere to say so. */
static void write_line(const char *line, size_t length)
{
    ssize_t written;

    do
        written = write(STDERR_FILENO, line, length);
    while (written < 0 && errno == EINTR);
}

void log_writev(enum log_level level, const char *format, va_list arguments)
{
    static char text[TEXT_MAX_BYTES];
    static char redacted[TEXT_MAX_BYTES];
    static char line[LINE_MAX_BYTES];
    int saved_errno = errno;

    if (level > log_level_now())
        return;
    lock_log();
    errno = saved_errno; /* for %m */
    int length = vsnprintf(text, sizeof(text), format, arguments);
    if (length >= 0) {
        redact(text, (size_t)length >= sizeof(text), redacted, sizeof(redacted));
        size_t used = format_header(line, sizeof(line), level);
        used += text_escape(line + used, sizeof(line) - used - 1, redacted);
        line[used++] = '\n';
        write_line(line, used);
        if (recorder != NULL)
            recorder(line, used);
        explicit_bzero(text, sizeof(text));
    }
    unlock_log();
    errno = saved_errno;
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_writev(level, format, arguments);
    va_end(arguments);
}
