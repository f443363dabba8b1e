/* SPDX-License-Identifier: MIT */
#include "discover/xml.h"

#include <libxml/parser.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* No network, no messages, and neither entities nor external parts put in their places. */
#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA)

#define NAME_SIZE 64

static void refuse_document_type(void *context, const xmlChar *name, const xmlChar *external,
                                 const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    xmlStopParser(context);
}

xmlDoc *xml_read(const char *data, size_t length)
{
    if (length == 0 || length > XML_BYTES_MAX) {
        return NULL;
    }
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser) {
        return NULL;
    }
    parser->sax->internalSubset = refuse_document_type;
    xmlDoc *document = xmlCtxtReadMemory(parser, data, (int)length, NULL, NULL, PARSE_OPTIONS);
    xmlFreeParserCtxt(parser);
    if (document && !xmlDocGetRootElement(document)) {
        xmlFreeDoc(document);
        document = NULL;
    }
    return document;
}

bool xml_is(const xmlNode *node, const char *namespace, const char *name)
{
    if (!node || node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0) {
        return false;
    }
    return !namespace || (node->ns && node->ns->href && strcmp((const char *)node->ns->href, namespace) == 0);
}

xmlNode *xml_child(const xmlNode *parent, const char *namespace, const char *name)
{
    xmlNode *node = parent ? parent->children : NULL;

    while (node && !xml_is(node, namespace, name)) {
        node = node->next;
    }
    return node;
}

xmlNode *xml_next(const xmlNode *node)
{
    const char *namespace = node->ns ? (const char *)node->ns->href : NULL;
    xmlNode *next = node->next;

    while (next && !xml_is(next, namespace, (const char *)node->name)) {
        next = next->next;
    }
    return next;
}

xmlNode *xml_down(const xmlNode *parent, const char *path)
{
    char name[NAME_SIZE];
    const xmlNode *node = parent;

    while (node && *path != '\0') {
        size_t length = strcspn(path, "/");
        if (length >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        node = xml_child(node, NULL, name);
        path += length + (path[length] == '/');
    }
    return (xmlNode *)(uintptr_t)node;
}

/* Appends the LENGTH bytes of TEXT to OUT, control characters as blanks. Returns the new length. */
static size_t append(char *out, size_t size, size_t used, const char *text, size_t length)
{
    for (size_t i = 0; i < length && used + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        out[used++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    out[used] = '\0';
    return used;
}

/* C1 controls are two bytes of UTF-8, 0xc2 0x80…0x9f. */
static void blank_c1(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 && (unsigned char)c[1] < 0xa0) {
            c[0] = ' ';
            c[1] = ' ';
        }
    }
}

static size_t finish(char *out, size_t used)
{
    size_t blanks = 0;

    text_trim_partial(out);
    blank_c1(out);
    used = strlen(out);
    while (used > 0 && out[used - 1] == ' ') {
        out[--used] = '\0';
    }
    blanks = strspn(out, " ");
    memmove(out, out + blanks, used - blanks + 1);
    return used - blanks;
}

/* A long run of blanks in front of the text must not fill OUT. */
static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

static size_t collect(const xmlNode *first, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (const xmlNode *node = first; node; node = node->next) {
        if ((node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) && node->content) {
            const char *text = (const char *)node->content;
            text = used == 0 ? skip_blanks(text) : text;
            used = append(out, size, used, text, strlen(text));
        }
    }
    return finish(out, used);
}

size_t xml_text(const xmlNode *node, char *out, size_t size)
{
    return collect(node ? node->children : NULL, out, size);
}

size_t xml_attribute(const xmlNode *node, const char *name, char *out, size_t size)
{
    const xmlAttr *attribute = node ? xmlHasProp(node, (const xmlChar *)name) : NULL;

    return collect(attribute && attribute->type == XML_ATTRIBUTE_NODE ? attribute->children : NULL, out,
                   size);
}

int xml_number(const xmlNode *node, int most)
{
    char text[32], *end = NULL;

    if (xml_text(node, text, sizeof(text)) == 0) {
        return -1;
    }
    long value = strtol(text, &end, 10);
    bool whole = end != text && (*end == '\0' || *end == '.');
    return whole && value >= 0 && value <= most ? (int)value : -1;
}
