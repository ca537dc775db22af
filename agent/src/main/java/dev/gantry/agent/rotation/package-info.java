/** Rotation of containers' logs: when, to which names, and what is kept. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.rotation;
