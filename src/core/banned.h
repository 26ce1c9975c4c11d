/* Functions that are easy to use wrongly do not compile in this tree.
 *
 * Include it after every other header: system headers may mention these names. Instead of them:
 * lt_buf, snprintf and memcpy for text, strchr or strcspn for splitting, the _r forms for time. */
#ifndef LT_BANNED_H
#define LT_BANNED_H

#define LT_BANNED(func) sorry_##func##_is_a_banned_function

#undef strcpy
#define strcpy(to, from) LT_BANNED(strcpy)
#undef strcat
#define strcat(to, from) LT_BANNED(strcat)
#undef sprintf
#define sprintf(...) LT_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) LT_BANNED(vsprintf)
#undef strtok
#define strtok(text, delimiters) LT_BANNED(strtok)
#undef gmtime
#define gmtime(clock) LT_BANNED(gmtime)
#undef localtime
#define localtime(clock) LT_BANNED(localtime)
#undef asctime
#define asctime(fields) LT_BANNED(asctime)
#undef ctime
#define ctime(clock) LT_BANNED(ctime)

#endif
