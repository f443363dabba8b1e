#include "viewer_table.h"

#include "message.h"
#include "table.h"

static void write_id(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "id");
}

static void write_camera(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "camera");
}

static void write_address(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "address");
}

static void write_since(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_span(cell, json_object_get(viewer, "since_s"));
}

static void write_sent(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    snprintf(cell, TABLE_CELL_SIZE, "%.1f MB", (double)message_integer(viewer, "sent_bytes", 0) / 1e6);
}

static void write_drops(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_count(cell, viewer, "drops");
}

static void write_state(char cell[TABLE_CELL_SIZE], const json_t *viewer)
{
    table_write_text(cell, viewer, "state");
}

static const struct table_column columns[] = {
    {"ID", false, write_id},       {"CAMERA", false, write_camera}, {"ADDRESS", false, write_address},
    {"FOR", true, write_since},    {"SENT", true, write_sent},      {"DROPS", true, write_drops},
    {"STATE", false, write_state},
};

void viewer_table_print(const json_t *reply, FILE *out)
{
    table_print(columns, sizeof(columns) / sizeof(columns[0]), json_object_get(reply, "viewers"), out);
}
