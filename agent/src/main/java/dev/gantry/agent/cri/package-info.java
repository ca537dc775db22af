/** The pod engine's view of a container runtime: CRI v1 stubs with deadlines and errors that say what was asked of whom. */
@NullMarked
package dev.gantry.agent.cri;

import org.jspecify.annotations.NullMarked;
