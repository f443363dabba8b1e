/* SPDX-License-Identifier: MIT */
/*
 * XML from outside, read with libxml2 so that it does no harm: bounded in size and depth, without a document type and so
 * without entities of its own, nothing loaded from anywhere. Pure functions: any process, any thread.
 */
#ifndef DISCOVER_XML_H
#define DISCOVER_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest document that is read. Sixty-four profiles in full are about 200 kB. */
#define XML_BYTES_MAX 524288u

/*
 * The document that LENGTH bytes at DATA are, to be freed with xmlFreeDoc. NULL: not well-formed, too large, too deep, or
 * it has a document type, which SOAP forbids (SOAP 1.2 part 1, section 5).
 */
xmlDoc *xml_read(const char *data, size_t length);

/* NODE is an element with this name in NAMESPACE; NAMESPACE NULL: in any, or in none. */
bool xml_is(const xmlNode *node, const char *namespace, const char *name);

/* The first child of PARENT that xml_is; NULL: there is none, or PARENT is NULL. */
xmlNode *xml_child(const xmlNode *parent, const char *namespace, const char *name);

/* The next sibling of NODE with its name and in its namespace; NULL: there is none. */
xmlNode *xml_next(const xmlNode *node);

/* From PARENT down the names of PATH, "A/B/C", in any namespace; NULL: there is no such element. */
xmlNode *xml_down(const xmlNode *parent, const char *path);

/*
 * The text right below NODE, blanks at its ends left out, cut between characters if it is longer than OUT, which holds SIZE
 * bytes. Control characters become blanks. The empty string if NODE is NULL. Returns its length.
 */
size_t xml_text(const xmlNode *node, char *out, size_t size);

/* The same for attribute NAME of NODE, which has no namespace. */
size_t xml_attribute(const xmlNode *node, const char *name, char *out, size_t size);

/* The number that NODE's text is, between 0 and MOST; a fraction is cut off. -1: it is none. */
int xml_number(const xmlNode *node, int most);

#endif
