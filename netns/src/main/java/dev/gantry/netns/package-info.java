/** Pod networks: bridge, veth, addresses, routes, masquerading and host ports over netlink. */
@NullMarked
package dev.gantry.netns;

import org.jspecify.annotations.NullMarked;
