/* SPDX-License-Identifier: MIT */
#include "ctl/top.h"

#include <ncurses.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "ctl/request.h"
#include "ctl/status_table.h"
#include "ctl/table.h"

/* Milliseconds between two requests for the status: fps and bitrate are those of a second. */
#define LOOK_MS 1000

/* Bytes of the text that names must contain. */
#define FILTER_SIZE 64

#define CTRL_C 3
#define ESCAPE_KEY 27

/* Colour pairs of ncurses; 0 is the terminal's own. */
enum colour { COLOUR_WELL, COLOUR_IMPAIRED, COLOUR_AWAY };

struct screen {
    json_t *cameras; /* those that are shown, the worst first */
    char *head;      /* what stands above the titles */
    char *table;     /* the titles, and a line for each of `cameras` */
    size_t all;      /* how many cameras there are */
    int first;       /* index of the camera at the top */
    bool only_bad;
    bool typing; /* keys go into the filter */
    char filter[FILTER_SIZE];
};

/* --- What is shown -------------------------------------------------------------------------------------- */

/* What PRINT writes of VALUE, malloc'ed; NULL: out of memory. */
static char *printed(void (*print)(const json_t *value, FILE *out), const json_t *value)
{
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        return NULL;
    }
    print(value, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* In any case of ASCII letters. */
static bool is_wanted(const struct screen *screen, const json_t *camera)
{
    return strcasestr(message_string(camera, "name", ""), screen->filter) != NULL;
}

static void filter_cameras(struct screen *screen)
{
    for (size_t i = json_array_size(screen->cameras); i > 0; i--) {
        if (!is_wanted(screen, json_array_get(screen->cameras, i - 1))) {
            json_array_remove(screen->cameras, i - 1);
        }
    }
}

static bool take_status(struct screen *screen, const json_t *status)
{
    const json_t *cameras = json_object_get(status, "cameras");

    json_decref(screen->cameras);
    screen->cameras = status_table_sorted(cameras, screen->only_bad);
    screen->all = json_array_size(cameras);
    filter_cameras(screen);
    free(screen->head);
    free(screen->table);
    screen->head = printed(status_table_print_head, status);
    screen->table = printed(status_table_print_cameras, screen->cameras);
    return screen->head && screen->table;
}

static enum exit_code update(struct client *client, const struct options *options, struct screen *screen)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK && !take_status(screen, status)) {
        client_complain("out of memory");
        code = EXIT_CODE_FAILED;
    }
    json_decref(status);
    return code;
}

/* --- The terminal --------------------------------------------------------------------------------------- */

static int lines_of(const char *text)
{
    int lines = 0;

    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* Above the first camera: the head and the titles. */
static int head_lines(const struct screen *screen)
{
    return lines_of(screen->head) + 1;
}

/* How many cameras there is room for, above the line with the keys. */
static int room(const struct screen *screen)
{
    int lines = LINES - head_lines(screen) - 1;

    return lines > 0 ? lines : 0;
}

static int most_scrolled(const struct screen *screen)
{
    int cameras = (int)json_array_size(screen->cameras);

    return cameras > room(screen) ? cameras - room(screen) : 0;
}

static void scroll_to(struct screen *screen, int first)
{
    int most = most_scrolled(screen);

    screen->first = first < 0 ? 0 : first > most ? most : first;
}

/* Writes LENGTH bytes of TEXT, or as much as fits in the line. */
static void draw_line(int row, const char *text, size_t length)
{
    char line[TABLE_CELL_SIZE * TABLE_COLUMNS_MAX];

    snprintf(line, sizeof(line), "%.*s", (int)length, text);
    line[table_fitting(line, (size_t)COLS)] = '\0';
    mvaddstr(row, 0, line);
}

static void draw_head(const struct screen *screen)
{
    int row = 0;

    for (const char *at = screen->head; *at != '\0' && row < LINES - 1; row++) {
        size_t length = strcspn(at, "\n");
        draw_line(row, at, length);
        at += length + 1;
    }
}

static void draw_cameras(const struct screen *screen)
{
    static const enum colour colours[] = {
        [STATUS_WELL] = COLOUR_WELL, [STATUS_IMPAIRED] = COLOUR_IMPAIRED, [STATUS_AWAY] = COLOUR_AWAY};
    int titles = lines_of(screen->head);
    const char *at = screen->table;

    for (int line = 0; *at != '\0'; line++) {
        size_t length = strcspn(at, "\n");
        int row = line == 0 ? titles : titles + line - screen->first;
        if (row < LINES - 1 && (line == 0 || row > titles)) {
            const json_t *camera = line == 0 ? NULL : json_array_get(screen->cameras, (size_t)line - 1);
            attrset(camera ? (attr_t)COLOR_PAIR(colours[status_table_trouble(camera)]) : A_BOLD);
            draw_line(row, at, length);
        }
        at += length + 1;
    }
    attrset(A_NORMAL);
}

static void draw_keys(const struct screen *screen)
{
    char line[256];

    if (screen->typing || screen->filter[0] != '\0') {
        snprintf(line, sizeof(line), "names with: %s%s   %zu of %zu cameras   %s", screen->filter,
                 screen->typing ? "_" : "", json_array_size(screen->cameras), screen->all,
                 screen->typing ? "Enter done   Esc all" : "/ other   Esc all   q quit");
    } else {
        snprintf(line, sizeof(line),
                 "q quit   arrows, page keys: scroll   / filter   b %s   %zu of %zu cameras",
                 screen->only_bad ? "all cameras" : "only those in trouble", json_array_size(screen->cameras),
                 screen->all);
    }
    attrset(A_DIM);
    draw_line(LINES - 1, line, strlen(line));
    attrset(A_NORMAL);
}

static void show(struct screen *screen)
{
    scroll_to(screen, screen->first);
    erase();
    draw_head(screen);
    draw_cameras(screen);
    draw_keys(screen);
    refresh();
}

static void begin_screen(void)
{
    initscr();
    raw(); /* Ctrl-C comes as a key, so that the terminal is restored before the end */
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(COLOUR_IMPAIRED, COLOR_YELLOW, -1);
        init_pair(COLOUR_AWAY, COLOR_RED, -1);
    }
}

