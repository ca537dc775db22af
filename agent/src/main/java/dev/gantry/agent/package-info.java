/** The node agent: pod workers, status, events, the local API and the command line. */
@NullMarked
package dev.gantry.agent;

import org.jspecify.annotations.NullMarked;
