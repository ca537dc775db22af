/** Streams to running containers, offered to callers in this process: exec, attach, port forwarding. */
@NullMarked
package dev.gantry.runtime.io;

import org.jspecify.annotations.NullMarked;
