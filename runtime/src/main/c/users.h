/* Pods with users of their own. */
#ifndef USERS_H
#define USERS_H

#include "sys.h"

/*
 * Makes a user namespace with these maps, and in it the other namespaces (CLONE_NEW*), and enters those: the caller stays
 * who it is, in the host's user namespace. The new one lives for as long as what belongs to it.
 * Returns 0 or a negative errno.
 */
long enter_namespaces_of_users(const char *uid_map, const char *gid_map, u64 namespaces);

#endif
