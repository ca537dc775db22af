/** Probes of the containers of pods: which run, what they found, and what of that outlives the agent. */
@NullMarked
package dev.gantry.agent.probe;

import org.jspecify.annotations.NullMarked;
