/* Every route of jwtauthd, once: the tables of the route_*.c files in the order in which they are listed. */
#ifndef JA_DAEMON_ROUTES_H
#define JA_DAEMON_ROUTES_H

#include "daemon/http.h"

/* Each ends with a row whose path is NULL. */
extern const struct http_route *const http_routes[];

/* One a line, so that two of them can be added at once. */
extern const struct http_route route_audit[];
extern const struct http_route route_factor[];
extern const struct http_route route_gate[];
extern const struct http_route route_login[];
extern const struct http_route route_oauth[];
extern const struct http_route route_own[];
extern const struct http_route route_password[];
extern const struct http_route route_profile[];
extern const struct http_route route_register[];
extern const struct http_route route_roles[];
extern const struct http_route route_service[];
extern const struct http_route route_token[];
extern const struct http_route route_users[];

/* Visits every row; the index counts over all tables, below http_route_count(). */
void http_route_each(void (*fn)(void *arg, size_t index, const struct http_route *route), void *arg);
size_t http_route_count(void);
size_t http_route_index(const struct http_route *route);

/* Finds the route of a path; a trailing slash makes no difference. The decoded {…} parts are malloc'd into params
 * (http_params_clear). JA_ERR_NOT_FOUND: no such path; JA_ERR_INVALID: a part is no UTF-8 text, or empty;
 * *ret NULL with JA_OK: the path is there, but not with this method; *ret_allowed then has its methods' bits. */
enum ja_status http_route_find(unsigned method, const char *path, const struct http_route **ret,
                               char *params[HTTP_PARAMS_MAX], unsigned *ret_allowed, struct ja_error *err);
void http_params_clear(char *params[HTTP_PARAMS_MAX]);
/* "GET", from one bit. */
const char *http_method_name(unsigned method);

#endif
