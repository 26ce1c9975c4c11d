/* Files: single ones, directories of them, standard input and output. */
#ifndef LT_CONNECTOR_FILE_H
#define LT_CONNECTOR_FILE_H

#include "leat/connector.h"

extern const struct leat_connector lt_connector_file;

#endif
