/** Points in time as Kubernetes writes them. */
@NullMarked
package dev.gantry.agent.time;

import org.jspecify.annotations.NullMarked;
