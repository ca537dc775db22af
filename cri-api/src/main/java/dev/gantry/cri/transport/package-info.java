/** Channels and servers for CRI over unix sockets and within the process. */
@NullMarked
package dev.gantry.cri.transport;

import org.jspecify.annotations.NullMarked;
