/* libcurl, which is loaded when the first request is made: many programs, and most of their runs, make none.
 */
#ifndef LIBCURL_H
#define LIBCURL_H

#include <curl/curl.h>

/* What a client calls of it, without the curl_. */
#define LIBCURL_FUNCTIONS(F)                                                                                 \
	F(easy_cleanup)                                                                                          \
	F(easy_escape)                                                                                           \
	F(easy_getinfo)                                                                                          \
	F(easy_init)                                                                                             \
	F(easy_setopt)                                                                                           \
	F(easy_strerror)                                                                                         \
	F(free)                                                                                                  \
	F(getdate)                                                                                               \
	F(global_init)                                                                                           \
	F(multi_add_handle)                                                                                      \
	F(multi_assign)                                                                                          \
	F(multi_cleanup)                                                                                         \
	F(multi_info_read)                                                                                       \
	F(multi_init)                                                                                            \
	F(multi_remove_handle)                                                                                   \
	F(multi_setopt)                                                                                          \
	F(multi_socket_action)                                                                                   \
	F(slist_append)                                                                                          \
	F(slist_free_all)

/* curl.easy_init is curl_easy_init; NULL before it is loaded. */
struct libcurl {
#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
	LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
};

extern struct libcurl curl;

/* Loads it, if that is still to be done, and ends the process where it cannot be had. Of any thread. */
void libcurl_load(void);

#endif
