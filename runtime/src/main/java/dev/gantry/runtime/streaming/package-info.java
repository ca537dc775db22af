/** The streaming server of CRI: exec, attach and port-forward over WebSocket and SPDY/3.1, behind one-time URLs on loopback. */
@NullMarked
package dev.gantry.runtime.streaming;

import org.jspecify.annotations.NullMarked;
