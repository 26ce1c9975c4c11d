/* What the CSV tests share. */
#ifndef LT_TEST_CSV_UTIL_H
#define LT_TEST_CSV_UTIL_H

#define TEST_FORMAT "csv"
#define TEST_FILE "orders.csv"
#include "text_util.h"

#endif
