/** Links, addresses, routes and packet filters of the kernel: rtnetlink and nf_tables messages, and the socket for them. */
@NullMarked
package dev.gantry.linux.netlink;

import org.jspecify.annotations.NullMarked;
