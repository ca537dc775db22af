/** Events as users know them from Kubernetes: counted, bounded, and kept across restarts of the agent. */
@NullMarked
package dev.gantry.agent.event;

import org.jspecify.annotations.NullMarked;