/* --- Keys ----------------------------------------------------------------------------------------------- */

/* What follows a key. */
enum deed { DEED_SHOW, DEED_ASK, DEED_QUIT };

static enum deed type_key(struct screen *screen, int key)
{
    size_t length = strlen(screen->filter);

    switch (key) {
    case ESCAPE_KEY:
        screen->filter[0] = '\0';
        screen->typing = false;
        break;
    case '\n':
    case '\r':
    case KEY_ENTER:
        screen->typing = false;
        break;
    case KEY_BACKSPACE:
    case '\b':
    case 0x7f:
        while (length > 0 && ((unsigned char)screen->filter[length - 1] & 0xc0) == 0x80) {
            length--; /* the rest of a character in UTF-8 */
        }
        screen->filter[length > 0 ? length - 1 : 0] = '\0';
        break;
    case CTRL_C:
        return DEED_QUIT;
    default:
        if (key >= ' ' && key <= 0xff && length + 1 < sizeof(screen->filter)) {
            screen->filter[length] = (char)key;
            screen->filter[length + 1] = '\0';
        }
        break;
    }
    return DEED_ASK;
}

static enum deed handle_key(struct screen *screen, int key)
{
    if (screen->typing) {
        return type_key(screen, key);
    }
    switch (key) {
    case 'q':
    case CTRL_C:
        return DEED_QUIT;
    case '/':
        screen->typing = true;
        return DEED_SHOW;
    case ESCAPE_KEY:
        screen->filter[0] = '\0';
        return DEED_ASK;
    case 'b':
        screen->only_bad = !screen->only_bad;
        return DEED_ASK;
    case KEY_UP:
        scroll_to(screen, screen->first - 1);
        break;
    case KEY_DOWN:
        scroll_to(screen, screen->first + 1);
        break;
    case KEY_PPAGE:
        scroll_to(screen, screen->first - room(screen));
        break;
    case KEY_NPAGE:
        scroll_to(screen, screen->first + room(screen));
        break;
    case KEY_HOME:
        scroll_to(screen, 0);
        break;
    case KEY_END:
        scroll_to(screen, most_scrolled(screen));
        break;
    default: /* also KEY_RESIZE */
        break;
    }
    return DEED_SHOW;
}

/* Handles keys until the next request for the status is due. */
static enum deed handle_keys(struct screen *screen)
{
    int key;

    timeout(LOOK_MS);
    while ((key = getch()) != ERR) {
        enum deed deed = handle_key(screen, key);
        if (deed != DEED_SHOW) {
            return deed;
        }
        show(screen);
    }
    return DEED_ASK;
}

static void forget(struct screen *screen)
{
    json_decref(screen->cameras);
    free(screen->head);
    free(screen->table);
}

enum exit_code top_run(struct client *client, const struct options *options)
{
    struct screen screen = {0};

    if (options->json || isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0) {
        client_complain("top needs a terminal; programs can use \"ringcastctl status --json\"");
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = update(client, options, &screen);
    if (code == EXIT_CODE_OK) {
        begin_screen();
        do {
            show(&screen);
            if (handle_keys(&screen) == DEED_QUIT) {
                break;
            }
            code = update(client, options, &screen);
        } while (code == EXIT_CODE_OK);
        endwin();
        if (code != EXIT_CODE_OK) {
            client_complain("ringcastd no longer answers");
        }
    }
    forget(&screen);
    return code;
}
