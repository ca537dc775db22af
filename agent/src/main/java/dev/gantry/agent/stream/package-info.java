/** Exec, attach and port forwarding in a runtime behind a socket: the client's side of CRI streaming. */
@NullMarked
package dev.gantry.agent.stream;

import org.jspecify.annotations.NullMarked;
