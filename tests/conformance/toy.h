/* The connectors the conformance suite brings itself. */
#ifndef TOY_H
#define TOY_H

#include "leat/connector.h"

extern const struct leat_connector toydir_connector; /* toydir:PATH, a directory of part files */
extern const struct leat_connector fault_connector;  /* fault+URL, wraps any other, see fault.c */

#endif
